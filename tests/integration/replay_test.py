"""replay: what it reads, what it refuses, and that nothing is counted twice or lost."""

import json
import signal
import subprocess

import pytest
from replay_support import PROGRAMS, replay, run

HEADER = "session_id,user_id,started_at,stopped_at,kwh_consumed,total_reward_usd\r\n"
ROWS = (
    "s1,u1,2026-03-01 10:00:00,2026-03-01 11:00:00,12.5,3.25\r\n"
    "s2,u2,2026-03-01T12:00:00Z,2026-03-01T15:00:00+02:00,4,1.00\r\n"
    "s3,u3,2026-03-02 09:00:00,,,\r\n"
)


def test_sessions_become_kpis():
    report = replay(stdin=HEADER + ROWS)
    assert (report["rows_read"], report["rows_skipped"], report["events_published"]) == (3, 0, 5)
    kpis = report["kpis"]
    assert kpis["conversion_funnel"]["sessions_started"] == 3
    assert kpis["conversion_funnel"]["sessions_completed"] == 2
    assert kpis["conversion_funnel"]["sessions_credited"] == 0
    assert kpis["revenue_metrics"]["total_rewards_usd"] == 4.25
    assert kpis["revenue_metrics"]["energy_kwh"] == 16.5
    assert kpis["conversion_funnel"]["from"] == "2026-03-01T10:00:00.000000+00:00"
    assert kpis["conversion_funnel"]["to"] == "2026-03-02T09:00:00.000001+00:00"


def test_quotes_line_ends_and_a_byte_order_mark_are_read_as_rfc_4180_says(tmp_path):
    file = tmp_path / "sessions.csv"
    file.write_bytes(
        b"\xef\xbb\xbf"
        b'"session_id","user_id",note,"started_at","stopped_at"\r\n'
        b'"a ""quoted"" id, with comma",u1,"two\r\nlines",2026-03-01 10:00:00,2026-03-01 11:00\r\n'
        b"\r\n"
        b'"s2","u2","",2026-03-01 10:00:00,2026-03-01 11:00:00'  # no line end
    )
    report = replay(file, "--store", f"sqlite:///{tmp_path}/a.db")
    assert report["kpis"]["streak_metrics"]["unique_users"] == 2
    rows = subprocess.run(
        ["sqlite3", tmp_path / "a.db", "SELECT aggregate_id FROM analytics_events ORDER BY id"],
        capture_output=True, encoding="utf-8", check=True,
    )
    assert rows.stdout.split("\n")[0] == 'a "quoted" id, with comma'


def test_bad_rows_are_reported_by_line_and_skipped_whole():
    bad = (
        "s4,u4,2026-03-01 25:00:00,,,\r\n"  # 5
        's5,"two\r\nlines",2026-03-01 10:00:00\r\n'  # 6
        "s6,u6,2026-03-01 10:00:00,2026-03-01 11:00:00,lots,\r\n"  # 8
        ",u7,2026-03-01 10:00:00,,,\r\n"  # 9
        "s8,u8,,NA,null,\r\n"  # 10
        "s9,u9,2026-03-01 10:00:00,2026-03-01 11:00:00,-1,\r\n"  # 11
        f"{'x' * 101},u9,2026-03-01 10:00:00,,,\r\n"  # 12
        "s10,u10,2999-03-01 10:00:00,,,\r\n"  # 13
    )
    good = "s11,u11,2026-03-01 10:00:00,2026-03-01 11:00:00,1,0\r\n"
    report = replay(stdin=HEADER + ROWS + bad + good)
    assert (report["rows_read"], report["rows_skipped"]) == (12, 8)
    assert report["events_published"] == 7
    reasons = {
        5: "started_at", 6: "has 3 fields, but the header has 6", 8: "kwh_consumed",
        9: "session_id", 10: "started_at and stopped_at", 11: "kwh_consumed", 12: "session_id",
        13: "",
    }
    for line, reason in reasons.items():
        said = [text for text in report["stderr"].splitlines() if f"line {line}: " in text]
        assert len(said) == 1 and reason in said[0], report["stderr"]


def test_strict_stops_at_the_first_bad_row_and_keeps_those_before_it():
    text = HEADER + ROWS + "s4,u4,never,,,\r\ns5,u5,2026-03-01,,,\r\n"
    report = replay("--strict", stdin=text, returncode=1)
    assert (report["rows_read"], report["events_committed"]) == (4, 5)
    assert "line 5: started_at" in report["stderr"]


