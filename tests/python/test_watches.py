"""Watches and their alerts."""

import logging
import queue

import pytest
from conftest import url_of

import nerava_analytics as na

PATIENCE = 30


@pytest.fixture
def told():
    return queue.Queue()


def test_a_watch_tells_after_the_commit(database, told):
    with na.open(url_of(database), on_alert=told.put) as pipeline:
        pipeline.watch("stops", "orphan_stops", above=0, period=3600, each="hub")
        pipeline.charge_stopped("s1", hub_id="hub_1")
        pipeline.flush()
        alert = told.get(timeout=PATIENCE)
        assert (alert["watch"], alert["group"], alert["state"]) == ("stops", "hub_1", "firing")
        assert (alert["value"], alert["threshold"], alert["sample"]) == (1, 0, 1)
        assert alert["message"] == (
            'stops: orphan_stops of hub "hub_1" is 1.0, the threshold is above 0.0'
        )
        assert [alert["watch"] for alert in pipeline.alerts()] == ["stops"]
        assert [alert["watch"] for alert in pipeline.health()["alerts"]] == ["stops"]
        pipeline.charge_started("s1", hub_id="hub_1", started_at="2020-01-01")
        pipeline.flush()
        assert told.get(timeout=PATIENCE)["state"] == "resolved"
        pipeline.unwatch("stops")
        assert pipeline.alerts() == []


def test_a_watch_has_all_its_rules(pipeline):
    assert pipeline.watches() == []
    pipeline.watch("low", "completion_rate", below=90, min_sample=2, hysteresis=5)
    assert pipeline.watches() == [
        {
            "name": "low",
            "kpi": "completion_rate",
            "relation": "below",
            "measure": "value",
            "threshold": 90,
            "hysteresis": 5,
            "period_s": 86400,
            "hold_for_s": 0,
            "min_sample": 2,
            "region": None,
            "hub": None,
            "window": None,
            "each": None,
        }
    ]
    pipeline.watch("waits", "completion_rate", below=90, hold_for=3600, window="green_hour")
    pipeline.watch("more", "total_sessions", above=10, change=True, hub="h", region="r")
    pipeline.charge_started("s1", window_id="green_hour")
    pipeline.flush()
    pipeline.check_watches()
    assert [(alert["watch"], alert["state"]) for alert in pipeline.alerts()] == [
        ("waits", "pending")
    ]
    pipeline.charge_started("s2")
    pipeline.flush()
    pipeline.check_watches()
    assert [alert["watch"] for alert in pipeline.alerts()] == ["low", "waits"]


def test_what_cannot_be_watched_is_refused(pipeline):
    with pytest.raises(na.InvalidArgument, match="either above or below"):
        pipeline.watch("w", "dau")
    with pytest.raises(na.InvalidArgument, match="either above or below"):
        pipeline.watch("w", "dau", above=1, below=1)
    with pytest.raises(na.InvalidArgument, match='there is no KPI "sessions" to watch'):
        pipeline.watch("w", "sessions", above=1)
    with pytest.raises(na.InvalidArgument, match="each is 'user'"):
        pipeline.watch("w", "total_sessions", above=1, each="user")
    pipeline.watch("w", "total_sessions", above=1)
    with pytest.raises(na.InvalidArgument, match='called "w" already'):
        pipeline.watch("w", "dau", above=1)
    with pytest.raises(na.InvalidArgument, match='no watch called "v"'):
        pipeline.unwatch("v")
    pipeline.close()
    with pytest.raises(na.FailedPrecondition):
        pipeline.check_watches()


def test_what_on_alert_raises_is_logged(database, caplog):
    def fail(alert):
        raise RuntimeError("no " + alert["watch"])

    with na.open(url_of(database), on_alert=fail) as pipeline:
        pipeline.watch("w", "total_sessions", above=0)
        pipeline.charge_stopped("s1")
        with caplog.at_level(logging.ERROR, "nerava_analytics"):
            pipeline.flush()
            pipeline.check_watches()
        assert len(pipeline.alerts()) == 1
    assert "the on_alert function of a pipeline raised" in caplog.text


def test_an_interrupt_in_on_alert_is_raised_where_it_was_checked(database):
    def interrupt(alert):
        raise KeyboardInterrupt

    options = {"on_alert": interrupt, "alert_interval": "forever"}
    with na.open(url_of(database), **options) as pipeline:
        pipeline.watch("w", "total_sessions", above=0)
        pipeline.charge_stopped("s1")
        pipeline.flush()
        with pytest.raises(KeyboardInterrupt):
            pipeline.check_watches()
        pipeline.charge_stopped("s3")
        with pytest.raises(na.InvalidArgument, match="min_sample"):
            pipeline.watch("v", "total_sessions", above=0, min_sample=2**63)
