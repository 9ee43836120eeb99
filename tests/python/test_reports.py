"""Trends, breakdowns, comparisons, funnels, load and people: a real file against plain Python, and what is refused."""

import csv
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT

import nerava_analytics

FILE = ROOT.parent / "shared/data/workplace_charging_sessions.csv"
real_file = pytest.mark.skipif(not FILE.exists(), reason=f"there is no {FILE}")


def moment(text):
    return datetime.fromisoformat("2" + text[1:]).replace(tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def sessions():
    with FILE.open(newline="") as lines:
        return [
            {"id": row["sessionId"], "user": row["userId"], "hub": row["stationId"],
             "start": moment(row["created"]), "stop": moment(row["ended"]),
             "mwh": round(float(row["kwhTotal"]) * 1_000_000)}
            for row in csv.DictReader(lines)
        ]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def kpis(request, sessions, tmp_path_factory):
    url = "memory:"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('reports')}/real.db"
    with nerava_analytics.open(url) as pipeline:
        for s in sessions:
            base = {"session_id": s["id"], "user_id": s["user"], "hub_id": s["hub"]}
            pipeline.publish({**base, "event_type": "charge_started", "event_id": s["id"] + ":a",
                              "started_at": s["start"].isoformat()})
            pipeline.publish({**base, "event_type": "charge_stopped", "event_id": s["id"] + ":o",
                              "stopped_at": s["stop"].isoformat(),
                              "kwh_consumed": s["mwh"] / 1_000_000})
        pipeline.flush()
        yield pipeline.kpis


def begin_of(time, interval, zone):
    """The local begin of the bucket, as a naive time."""
    local = time.astimezone(zone).replace(tzinfo=None)
    if interval == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


@real_file
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu",
                                "Australia/Lord_Howe"])
def test_a_trend_is_what_plain_python_counts(kpis, sessions, interval, tz):
    zone = ZoneInfo(tz)
    first = datetime(2015, 2, 27, 5, 17, 3, 77, timezone.utc)
    last = datetime(2015, 4, 9, 22, 59, 1, 5, timezone.utc)
    started, stopped, energy = defaultdict(int), defaultdict(list), defaultdict(int)
    for s in sessions:
        if first <= s["start"] < last:
            started[begin_of(s["start"], interval, zone)] += 1
        if first <= s["stop"] < last:
            stopped[begin_of(s["stop"], interval, zone)].append(s["user"])
            energy[begin_of(s["stop"], interval, zone)] += s["mwh"]

    trend = kpis.trend(start=first, end=last, interval=interval, tz=tz)
    assert (trend["interval"], trend["tz"]) == (interval, tz)
    seen, end = set(), trend["from"]
    for i, bucket in enumerate(trend["buckets"]):
        assert bucket["from"] == end  # without gaps, also where nothing happened
        end = bucket["to"]
        begin = datetime.fromisoformat(bucket["bucket"]).replace(tzinfo=None)
        if interval == "hour":  # one that is cut by a change of the clock has two parts
            begin = begin.replace(minute=0)
        assert begin == begin_of(datetime.fromisoformat(bucket["from"]), interval, zone)
        assert bucket["complete"] == (0 < i < len(trend["buckets"]) - 1)
        if interval != "hour":
            assert bucket["sessions_started"] == started[begin]
            assert bucket["total_sessions"] == len(stopped[begin])
            assert bucket["unique_users"] == len(set(stopped[begin]))
            assert bucket["energy_kwh"] == pytest.approx(energy[begin] / 1e6, abs=0.0051)
            assert begin not in seen
        seen.add(begin)
    assert end == trend["to"]
    assert seen >= started.keys() | stopped.keys()
    assert sum(b["sessions_started"] for b in trend["buckets"]) == sum(started.values()) > 100


@real_file
def test_a_breakdown_is_what_plain_python_counts(kpis, sessions):
    first, last = datetime(2015, 3, 1), datetime(2015, 6, 15, 11, 7, 3)
    by_hub = defaultdict(list)
    for s in sessions:
        if first <= s["stop"].replace(tzinfo=None) < last:
            by_hub[s["hub"]].append(s["user"])
    whole = kpis.breakdown("hub", start=first, end=last, top=0)
    assert (whole["others"], whole["other"]) == (0, None)
    counted = {row["hub"]: (row["total_sessions"], row["unique_users"]) for row in whole["rows"]
               if row["total_sessions"] > 0}
    assert counted == {hub: (len(users), len(set(users))) for hub, users in by_hub.items()}
    order = [(-row["total_sessions"], -row["sessions_started"], row["hub"])
             for row in whole["rows"]]
    assert order == sorted(order)

    top = kpis.breakdown("hub", start=first, end=last, top=5)
    assert top["rows"] == whole["rows"][:5]
    assert top["others"] == len(whole["rows"]) - 5
    rest = [user for row in whole["rows"][5:] for user in by_hub[row["hub"]]]
    assert top["other"]["total_sessions"] == len(rest)
    assert top["other"]["unique_users"] == len(set(rest))  # never a sum of hubs