def test_no_good_row_at_all_is_an_error():
    assert replay(stdin="session_id,started_at\ns1,never\n", returncode=1)["kpis"] is None


def test_an_empty_input_is_none():
    assert replay(stdin="")["rows_read"] == 0
    assert replay(stdin=HEADER)["rows_read"] == 0


def test_a_quote_that_is_never_closed_is_an_error_that_names_its_line():
    report = replay(stdin=HEADER + ROWS + 's4,"u4,2026-03-01,,,\r\n', returncode=1)
    assert "line 5: a quoted field" in report["stderr"]
    assert report["events_committed"] == 5


def test_columns_are_mapped_by_name():
    text = "Id;Who;From;Till;Energy\n7;ann;2026-03-01 10:00:00;2026-03-01 11:00:00;2.5\n"
    columns = ["session_id=Id", "user_id=Who", "started_at=From", "stopped_at=Till"]
    mapping = [word for column in columns for word in ("--column", column)]
    report = replay("--delimiter", ";", *mapping, stdin=text)
    assert report["kpis"]["revenue_metrics"]["energy_kwh"] == 2.5  # a common name
    assert report["kpis"]["streak_metrics"]["unique_users"] == 1


@pytest.mark.parametrize(
    "column, message",
    [
        ("session_id=Nope", "no column 'Nope'"),
        ("sesion_id=session_id", "session_id"),
        ("session_id", "FIELD=COLUMN"),
    ],
)
def test_a_mapping_that_does_not_fit_is_wrong_usage(column, message):
    done = run("replay", "--column", column, stdin=HEADER + ROWS)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_two_columns_that_could_be_the_same_field_must_be_told_apart():
    text = "sessionId,start,created\ns1,2026-03-01,2026-03-02\n"
    done = run("replay", stdin=text)
    assert done.returncode == 2
    assert "'start' and 'created' could both be started_at" in done.stderr
    report = replay("--column", "started_at=created", stdin=text)
    assert report["kpis"]["conversion_funnel"]["from"].startswith("2026-03-02")


def test_a_column_whose_values_cannot_be_the_field_is_not_it():
    text = "sessionId,start,created\ns1,15,2026-03-02\n"
    assert replay(stdin=text)["kpis"]["conversion_funnel"]["from"].startswith("2026-03-02")


def test_replaying_twice_into_the_same_file_changes_nothing(tmp_path):
    file = tmp_path / "sessions.csv"
    file.write_text(HEADER + ROWS)
    arguments = (file, "--store", f"sqlite:///{tmp_path}/twice.db", "--reward-per-kwh", "0.10")
    first, second = replay(*arguments), replay(*arguments)
    assert first["events_committed"] == second["events_duplicate"] == 5
    assert second["events_committed"] == second["events_conflicting"] == 0
    for report in (first, second):
        report["kpis"].pop("elapsed_ms")
        report["kpis"].pop("generated_at")
    assert first["kpis"] == second["kpis"]


def test_the_reward_model_is_exact():
    rows = (
        "s1,u1,2026-03-01,2026-03-01,2.9,\n"  # 0.29 USD: 29 cents, not 28
        "s2,u1,2026-03-01,2026-03-01,0.04,\n"  # 0.004 USD: no whole cent
        "s3,u1,2026-03-01,2026-03-01,0.05,\n"  # 0.005 USD: 1 cent
        "s4,,2026-03-01,2026-03-01,10,\n"  # nobody to credit
        "s5,u1,2026-03-01,2026-03-01,10,0.50\n"  # has its own reward, and no credit
        "s6,u1,2026-03-01,2026-03-01,,\n"  # energy not known: nor is the reward
    )
    report = replay("--reward-per-kwh", "0.10", stdin=HEADER + rows)
    assert report["kpis"]["conversion_funnel"]["sessions_credited"] == 2
    revenue = report["kpis"]["revenue_metrics"]
    assert revenue["credited_usd"] == 0.30
    assert revenue["total_rewards_usd"] == 1.80  # 0.29 + 0.004 + 0.005 + 1 + 0.5 = 1.799
    assert revenue["avg_reward_usd"] == 0.36  # over 5


