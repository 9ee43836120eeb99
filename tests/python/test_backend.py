"""nerava_analytics.backend: the backend's names, in asyncio."""

import asyncio
import dataclasses
import logging
import uuid
from datetime import datetime, timezone

import pytest
from conftest import PATIENCE, locked, url_of

import nerava_analytics as na
from nerava_analytics import backend


@dataclasses.dataclass
class DomainEvent:
    """As the backend has them: objects with attributes."""

    event_type: str
    aggregate_id: str
    fields: dataclasses.InitVar[dict]
    event_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: datetime = dataclasses.field(default_factory=lambda: datetime.now(timezone.utc))
    version: int = 1

    def __post_init__(self, fields):
        self.__dict__.update(fields)


def started(session, user="u1", **fields):
    return DomainEvent(
        "charge_started", session, {"session_id": session, "user_id": user, **fields}
    )


def stopped(session, user="u1", **fields):
    return DomainEvent(
        "charge_stopped", session, {"session_id": session, "user_id": user, **fields}
    )


def credited(session, user="u1", cents=100):
    return DomainEvent(
        "wallet_credited", user, {"user_id": user, "session_id": session, "amount_cents": cents}
    )


def run(test):
    asyncio.run(asyncio.wait_for(test, PATIENCE))


@pytest.fixture
def writer(monkeypatch, database):
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", url_of(database))
    made = backend.AnalyticsBatchWriter()
    yield made
    run(made.stop())


class TestEventBus:
    def test_hands_events_to_functions_and_coroutines(self):
        async def test():
            bus, seen = backend.EventBus(), []

            async def coroutine(event):
                await asyncio.sleep(0)
                seen.append(("coroutine", event))

            bus.subscribe("a", lambda event: seen.append(("function", event)))
            bus.subscribe("a", coroutine)
            bus.subscribe("b", lambda event: seen.append(("other", event)))
            bus.subscribe("*", lambda event: seen.append(("all", event)))
            event = {"event_type": "a"}
            await bus.publish(event)
            assert sorted(name for name, _ in seen) == ["all", "coroutine", "function"]
            assert all(got is event for _, got in seen)

        run(test())

    def test_a_handler_that_raises_harms_no_other(self, caplog):
        async def test():
            bus, seen = backend.EventBus(), []

            async def bad(event):
                raise RuntimeError("async trouble")

            bus.subscribe("a", bad)
            bus.subscribe("a", lambda event: 1 / 0)
            bus.subscribe("a", seen.append)
            await bus.publish({"event_type": "a"})
            assert len(seen) == 1

        run(test())
        assert "async trouble" in caplog.text
        assert "division" in caplog.text

    def test_an_unsubscribed_handler_is_not_called(self):
        async def test():
            bus, seen = backend.EventBus(), []
            bus.subscribe("a", seen.append)
            bus.unsubscribe("a", seen.append)
            bus.unsubscribe("a", seen.append)
            bus.unsubscribe("never", seen.append)
            await bus.publish({"event_type": "a"})
            assert seen == []

        run(test())

    def test_keeps_the_last_thousand_events(self):
        async def test():
            bus = backend.EventBus()
            for number in range(1200):
                await bus.publish({"event_type": "even" if number % 2 == 0 else "odd", "n": number})
            assert bus.get_event_count() == 1000
            assert bus.get_event_count("odd") == 500
            assert bus.get_events()[0]["n"] == 200

        run(test())

    def test_finds_objects_and_dicts_by_type_and_aggregate(self):
        async def test():
            bus = backend.EventBus()
            event = started("s1")
            await bus.publish(event)
            await bus.publish({"event_type": "charge_started", "aggregate_id": "s2"})
            assert bus.get_events("charge_started", "s1") == [event]
            assert len(bus.get_events(aggregate_id="s2")) == 1
            assert bus.get_events("charge_stopped") == []

        run(test())


def test_the_lifespan_of_an_app(writer):
    async def test():
        bus = backend.EventBus()
        producer = backend.AnalyticsProducer(bus, writer.pipeline)
        calculator = backend.KPICalculator(writer.pipeline)
        producer.listen_to(bus)
        analytics = []
        bus.subscribe("analytics_charge_stopped", analytics.append)

        await writer.start()
        await bus.publish(started("s1", window_id="green_hour"))
        await bus.publish(stopped("s1", total_reward_usd=5.0, kwh_consumed=12.5))
        await bus.publish(credited("s1", cents=500))
        await bus.publish(DomainEvent("driver_signed_up", "u9", {"user_id": "u9"}))  # not charging
        await writer.flush()

        kpis = await calculator.get_all_kpis(days=7)
        assert kpis["conversion_funnel"] == await with_period_of(
            kpis["conversion_funnel"], calculator.get_conversion_funnel(7)
        )
        assert kpis["conversion_funnel"]["sessions_credited"] == 1
        assert (await calculator.get_green_hour_utilization())["utilization_rate"] == 100.0
        assert (await calculator.get_streak_metrics())["period_days"] == 30
        assert (await calculator.get_revenue_metrics())["total_rewards_usd"] == 5.0
        assert analytics[0]["properties"]["reward_tier"] == "high"

        stats = await writer.get_analytics_stats()
        assert stats["total_events"] == 3
        assert stats["events_by_type"]["analytics_charge_started"] == 1
        assert stats["events_by_region"] == {"default": 3}
        assert (stats["batch_size"], stats["running"]) == (0, True)

        await writer.stop()
        assert (await writer.get_analytics_stats())["running"] is False
        with pytest.raises(na.Closed):
            await writer.write_event(started("s2"))
        await writer.start()  # a second lifespan
        await writer.write_event(started("s2"))
        await writer.flush()
        assert (await calculator.get_conversion_funnel())["sessions_started"] == 2

    async def with_period_of(kpi, answer):
        return {**await answer, "from": kpi["from"], "to": kpi["to"]}

    run(test())


