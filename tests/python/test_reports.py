"""Trends, breakdowns and comparisons: a real file against plain Python, and what is refused."""

import csv
from collections import defaultdict
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


def test_without_anything_before_there_is_no_change_in_percent(pipeline):
    pipeline.publish({"event_type": "charge_started", "session_id": "s"})
    pipeline.flush()
    comparison = pipeline.kpis.compare(days=1, end=datetime.now(timezone.utc) + timedelta(hours=1))
    assert comparison["current"]["sessions_started"] == 1
    assert comparison["change"]["sessions_started"] is None
    assert comparison["change"]["total_sessions"] == 0


def test_an_empty_store_has_buckets_of_zeros(pipeline):
    trend = pipeline.kpis.trend(days=3)
    assert len(trend["buckets"]) == 4
    assert all(b["total_sessions"] == 0 and b["completion_rate"] == 0 for b in trend["buckets"])
    assert pipeline.kpis.breakdown("hub")["rows"] == []


@pytest.mark.parametrize("ask, message", [
    (lambda kpis: kpis.trend(interval="year"), "hour, day, week, month"),
    (lambda kpis: kpis.trend(tz="Mars/Olympus"), "Mars/Olympus"),
    (lambda kpis: kpis.trend(tz="../../etc/passwd"), "Europe/Berlin"),
    (lambda kpis: kpis.trend(tz=""), None),
    (lambda kpis: kpis.trend(1830, interval="hour"), "10000"),
    (lambda kpis: kpis.breakdown("user"), "region, hub, window"),
    (lambda kpis: kpis.breakdown("hub", top=-1), "top"),
    (lambda kpis: kpis.breakdown("hub", 0), "days"),
    (lambda kpis: kpis.compare(start="1970-01-02", end="1970-01-05"), "1970"),
])
def test_what_is_no_question_is_refused_with_what_to_do(pipeline, ask, message):
    if message is None:
        assert ask(pipeline.kpis)["tz"] == "UTC"
        return
    with pytest.raises(nerava_analytics.InvalidArgument, match=message):
        ask(pipeline.kpis)