def test_credits_in_the_row_are_taken_as_they_are():
    text = (
        "session_id,user_id,started_at,stopped_at,amount_cents,credited_at,total_reward_usd\n"
        "s1,u1,2026-03-01,2026-03-01,325,2026-03-05,1\n"
        "s2,u1,2026-03-01,2026-03-01,,2026-03-05,1.5\n"
        "s3,u1,2026-03-01,2026-03-01,,,9\n"
        "s4,u1,2026-03-01,2026-03-01,1.5,,9\n"
        "s5,,2026-03-01,2026-03-01,100,,9\n"
    )
    report = replay(stdin=text)
    assert report["rows_skipped"] == 2  # fractional cents; no user
    assert report["kpis"]["revenue_metrics"]["credited_usd"] == 4.75
    assert report["kpis"]["conversion_funnel"]["to"].startswith("2026-03-05T00:00:00.000001")


def test_windows_go_by_the_start_and_may_pass_midnight():
    text = "session_id,user_id,started_at,stopped_at,window_id\n" + "".join(
        f"s{n},u1,2026-03-01 {start},2026-03-02 08:00:00,{window}\n"
        for n, (start, window) in enumerate(
            [("21:59:59", ""), ("22:00:00", ""), ("00:00:00", ""), ("01:59:59.999999", ""),
             ("02:00:00", ""), ("12:00:00", "own")]
        )
    )
    report = replay("--window", "night=22:00-02:00", stdin=text)
    assert report["kpis"]["green_hour_utilization"]["active_window_sessions"] == 4
    night = replay("--window", "night=22:00-02:00", "--filter", "window_id=night", stdin=text)
    assert night["kpis"]["streak_metrics"]["total_sessions"] == 3
    for bad in ("night", "night=22:00", "night=22:00-22:00", "=22:00-23:00", "n=25:00-26:00"):
        assert run("replay", "--window", bad, stdin=text).returncode == 2


def test_years_below_1000_are_repaired_and_that_is_said_once():
    text = "session_id,started_at,stopped_at\ns1,0014-11-18 15:40:26,0014-11-18 17:11:04\n"
    report = replay(stdin=text)
    assert report["kpis"]["conversion_funnel"]["from"] == "2014-11-18T15:40:26.000000+00:00"
    assert report["years_repaired"] == 2
    assert report["stderr"].count("2 times with a year below 1000") == 1


def test_sessions_may_be_ndjson():
    rows = [
        {"sessionId": 1, "userId": "u1", "startedAt": "2026-03-01T10:00:00Z",
         "endedAt": "2026-03-01T11:00:00Z", "kwh": 0.3, "totalRewardUsd": 0.1},
        {"sessionId": 2, "userId": None, "startedAt": "0026-03-01T10:00:00Z", "extra": {"a": []}},
    ]
    report = replay(stdin="\n".join(map(json.dumps, rows)) + "\nnot json\n[]\n")
    assert report["rows_skipped"] == 2
    assert "line 3: is not JSON" in report["stderr"]
    assert "line 4: is no JSON object" in report["stderr"]
    assert report["kpis"]["conversion_funnel"]["sessions_started"] == 2
    assert report["kpis"]["revenue_metrics"]["energy_kwh"] == 0.3


EVENTS = [
    {"event_type": "charge_started", "session_id": "s1", "user_id": "u1",
     "started_at": "2026-03-01T10:00:00Z"},
    {"eventType": "charge_stopped", "sessionId": "s1", "user_id": "u1",
     "stopped_at": "0026-03-01T11:00:00Z", "kwh_consumed": 12.5, "total_reward_usd": 3.25},
    {"event_type": "wallet_credited", "session_id": "s1", "user_id": "u1", "amount_cents": 325,
     "credited_at": "2026-03-01T11:00:05Z"},
]


def test_domain_events_may_be_ndjson_and_get_ids_that_stay_the_same():
    stream = "".join(json.dumps(event) + "\n" for event in EVENTS)
    report = replay(stdin=stream + stream + '{"event_type": "ping"}\n')
    assert "line 7: has no time" in report["stderr"]
    assert (report["events_committed"], report["events_duplicate"]) == (3, 3)
    assert report["kpis"]["conversion_funnel"]["sessions_credited"] == 1
    assert report["kpis"]["revenue_metrics"]["energy_kwh"] == 12.5


