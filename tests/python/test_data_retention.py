"""What is kept how long."""

from datetime import datetime, timedelta, timezone

import pytest
from conftest import url_of

import nerava_analytics as na

NOW = datetime.now(timezone.utc)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)


def publish_days(pipeline, days):
    for day in range(1, days + 1):
        pipeline.charge_stopped(
            session_id=f"s{day}", user_id="ana", kwh_consumed=1,
            stopped_at=TODAY - timedelta(days=day, hours=-1),
        )  # fmt: skip
    pipeline.flush()


def test_old_events_are_dropped_and_answers_say_so(database):
    kept = {"keep_events": 2, "keep_aggregates": timedelta(days=4), "keep_snapshots": "forever"}
    with na.open(url_of(database), retention=False, **kept) as pipeline:
        publish_days(pipeline, 10)
        run = pipeline.apply_retention()
        assert (run["events"], run["aggregate_days"], run["snapshot_days"]) == (8, 6, 0)
        assert run["events_from"] == (TODAY - timedelta(days=2)).isoformat(timespec="microseconds")
        assert run["snapshots_from"] is None
        assert pipeline.stats()["total_events"] == 2
        assert pipeline.stats()["retention"]["events"] == 8

        start = TODAY - timedelta(days=10)
        whole = pipeline.kpis.revenue_metrics(start=start, end=TODAY)
        assert (whole["energy_kwh"], whole["grain"]) == (10, "exact")
        assert pipeline.kpis.funnel(start=start, end=TODAY)["grain"] == "partial"
        ragged = pipeline.kpis.trend(start=start + timedelta(hours=1), end=TODAY)
        assert [bucket["grain"] for bucket in ragged["buckets"]] == ["day"] + ["exact"] * 9
        assert pipeline.kpis.user("ana")["grain"] == "partial"

        with pytest.raises(na.InvalidEvent) as refused:
            pipeline.charge_started(session_id="s", started_at=start)
        assert refused.value.reason == "too_old"
        assert pipeline.apply_retention(NOW + timedelta(days=365))["events"] == 2


def test_what_is_kept_can_come_from_the_environment(database, monkeypatch):
    monkeypatch.setenv("ANALYTICS_RETENTION", "off")
    monkeypatch.setenv("ANALYTICS_KEEP_EVENTS", "3")
    monkeypatch.setenv("ANALYTICS_KEEP_AGGREGATES", "5")
    monkeypatch.setenv("ANALYTICS_KEEP_SNAPSHOTS", "Forever")
    with na.open_from_environment(url_of(database)) as pipeline:
        publish_days(pipeline, 10)
        run = pipeline.apply_retention()
        assert (run["events"], run["aggregate_days"], run["snapshot_days"]) == (7, 5, 0)
    monkeypatch.setenv("ANALYTICS_KEEP_EVENTS", "1.5")
    with pytest.raises(na.InvalidArgument) as bad:
        na.open_from_environment(url_of(database))
    assert str(bad.value) == (
        'ANALYTICS_KEEP_EVENTS is "1.5"; it must be a whole number of days from 2 to 36500, or '
        "forever"
    )


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"keep_events": 1}, na.InvalidArgument, "data_retention.events is 1 days"),
        ({"keep_events": -1}, na.InvalidArgument, "keep_events is -1"),
        ({"keep_events": 800}, na.InvalidArgument, "data_retention.aggregates is 731 days"),
        ({"keep_events": timedelta(hours=60)}, na.InvalidArgument, "must be whole days"),
        ({"keep_events": "always"}, TypeError, "'always'"),
        ({"keep_events": 2.5}, TypeError, "2.5"),
        ({"retention_interval": 0}, na.InvalidArgument, "data_retention.interval is 0"),
    ],
)
def test_what_cannot_be_kept_so_is_refused(options, error, text):
    with pytest.raises(error, match=text):
        na.open("memory:", **options)


def test_apply_retention_needs_a_time(database):
    with na.open(url_of(database)) as pipeline:
        with pytest.raises(TypeError):
            pipeline.apply_retention(7)
        with pytest.raises(na.InvalidArgument):
            pipeline.apply_retention("1969-01-01")