@real_file
def test_a_comparison_has_the_period_before(kpis):
    first, last = "2015-04-01", "2015-05-01"
    comparison = kpis.compare(start=first, end=last)
    before = kpis.compare(start="2015-03-02", end=first)
    assert comparison["previous"] == before["current"]
    now, then = (comparison[key]["total_sessions"] for key in ("current", "previous"))
    assert comparison["change"]["total_sessions"] == pytest.approx(100 * (now - then) / then,
                                                                   abs=0.0051)


def local_days(sessions, zone, before):
    """By user, the local days of the sessions that stopped before."""
    days = defaultdict(set)
    for s in sessions:
        if s["stop"] < before:
            days[s["user"]].add(s["stop"].astimezone(zone).date())
    return days


def longest_run(days):
    runs = [0]
    for day in sorted(days):
        runs.append(runs[-1] + 1 if day - timedelta(1) in days else 1)
    return max(runs)


def current_run(days, today):
    day = today if today in days else today - timedelta(1)
    run = 0
    while day - timedelta(run) in days:
        run += 1
    return run


@real_file
@pytest.mark.parametrize("tz", ["UTC", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("at", ["2015-04-17T16:20:00+00:00", "2015-07-05T04:00:00+00:00",
                                "2016-01-01T00:00:00+00:00"])
def test_streaks_and_active_users_are_what_plain_python_counts(kpis, sessions, tz, at):
    zone, moment_ = ZoneInfo(tz), datetime.fromisoformat(at)
    days = local_days(sessions, zone, moment_)
    today = (moment_ - timedelta(microseconds=1)).astimezone(zone).date()
    streaks = kpis.streaks(at=at, tz=tz, leaders=5)
    longest = {user: longest_run(of_user) for user, of_user in days.items()}
    current = {user: current_run(of_user, today) for user, of_user in days.items()}
    assert streaks["users"] == len(days)
    assert streaks["max_longest_streak"] == max(longest.values())
    assert streaks["max_current_streak"] == max(current.values())
    assert {c["days"]: c["longest"] for c in streaks["counts"] if c["longest"]} == Counter(
        longest.values())
    assert {c["days"]: c["current"] for c in streaks["counts"] if c["current"]} == Counter(
        current.values())
    order = sorted(days, key=lambda user: (-current[user], -longest[user], user))
    assert [leader["user_id"] for leader in streaks["leaders"]] == order[:5]

    active = kpis.active_users(at=at, tz=tz)
    dau, wau, mau = (sum(any(today - timedelta(n) < day <= today for day in of_user)
                         for of_user in days.values()) for n in (1, 7, 30))
    assert (active["dau"], active["wau"], active["mau"]) == (dau, wau, mau)
    assert active["stickiness"] == pytest.approx(100 * dau / mau if mau else 0, abs=0.0051)

    for user in order[:3] + order[-3:]:
        one = kpis.user(user, at=at, tz=tz)
        own = [s for s in sessions if s["user"] == user and s["stop"] < moment_]
        assert one["total_sessions"] == len(own)
        assert one["energy_kwh"] == pytest.approx(sum(s["mwh"] for s in own) / 1e6, abs=0.0051)
        assert one["active_days"] == len(days[user])
        assert (one["current_streak"], one["longest_streak"]) == (current[user], longest[user])
        assert {hub["hub"]: hub["sessions"] for hub in one["hubs"]} == Counter(
            s["hub"] for s in own)
        assert datetime.fromisoformat(one["last_session"]) == max(s["stop"] for s in own)


@real_file
@pytest.mark.parametrize("interval", ["day", "week", "month"])
@pytest.mark.parametrize("tz", ["UTC", "America/New_York"])
def test_the_retention_matrix_is_what_plain_python_counts(kpis, sessions, interval, tz):
    zone = ZoneInfo(tz)
    first = datetime(2015, 2, 3, 7, 7, 7, 7, timezone.utc)
    last = datetime(2015, 7, 9, 22, 59, 1, 5, timezone.utc)
    active = defaultdict(set)
    for s in sessions:
        if s["stop"] < last:
            active[s["user"]].add(begin_of(s["stop"], interval, zone))
    retention = kpis.retention(start=first, end=last, interval=interval, tz=tz)
    begins = [datetime.fromisoformat(b["bucket"]).replace(tzinfo=None)
              for b in retention["buckets"]]
    assert begins[0] == begin_of(first, interval, zone)
    assert begins[-1] == begin_of(last, interval, zone)
    assert [b["complete"] for b in retention["buckets"]] == [True] * (len(begins) - 1) + [False]
    for i, (begin, bucket) in enumerate(zip(begins, retention["buckets"])):
        cohort = [user for user, seen in active.items() if min(seen) == begin]
        assert bucket["new_users"] == len(cohort)
        assert bucket["retained"] == [sum(later in active[user] for user in cohort)
                                      for later in begins[i:]]
        assert bucket["returning_users"] == sum(
            begin in seen and min(seen) < begin for seen in active.values())
        if i > 0:
            assert bucket["lapsed_users"] == sum(
                begins[i - 1] in seen and begin not in seen for seen in active.values())
    assert sum(b["new_users"] for b in retention["buckets"]) > 10


@real_file
def test_sessions_per_user_funnel_and_sizes_are_what_plain_python_counts(kpis, sessions):
    first, last = datetime(2015, 3, 1, tzinfo=timezone.utc), datetime(2015, 6, 15, 11, 7, 3,
                                                                      tzinfo=timezone.utc)
    period = {"start": first, "end": last}
    stopped = [s for s in sessions if first <= s["stop"] < last]
    started = [s for s in sessions if first <= s["start"] < last]
    per_user = kpis.sessions_per_user(**period)
    counts = Counter(Counter(s["user"] for s in stopped).values())
    assert {c["sessions"]: c["users"] for c in per_user["counts"]} == counts

    def rank(values, percent):
        return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]

    seconds = [(s["stop"] - s["start"]).total_seconds() for s in started if s["stop"] >= s["start"]]
    funnel = kpis.funnel(**period)
    assert funnel["sessions_started"] == len(started)
    assert funnel["sessions_completed"] == len(seconds)
    assert funnel["median_time_to_complete_s"] == rank(seconds, 50)
    assert funnel["p90_time_to_complete_s"] == rank(seconds, 90)
    assert funnel["median_time_to_credit_s"] is None
    window = timedelta(hours=2)
    within = [s for s in seconds if s <= 7200]
    bounded = kpis.funnel(**period, conversion_window=window)
    assert (bounded["sessions_completed"], bounded["sessions_late"]) == (
        len(within), len(seconds) - len(within))
    assert bounded["p90_time_to_complete_s"] == rank(within, 90)

    sizes = kpis.session_sizes(**period, length_bin=3600, energy_bin_kwh=2)
    minutes, kwh = sizes["length_minutes"], sizes["energy_kwh"]
    assert minutes["bins"][0] == sum(s < 3600 for s in seconds)
    assert minutes["median"] == pytest.approx(rank(seconds, 50) / 60, abs=0.0051)
    charged = [s["mwh"] for s in stopped if s["mwh"] > 0]
    assert kwh["sessions"] == len(charged) == sum(kwh["bins"])
    assert kwh["bins"][:5] == [sum(i * 2_000_000 <= mwh < (i + 1) * 2_000_000 for mwh in charged)
                               for i in range(5)]
    assert kwh["max"] == pytest.approx(max(charged) / 1e6, abs=0.0051)


@real_file
@pytest.mark.parametrize("tz", ["UTC", "America/New_York"])
def test_load_is_what_plain_python_counts(kpis, sessions, tz):
    zone = ZoneInfo(tz)
    first, last = "2015-03-01", datetime(2015, 6, 15, 11, 7, 3, tzinfo=timezone.utc)
    load = kpis.load(start=first, end=last, tz=tz)
    from_ = datetime(2015, 3, 1, tzinfo=timezone.utc)
    started, stopped, mwh = Counter(), Counter(), Counter()
    for s in sessions:
        local = s["start"].astimezone(zone)
        if from_ <= s["start"] < last:
            started[local.isoweekday(), local.hour] += 1
        local = s["stop"].astimezone(zone)
        if from_ <= s["stop"] < last:
            stopped[local.isoweekday(), local.hour] += 1
            mwh[local.isoweekday(), local.hour] += s["mwh"]
    assert len(load["cells"]) == 168
    for cell in load["cells"]:
        hour = cell["weekday"], cell["hour"]
        assert cell["sessions_started"] == started[hour]
        assert cell["total_sessions"] == stopped[hour]
        assert cell["energy_kwh"] == pytest.approx(mwh[hour] / 1e6, abs=0.0051)
    busiest = max(load["cells"], key=lambda cell: cell["peak_concurrency"])
    most = max(sum(s["start"] <= t < min(s["stop"], s["start"] + timedelta(1)) for s in sessions)
               for t in (s["start"] for s in sessions) if from_ <= t < last)
    assert busiest["peak_concurrency"] == most

    by_hub = kpis.load_breakdown("hub", start=first, end=last, tz=tz, top=3)
    hub = by_hub["rows"][0]["hub"]
    assert by_hub["rows"][0]["cells"] == kpis.load(start=first, end=last, tz=tz, hub=hub)["cells"]


def test_without_anything_before_there_is_no_change_in_percent(pipeline):
    pipeline.publish({"event_type": "charge_started", "session_id": "s"})
    pipeline.flush()
    comparison = pipeline.kpis.compare(days=1, end=datetime.now(timezone.utc) + timedelta(hours=1))
    assert comparison["current"]["sessions_started"] == 1
    assert comparison["change"]["sessions_started"] is None
    assert comparison["change"]["total_sessions"] == 0


def test_streaks_up_to_a_moment_too_far_away_are_refused(pipeline):
    pipeline.publish({"event_type": "charge_stopped", "session_id": "s", "user_id": "u"})
    pipeline.flush()
    assert pipeline.kpis.streaks(at="2100-01-01")["users"] == 1
    with pytest.raises(nerava_analytics.InvalidArgument, match="days of the first event"):
        pipeline.kpis.streaks(at="9999-12-31")


def test_an_empty_store_has_buckets_of_zeros(pipeline):
    trend = pipeline.kpis.trend(days=3)
    assert len(trend["buckets"]) == 4
    assert all(b["total_sessions"] == 0 and b["completion_rate"] == 0 for b in trend["buckets"])
    assert pipeline.kpis.breakdown("hub")["rows"] == []
    assert pipeline.kpis.funnel()["median_time_to_complete_s"] is None
    assert pipeline.kpis.streaks()["users"] == pipeline.kpis.active_users()["mau"] == 0
    assert all(b["new_users"] == 0 for b in pipeline.kpis.retention()["buckets"])
    assert pipeline.kpis.user("nobody")["first_session"] is None
    assert pipeline.kpis.session_sizes()["energy_kwh"]["bins"] == []
    assert all(cell["avg_concurrency"] == 0 for cell in pipeline.kpis.load()["cells"])


@pytest.mark.parametrize("ask, message", [
    (lambda kpis: kpis.trend(interval="year"), "hour, day, week, month"),
    (lambda kpis: kpis.trend(tz="Mars/Olympus"), "Mars/Olympus"),
    (lambda kpis: kpis.trend(tz="../../etc/passwd"), "Europe/Berlin"),
    (lambda kpis: kpis.trend(tz=""), None),
    (lambda kpis: kpis.trend(1830, interval="hour"), "10000"),
    (lambda kpis: kpis.breakdown("user"), "region, hub, window"),
    (lambda kpis: kpis.breakdown("hub", top=-1), "top"),
    (lambda kpis: kpis.breakdown("hub", 0), "days"),
    (lambda kpis: kpis.funnel(conversion_window=-1), "conversion_window"),
    (lambda kpis: kpis.funnel(abandon_after=0), "abandon_after"),
    (lambda kpis: kpis.funnel_breakdown("user"), "region, hub, window"),
    (lambda kpis: kpis.load(longest_session=timedelta(8)), "longest_session"),
    (lambda kpis: kpis.load(tz="Mars/Olympus"), "Mars/Olympus"),
    (lambda kpis: kpis.session_sizes(energy_bin_kwh=0), "energy_bin_kwh"),
    (lambda kpis: kpis.session_sizes(length_bin=0.5), "length_bin"),
    (lambda kpis: kpis.retention(interval="hour"), "by day, week or month"),
    (lambda kpis: kpis.retention(1830, interval="day"), "400"),
    (lambda kpis: kpis.streaks(leaders=-1), "leaders"),
    (lambda kpis: kpis.streaks(at="1969-01-01"), "1970"),
    (lambda kpis: kpis.user(""), "user_id"),
    (lambda kpis: kpis.all(days=4000, end="2025-01-01"), "1830"),
    (lambda kpis: kpis.compare(start="1970-01-02", end="1970-01-05"), "1970"),
])
def test_what_is_no_question_is_refused_with_what_to_do(pipeline, ask, message):
    if message is None:
        assert ask(pipeline.kpis)["tz"] == "UTC"
        return
    with pytest.raises(nerava_analytics.InvalidArgument, match=message):
        ask(pipeline.kpis)