def test_module_level_objects_share_one_pipeline_from_the_environment(run_python, tmp_path):
    result = run_python(
        """
import asyncio, os
os.environ["ANALYTICS_DATABASE_URL"] = "sqlite:///app.db"
os.environ["ANALYTICS_REGION"] = "north"
from nerava_analytics.backend import (
    analytics_batch_writer, analytics_producer, event_bus, kpi_calculator)

async def main():
    await analytics_batch_writer.start()
    await event_bus.publish({"event_type": "charge_started", "session_id": "s1"})
    await analytics_producer.publish_charging_event(
        {"event_type": "charge_stopped", "session_id": "s1"})
    await analytics_batch_writer.stop()
    kpis = await kpi_calculator.get_all_kpis()
    print(kpis["conversion_funnel"]["sessions_completed"], kpis["region"])
    print(event_bus.get_event_count(), event_bus.get_event_count("analytics_charge_stopped"))

asyncio.run(main())
"""
    )
    assert (result.stdout.split(), result.stderr) == (["1", "north", "3", "1"], "")
    assert (tmp_path / "app.db").exists()


def test_an_event_that_is_refused_is_logged_and_counted_and_raises_nothing(writer, caplog):
    async def test():
        bus = backend.EventBus()
        producer = backend.AnalyticsProducer(bus, writer.pipeline)
        for bad in (stopped("s", kwh_consumed=-1), {"event_type": "charge_started"}, 7):
            assert await producer.publish_charging_event(bad) is None
        assert bus.get_event_count() == 0
        stats = await writer.get_analytics_stats()
        assert (stats["rejected"], stats["accepted"]) == (2, 0)
        with pytest.raises(na.InvalidEvent):
            await writer.write_event(stopped("s", kwh_consumed=-1))

    run(test())
    assert "kwh_consumed" in caplog.text


def test_a_stop_that_waits_for_the_store_leaves_the_loop_running(writer, database):
    async def test():
        await writer.start()
        with locked(database):
            await writer.write_event(started("s"))
            stopping = asyncio.ensure_future(writer.stop(timeout=PATIENCE))
            ticks = 0
            while ticks < 1000:  # a loop that is blocked would not get here before stop ends
                await asyncio.sleep(0)
                ticks += 1
            assert not stopping.done()
        await stopping
        assert (await writer.get_analytics_stats())["committed"] == 1

    run(test())


def test_a_full_queue_is_waited_for_without_blocking_the_loop(database):
    async def test():
        pipeline = backend.SharedPipeline(
            url=url_of(database), batch_size=1, max_batch_size=1, queue_capacity=1,
            sqlite_busy_timeout=0.001, retry_initial_backoff=0.001, retry_max_backoff=0.01,
        )  # fmt: skip
        await pipeline.start()
        with locked(database):
            await pipeline.publish(started("s1"))
            waiting = asyncio.ensure_future(pipeline.publish(started("s2")))
            for _ in range(1000):
                await asyncio.sleep(0)
            assert not waiting.done()
        assert await waiting
        await pipeline.close(PATIENCE)
        stats = (await pipeline.get()).stats()
        assert stats["committed"] == 2
        assert stats["overflows"] >= 1

    logging.getLogger("nerava_analytics").setLevel(logging.CRITICAL)
    try:
        run(test())
    finally:
        logging.getLogger("nerava_analytics").setLevel(logging.NOTSET)


def test_a_queue_that_stays_full_is_an_error(database, monkeypatch):
    monkeypatch.setattr(backend, "_OVERFLOW_TIMEOUT", 0.02)

    async def test():
        pipeline = backend.SharedPipeline(
            url=url_of(database), batch_size=1, max_batch_size=1, queue_capacity=1
        )
        await pipeline.start()
        with locked(database):
            await pipeline.publish(started("s1"))
            with pytest.raises(na.QueueFull):
                await pipeline.publish(started("s2"))
        await pipeline.close(PATIENCE)

    run(test())


def test_a_bad_configuration_is_an_error_at_start(monkeypatch):
    monkeypatch.setenv("ANALYTICS_BATCH_SIZE", "many")

    async def test():
        with pytest.raises(na.InvalidArgument, match="ANALYTICS_BATCH_SIZE"):
            await backend.AnalyticsBatchWriter().start()
        monkeypatch.delenv("ANALYTICS_BATCH_SIZE")
        with pytest.raises(na.InvalidArgument, match="batch_size"):
            await backend.AnalyticsBatchWriter(batch_size=0).start()

    run(test())


def test_many_tasks_open_only_one_pipeline(writer):
    async def test():
        pipelines = await asyncio.gather(*(writer.pipeline.get() for _ in range(20)))
        assert len(set(map(id, pipelines))) == 1

    run(test())


def test_the_event_loop_may_be_another_one_each_time(writer):
    run(writer.write_event(started("s1")))
    run(writer.write_event(started("s2")))
    run(writer.flush())
    stats = asyncio.run(writer.get_analytics_stats())
    assert stats["committed"] == 2
