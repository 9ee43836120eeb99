"""The pipeline: options, publishing, flush and close, errors."""

import gc
import sqlite3
import threading
import weakref
from datetime import datetime, timedelta, timezone

import pytest
from conftest import PATIENCE, in_threads, locked, publish_session, url_of

import nerava_analytics as na


def test_the_package_and_the_library_are_of_one_version():
    assert na.__version__ == na.library_version()


def test_events_become_kpis(pipeline):
    publish_session(pipeline, "s1", "u1", reward=3.25, window="green_hour", credit=325)
    publish_session(pipeline, "s2", "u2", reward=1)
    pipeline.charge_started("s3", user_id="u3")
    pipeline.flush()
    kpis = pipeline.kpis.all(days=7)
    funnel, revenue = kpis["conversion_funnel"], kpis["revenue_metrics"]
    assert (funnel["sessions_started"], funnel["sessions_completed"]) == (3, 2)
    assert (funnel["sessions_credited"], funnel["credit_rate"]) == (1, 50.0)
    assert funnel["completion_rate"] == 66.67
    assert (revenue["total_rewards_usd"], revenue["avg_reward_usd"]) == (4.25, 2.13)
    assert (revenue["energy_kwh"], revenue["credited_usd"]) == (20.0, 3.25)
    assert kpis["green_hour_utilization"]["utilization_rate"] == 50.0
    assert kpis["streak_metrics"]["unique_users"] == 2


def test_every_group_has_the_backends_keys(pipeline):
    kpis = pipeline.kpis
    assert kpis.conversion_funnel().keys() >= {
        "sessions_started", "sessions_completed", "sessions_credited", "completion_rate",
        "credit_rate", "period_days",
    }  # fmt: skip
    assert kpis.green_hour_utilization().keys() >= {
        "active_window_sessions", "total_sessions", "utilization_rate", "avg_reward_usd",
        "period_days",
    }  # fmt: skip
    assert kpis.streak_metrics().keys() >= {
        "unique_users", "total_sessions", "sessions_per_user", "avg_reward_usd", "period_days",
    }  # fmt: skip
    assert kpis.revenue_metrics().keys() >= {
        "total_rewards_usd", "total_sessions", "avg_reward_usd", "period_days",
    }  # fmt: skip
    assert kpis.all().keys() >= {
        "conversion_funnel", "green_hour_utilization", "streak_metrics", "revenue_metrics",
        "generated_at", "region",
    }  # fmt: skip
    assert kpis.conversion_funnel()["period_days"] == 7
    assert kpis.streak_metrics()["period_days"] == 30


def test_periods_are_half_open_and_may_end_anywhere(pipeline):
    noon = datetime(2026, 1, 2, 12)
    pipeline.charge_started("s", started_at=noon)
    pipeline.flush()

    def started(**period):
        return pipeline.kpis.conversion_funnel(**period)["sessions_started"]

    tick = timedelta(microseconds=1)
    assert started(start=noon, end=noon + tick) == 1
    assert started(start=noon - tick, end=noon) == 0
    assert started(start=noon.isoformat() + "Z") == 1  # until now
    assert started(days=1, end="2026-01-03T00:00:00Z") == 1
    assert started(days=1, end=noon) == 0
    aware = noon.replace(tzinfo=timezone.utc).astimezone(timezone(timedelta(hours=5)))
    assert started(start=aware, end=aware + tick) == 1


def test_filters_keep_sessions_of_a_region_hub_and_window(pipeline):
    pipeline.charge_started("s1", hub_id="h1", window_id="w1", region="north")
    pipeline.charge_started("s2", hub_id="h2", window_id="w1", region="south")
    pipeline.flush()

    def started(**filters):
        return pipeline.kpis.conversion_funnel(**filters)["sessions_started"]

    assert started() == 2
    assert started(region="north") == 1
    assert started(hub="h2") == 1
    assert started(window="w1") == 2
    assert started(hub="h1", region="south") == 0
    assert pipeline.kpis.all(region="north")["region"] == "north"


@pytest.mark.parametrize(
    "period",
    [
        {"days": 0},
        {"days": -1},
        {"days": 1831},
        {"days": 2**40},
        {"days": 2**40, "end": datetime(2026, 1, 1)},
        {"start": datetime(2026, 1, 2), "end": datetime(2026, 1, 1)},
        {"start": "sometime"},
    ],
)
def test_a_bad_period_is_refused(pipeline, period):
    with pytest.raises(na.InvalidArgument):
        pipeline.kpis.revenue_metrics(**period)


@pytest.mark.parametrize("days", ["7", 7.0, True])
def test_days_must_be_an_int(pipeline, days):
    with pytest.raises(TypeError, match="days"):
        pipeline.kpis.revenue_metrics(days)


def test_publish_returns_the_event_id(pipeline):
    assert pipeline.charge_started("s", event_id="mine") == "mine"
    made = pipeline.publish({"event_type": "driver_signed_up", "user_id": "u"})
    assert len(made) == 36
    assert [e["event_id"] for e in pipeline.recent()] == ["mine", made]


