"""A real file, replayed completely, against a computation of the KPIs in plain Python."""

import csv
import json
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

import pytest
from replay_support import ROOT, ratio, replay, rounded

FILE = ROOT.parent / "shared/data/workplace_charging_sessions.csv"
RATE = Decimal("0.10")
OPTIONS = ("--reward-per-kwh", str(RATE), "--window", "green_hour=10:00-14:00")
COLUMNS = (
    "session_id=sessionId", "user_id=userId", "hub_id=stationId", "region=locationId",
    "started_at=created", "stopped_at=ended", "kwh_consumed=kwhTotal",
)
MICROSECOND = timedelta(microseconds=1)

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"there is no {FILE}")


def moment(text):
    return datetime.fromisoformat("2" + text[1:]).replace(tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def sessions():
    with FILE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    result = []
    for row in rows:
        start, stop = moment(row["created"]), moment(row["ended"])
        reward = Decimal(row["kwhTotal"]) * RATE
        result.append({
            "user": row["userId"], "region": row["locationId"], "hub": row["stationId"],
            "window": "green_hour" if 10 <= start.hour < 14 else "",
            "start": start, "stop": stop, "kwh": Decimal(row["kwhTotal"]), "reward": reward,
            "cents": int((reward * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)),
        })
    return result


def expected(sessions, begin, end, region=None, hub=None, window=None):
    chosen = [
        s for s in sessions
        if region in (None, s["region"]) and hub in (None, s["hub"])
        and window in (None, s["window"])
    ]
    cohort = [s for s in chosen if begin <= s["start"] < end]
    completed = [s for s in cohort if s["stop"] >= s["start"]]
    credited = [s for s in completed if s["cents"] > 0]
    stopped = [s for s in chosen if begin <= s["stop"] < end]
    users = {s["user"] for s in stopped}
    rewards = sum((s["reward"] for s in stopped), Decimal())
    active = sum(1 for s in stopped if s["window"])
    average = ratio(rewards, len(stopped))
    return {
        "conversion_funnel": {
            "sessions_started": len(cohort), "sessions_completed": len(completed),
            "sessions_credited": len(credited), "orphan_stops": 0,
            "completion_rate": ratio(len(completed), len(cohort), 100),
            "credit_rate": ratio(len(credited), len(completed), 100),
        },
        "green_hour_utilization": {
            "active_window_sessions": active, "total_sessions": len(stopped),
            "utilization_rate": ratio(active, len(stopped), 100), "avg_reward_usd": average,
        },
        "streak_metrics": {
            "unique_users": len(users), "total_sessions": len(stopped),
            "sessions_per_user": ratio(len(stopped), len(users)), "avg_reward_usd": average,
        },
        "revenue_metrics": {
            "total_rewards_usd": rounded(rewards), "total_sessions": len(stopped),
            "avg_reward_usd": average,
            "energy_kwh": rounded(sum((s["kwh"] for s in stopped), Decimal())),
            "credited_usd": ratio(sum(s["cents"] for s in stopped), 100),
        },
    }


def kpis_of(report):
    """The groups without what only names the question."""
    question = ("from", "to", "period_days", "grain")
    return {
        group: {name: value for name, value in report[group].items() if name not in question}
        for group in ("conversion_funnel", "green_hour_utilization", "streak_metrics",
                      "revenue_metrics")
    }


def covered(sessions):
    times = [s[key] for s in sessions for key in ("start", "stop")]
    return min(times), max(times) + MICROSECOND


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def store(request, tmp_path_factory):
    if request.param == "memory":
        return "memory:"
    return f"sqlite:///{tmp_path_factory.mktemp('real')}/real.db"


def test_the_whole_file_is_read(sessions, store):
    report = replay(FILE, *OPTIONS, "--store", store)
    assert (report["rows_read"], report["rows_skipped"]) == (3395, 0)
    assert report["years_repaired"] == 2 * 3395
    assert report["events_committed"] == report["events_published"]
    assert report["kpis"]["streak_metrics"]["unique_users"] == 85
    assert kpis_of(report["kpis"]) == expected(sessions, *covered(sessions))


def test_names_found_and_names_mapped_say_the_same(sessions):
    mapping = [word for column in COLUMNS for word in ("--column", column)]
    report = replay(FILE, *OPTIONS, *mapping)
    assert kpis_of(report["kpis"]) == expected(sessions, *covered(sessions))


@pytest.mark.parametrize("now", [
    "2014-12-31T00:00:00Z", "2015-03-14T15:09:26.535897Z", "2015-07-01T12:00:00Z",
    "2015-10-04T15:54:06Z", "2015-10-05T00:00:00Z",
])
def test_every_period_is_exact(sessions, store, now):
    days = (1, 7, 30, 90, 365)
    report = replay(FILE, *OPTIONS, "--store", store, "--now", now,
                    "--days", ",".join(map(str, days)))
    end = datetime.fromisoformat(now.replace("Z", "+00:00"))
    assert [period["days"] for period in report["rolling"]] == list(days)
    for period in report["rolling"]:
        begin = end - timedelta(days=period["days"])
        assert kpis_of(period["kpis"]) == expected(sessions, begin, end), period["days"]


@pytest.mark.parametrize("now", ["2015-02-01T06:30:00Z", "2015-08-20T18:00:00.000001Z"])
def test_every_region_is_exact(sessions, store, now):
    regions = sorted({s["region"] for s in sessions})
    assert len(regions) == 25
    end = datetime.fromisoformat(now.replace("Z", "+00:00"))
    for region in regions[::4] + ["nowhere"]:
        report = replay(FILE, *OPTIONS, "--store", store, "--now", now, "--days", "45",
                        "--filter", f"region={region}")
        assert kpis_of(report["kpis"]) == expected(sessions, *covered(sessions), region=region)
        rolling = report["rolling"][0]["kpis"]
        assert kpis_of(rolling) == expected(sessions, end - timedelta(days=45), end, region=region)


def test_hubs_and_windows_are_exact(sessions, store):
    hub = max((s["hub"] for s in sessions), key=[s["hub"] for s in sessions].count)
    for names in ({"hub": hub}, {"window": "green_hour"}, {"hub": hub, "window": "green_hour"}):
        filters = [w for name, value in names.items() for w in ("--filter", f"{name}_id={value}")]
        report = replay(FILE, *OPTIONS, "--store", store, *filters)
        assert kpis_of(report["kpis"]) == expected(sessions, *covered(sessions), **names)


def test_domain_events_of_the_file_give_the_same_numbers(sessions):
    lines = []
    with FILE.open(newline="") as rows:
        for row in csv.DictReader(rows):
            charge = {"session_id": row["sessionId"], "user_id": row["userId"]}
            lines.append({"event_type": "charge_started", "started_at": row["created"], **charge})
            lines.append({"event_type": "charge_stopped", "stopped_at": row["ended"],
                          "kwh_consumed": float(row["kwhTotal"]), **charge})
    report = replay(stdin="\n".join(map(json.dumps, lines)))
    want = expected(sessions, *covered(sessions))
    assert report["kpis"]["streak_metrics"]["unique_users"] == 85
    energy = report["kpis"]["revenue_metrics"]["energy_kwh"]
    assert energy == want["revenue_metrics"]["energy_kwh"]