def test_domain_events_may_be_csv(tmp_path):
    text = (
        "event_type,session_id,user_id,started_at,stopped_at,total_reward_usd,amount_cents,"
        "credited_at,colour\n"
        "charge_started,s1,u1,0026-03-01 10:00:00,NA,,,,red\n"
        "charge_stopped,s1,u1,,2026-03-01 11:00:00,3.25,,,\n"
        "wallet_credited,s1,u1,,,,325,2026-03-01 11:00:05,\n"
        "wallet_credited,s1,u1,,,,many,2026-03-01 11:00:05,\n"
        "wallet_credited,s1,u1,,,,1,,\n"
    )
    report = replay("--store", f"sqlite:///{tmp_path}/e.db", stdin=text)
    assert report["rows_skipped"] == 2
    assert "line 5: amount_cents: 'many' is no number" in report["stderr"]
    assert "line 6: has no time" in report["stderr"]
    assert report["kpis"]["conversion_funnel"]["sessions_credited"] == 1
    assert report["years_repaired"] == 1
    colour = "SELECT properties->>'colour' FROM analytics_events WHERE id = 1"
    assert subprocess.check_output(["sqlite3", tmp_path / "e.db", colour]) == b"red\n"


def test_rolling_periods_end_just_after_the_last_event_or_at_now():
    def started(*arguments):
        report = replay("--days", "1,7", *arguments, stdin=HEADER + ROWS)
        assert [period["days"] for period in report["rolling"]] == [1, 7]
        return [p["kpis"]["conversion_funnel"]["sessions_started"] for p in report["rolling"]]

    assert started() == [3, 3]
    assert started("--now", "2026-03-02T09:00:00Z") == [2, 2]  # the last event is not before it
    assert started("--now", "2026-03-02T11:00:00Z") == [2, 3]


def test_regions_are_taken_from_the_row_else_from_the_option():
    text = "session_id,site,stopped_at\ns1,north,2026-03-01\ns2,,2026-03-01\n"
    for region, sessions in (("north", 1), ("here", 1), ("elsewhere", 0)):
        report = replay("--region", "here", "--filter", f"region={region}", stdin=text)
        assert report["kpis"]["streak_metrics"]["total_sessions"] == sessions


def test_text_output_has_the_four_tables():
    done = run("replay", "--days", "7", stdin=HEADER + ROWS)
    assert done.returncode == 0
    for title in ("Conversion funnel", "Green-hour utilization", "Streak metrics", "Revenue metrics"):
        assert title in done.stdout
    assert done.stdout.count("answered in") == 4


def test_an_interrupt_stores_and_reports_what_was_read(tmp_path):
    process = subprocess.Popen(
        [PROGRAMS / "replay", "--json", "--store", f"sqlite:///{tmp_path}/i.db"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )
    process.stdin.write(HEADER + ROWS)
    process.stdin.flush()
    # It says which columns it uses once it has read a row, which is then published.
    assert "session_id" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130  # while its input stays open
    out, _ = process.communicate()
    report = json.loads(out)
    assert report["outcome"] == "interrupted"
    assert report["events_committed"] == report["events_published"] > 0


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["missing.csv"], 1, "missing.csv"),
        (["--store", "sqlite:////nowhere/at/all.db"], 1, "/nowhere/at/all.db"),
        (["--store", "redis://x"], 2, "redis"),
        (["--reward-per-kwh", "-1"], 2, "reward-per-kwh"),
        (["--days", "0"], 2, "days"),
        (["--filter", "colour=red"], 2, "filter"),
        (["--nonsense"], 2, "nonsense"),
    ],
)
def test_what_cannot_be_done_is_said(arguments, code, message):
    done = run("replay", *arguments, stdin=HEADER + ROWS)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_the_quickstart_tells_its_story():
    done = run("quickstart")
    assert done.returncode == 0, done.stderr
    funnel, green, streak, revenue = map(json.loads, done.stdout.splitlines())
    assert [funnel[f"sessions_{x}"] for x in ("started", "completed", "credited")] == [3, 2, 1]
    assert (funnel["completion_rate"], funnel["credit_rate"]) == (66.67, 50.0)
    assert (green["active_window_sessions"], green["utilization_rate"]) == (1, 50.0)
    assert (streak["unique_users"], streak["avg_reward_usd"]) == (2, 2.13)
    assert (revenue["total_rewards_usd"], revenue["energy_kwh"]) == (4.25, 16.5)
    assert revenue["credited_usd"] == 3.25