def test_recent_filters_by_type_and_aggregate(pipeline):
    publish_session(pipeline, "s1", "u1", credit=5)
    publish_session(pipeline, "s2", "u2")
    assert len(pipeline.recent()) == 5
    assert len(pipeline.recent("charge_started")) == 2
    assert len(pipeline.recent("analytics_charge_started", "s1")) == 1
    assert len(pipeline.recent(aggregate_id="u1")) == 1


def test_callers_properties_are_added(pipeline):
    pipeline.charge_started("s", properties={"app": "ios"})
    (event,) = pipeline.recent()
    assert event["properties"] == {
        "session_type": "charging",
        "has_active_window": False,
        "app": "ios",
    }


def test_convert_shows_the_analytics_event_and_publishes_nothing(pipeline):
    event = pipeline.convert({"event_type": "wallet_credited", "user_id": "u", "amount_cents": 500})
    assert event["event_type"] == "analytics_wallet_credited"
    assert event["properties"] == {"credit_type": "charging_reward", "amount_tier": "high"}
    assert pipeline.recent() == []


def test_a_file_keeps_the_events(database):
    with na.open(url_of(database)) as pipeline:
        publish_session(pipeline, "s1", "u1", reward=3.25)
    with na.open(url_of(database)) as pipeline:
        assert pipeline.kpis.revenue_metrics()["total_rewards_usd"] == 3.25
    with sqlite3.connect(database) as connection:
        rewards = connection.execute(
            "SELECT properties->>'total_reward_usd' FROM analytics_events"
            " WHERE event_type = 'analytics_charge_stopped'"
        )
        assert rewards.fetchall() == [(3.25,)]


def test_a_closed_pipeline_refuses_events_and_can_still_be_read(pipeline):
    pipeline.charge_started("s")
    pipeline.close()
    assert pipeline.closed
    for use in (
        lambda: pipeline.charge_started("s2"),
        lambda: pipeline.publish({"event_type": "x"}),
        lambda: pipeline.subscribe("*", print),
    ):
        with pytest.raises(na.Closed):
            use()
    assert pipeline.kpis.conversion_funnel()["sessions_started"] == 1
    assert pipeline.stats()["running"] is False
    assert pipeline.health()["status"] == "unhealthy"
    pipeline.flush()
    pipeline.close()


def test_flush_says_how_many_events_are_not_stored_yet(database):
    with na.open(url_of(database), sqlite_busy_timeout=0.01, on_error=print) as pipeline:
        with locked(database):
            pipeline.charge_started("s1")
            pipeline.charge_started("s2")
            with pytest.raises(na.DeadlineExceeded) as caught:
                pipeline.flush(timeout=0.05)
            assert caught.value.unsent == 2
            assert isinstance(caught.value, TimeoutError)
        pipeline.flush(timeout=None)
        assert pipeline.kpis.conversion_funnel()["sessions_started"] == 2


@pytest.mark.parametrize("timeout", [float("nan"), -1, 1e17, -float("inf")])
def test_a_timeout_that_is_none_is_refused_and_changes_nothing(pipeline, timeout):
    for wait in (pipeline.flush, pipeline.close):
        with pytest.raises(ValueError, match="timeout is"):
            wait(timeout)
    assert not pipeline.closed


@pytest.mark.parametrize("timeout", [None, float("inf"), 1e12, timedelta(seconds=10)])
def test_timeouts_may_be_long_or_without_limit(pipeline, timeout):
    pipeline.charge_started("s")
    pipeline.flush(timeout)
    pipeline.close(timeout)
    assert pipeline.stats()["committed"] == 1


def test_leaving_with_an_exception_does_not_hide_it(pipeline, monkeypatch, caplog):
    def fail(self):
        raise na.DeadlineExceeded("too late")

    with monkeypatch.context() as patch:
        patch.setattr(na.Pipeline, "close", fail)
        with pytest.raises(KeyError, match="mine"):
            with pipeline:
                raise KeyError("mine")
        with pytest.raises(na.DeadlineExceeded):
            with pipeline:
                pass
    assert "too late" in caplog.text


def test_a_full_queue_is_an_error_of_its_own(database):
    options = {"batch_size": 2, "max_batch_size": 2, "queue_capacity": 2, "overflow_timeout": 0}
    with na.open(url_of(database), sqlite_busy_timeout=0.01, on_error=print, **options) as pipeline:
        with locked(database):
            pipeline.charge_started("s1")
            pipeline.charge_started("s2")
            with pytest.raises(na.QueueFull):
                pipeline.charge_started("s3")
        pipeline.flush()
        stats = pipeline.stats()
        assert (stats["committed"], stats["overflows"]) == (2, 1)


def test_failed_commits_are_told_to_on_error(database):
    told, happened = [], threading.Event()

    def on_error(error):
        told.append(error)
        happened.set()
        raise RuntimeError("on_error itself fails")

    with na.open(
        url_of(database), batch_size=1, sqlite_busy_timeout=0.001, on_error=on_error
    ) as pipeline:
        with locked(database):
            pipeline.charge_started("s")
            assert happened.wait(PATIENCE)
            assert pipeline.health()["status"] == "unhealthy"
        pipeline.flush()
        assert pipeline.health()["status"] == "healthy"
    assert isinstance(told[0], na.StoreUnavailable)
    assert "locked" in str(told[0])


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("nonsense", na.InvalidArgument),
        ("mysql://host/db", na.InvalidArgument),
        ("sqlite:////no/such/folder/x.db", na.FailedPrecondition),
    ],
)
def test_a_store_that_cannot_be_opened_is_explained(url, kind):
    with pytest.raises(kind) as caught:
        na.open(url)
    assert str(caught.value)


def test_a_file_of_another_program_is_refused(database):
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE theirs (id)")
        connection.execute("PRAGMA user_version = 12345")
        connection.execute("PRAGMA application_id = 12345")
    with pytest.raises(na.FailedPrecondition) as caught:
        na.open(url_of(database))
    assert not isinstance(caught.value, na.Closed)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("batch_size", -1),
        ("batch_size", 2**64),
        ("flush_interval", 0),
        ("flush_interval", -1),
        ("flush_interval", float("nan")),
        ("region", ""),
        ("region", "r" * 51),
    ],
)
def test_an_option_out_of_range_is_named(option, value):
    with pytest.raises(na.InvalidArgument, match=option):
        na.open("memory:", **{option: value})


def test_a_large_batch_raises_only_the_limits_that_were_not_given():
    for options in ({"batch_size": 200_000}, {"max_batch_size": 200_000}):
        na.open("memory:", **options).close()
    with pytest.raises(na.InvalidArgument, match="max_batch_size is 10000"):
        na.open("memory:", batch_size=20_000, max_batch_size=10_000)
    with pytest.raises(na.InvalidArgument, match="queue_capacity is 10000"):
        na.open("memory:", batch_size=20_000, queue_capacity=10_000)


def test_an_option_of_the_wrong_type_is_a_type_error():
    with pytest.raises(TypeError, match="batch_size"):
        na.open("memory:", batch_size="many")
    with pytest.raises(TypeError, match="flush_interval"):
        na.open("memory:", flush_interval="long")
    with pytest.raises(TypeError):
        na.open("memory:", no_such_option=1)
    with pytest.raises(TypeError, match="no_such_option"):
        na.open_from_environment("memory:", no_such_option=1)


def test_a_disabled_pipeline_discards_and_says_so():
    with na.open("memory:", enabled=False) as pipeline:
        pipeline.charge_started("s")
        with pytest.raises(na.InvalidEvent):
            pipeline.charge_started("")
        assert pipeline.stats()["total_events"] == 0
        health = pipeline.health()
    assert health["status"] == "healthy"
    assert health["enabled"] is False


def test_eight_threads_publish_while_another_reads():
    each = 250
    with na.open("memory:", batch_size=50) as pipeline:
        seen = []

        def work(number):
            if number == 8:
                for _ in range(50):
                    funnel = pipeline.kpis.conversion_funnel()
                    assert funnel["sessions_completed"] <= funnel["sessions_started"]
                    seen.append(funnel["sessions_started"])
                return
            for i in range(each):
                publish_session(pipeline, f"s{number}-{i}", f"u{number}", reward="0.10", credit=10)

        in_threads(9, work)
        pipeline.flush()
        assert seen == sorted(seen)
        kpis = pipeline.kpis.all()
        assert kpis["conversion_funnel"]["sessions_credited"] == 8 * each
        assert kpis["revenue_metrics"]["total_rewards_usd"] == 200.0
        assert kpis["revenue_metrics"]["credited_usd"] == 200.0
        assert kpis["streak_metrics"]["unique_users"] == 8


def test_close_while_others_publish_loses_nothing_that_was_accepted():
    pipeline = na.open("memory:", batch_size=10)
    accepted, under_way = [0] * 4, threading.Semaphore(0)

    def work(number):
        if number == 4:
            for _ in range(40):
                assert under_way.acquire(timeout=PATIENCE)
            pipeline.close()
            return
        try:
            while True:
                pipeline.charge_started(f"s{number}-{accepted[number]}")
                accepted[number] += 1
                under_way.release()
        except na.Closed:
            pass

    in_threads(5, work)
    assert pipeline.kpis.conversion_funnel()["sessions_started"] == sum(accepted)


def test_an_unused_pipeline_is_freed_and_warned_about(database):
    pipeline = na.open(url_of(database))
    pipeline.charge_started("s")
    gone = weakref.ref(pipeline)
    with pytest.warns(ResourceWarning, match="not closed"):
        del pipeline
        gc.collect()
    assert gone() is None
    with na.open(url_of(database)) as again:  # what it had accepted was stored all the same
        assert again.kpis.conversion_funnel()["sessions_started"] == 1
