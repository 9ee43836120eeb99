"""nerava_analytics.backend: the backend's names, in asyncio."""

import asyncio
import dataclasses
import json
import logging
import uuid
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from conftest import PATIENCE, locked, url_of

import nerava_analytics as na
from nerava_analytics import backend
from nerava_analytics._convert import encode_event


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

    def test_a_handler_that_ends_cancelled_harms_no_other(self, caplog):
        async def test():
            bus, seen = backend.EventBus(), []

            async def cancelled(event):
                raise asyncio.CancelledError("the handler's own")

            async def slow(event):
                await asyncio.sleep(0.001)
                seen.append(event)

            bus.subscribe("a", cancelled)
            bus.subscribe("a", slow)
            await bus.publish({"event_type": "a"})
            assert len(seen) == 1

        run(test())
        assert "cancelled" in caplog.text

    def test_a_publisher_that_is_cancelled_cancels_its_handlers(self):
        async def test():
            bus, ends, running = backend.EventBus(), [], asyncio.Event()

            async def endless(event):
                running.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    ends.append("cancelled")
                    raise

            bus.subscribe("a", endless)
            publishing = asyncio.ensure_future(bus.publish({"event_type": "a"}))
            await running.wait()
            publishing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await publishing
            assert ends == ["cancelled"]

        run(test())

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


@pytest.mark.parametrize("as_published", [dict, json.dumps], ids=["mapping", "text"])
def test_the_bus_and_the_store_get_the_same_event(writer, as_published):
    async def test():
        bus = backend.EventBus()
        producer = backend.AnalyticsProducer(bus, writer.pipeline)
        event = as_published({"event_type": "charge_stopped", "session_id": "s", "event_id": None})
        event_id = await producer.publish_charging_event(event)
        (on_bus,) = bus.get_events()
        assert on_bus["event_id"] == event_id
        assert on_bus == (await writer.pipeline.get()).recent()[0]

    run(test())


@pytest.mark.parametrize("with_bus", [False, True])
def test_what_the_pipeline_accepts_the_producer_accepts(writer, with_bus):
    limit = 65536

    async def test():
        producer = backend.AnalyticsProducer(
            backend.EventBus() if with_bus else None, writer.pipeline
        )
        event = {
            "event_id": "mine", "event_type": "charge_stopped", "timestamp": "2026-01-02T03:04:05Z",
            "session_id": "s", "unknown": Decimal("0.12345678901234567890123"), "notes": [],
        }  # fmt: skip
        while len(encode_event(event)) < limit - 1000:
            event["notes"].append("n" * 900)
        event["notes"].append("n" * (limit - len(encode_event(event)) - len(',""')))
        assert len(encode_event(event)) == limit
        assert await producer.publish_charging_event(event) == "mine"
        await writer.flush()

    run(test())


def test_a_start_after_a_stop_that_failed_loses_nothing(writer, database):
    async def test():
        await writer.start()
        with locked(database):
            await writer.write_event(started("s1"))
            for again in (writer.stop, writer.start):
                with pytest.raises(na.DeadlineExceeded) as caught:
                    await again(timeout=0.01)
                assert caught.value.unsent == 1
        await writer.start()
        await writer.write_event(started("s2"))
        await writer.flush()
        calculator = backend.KPICalculator(writer.pipeline)
        assert (await calculator.get_conversion_funnel())["sessions_started"] == 2

    run(test())


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
        assert (stats["committed"], stats["overflows"]) == (2, 0)

    logging.getLogger("nerava_analytics").setLevel(logging.CRITICAL)
    try:
        run(test())
    finally:
        logging.getLogger("nerava_analytics").setLevel(logging.NOTSET)


def full_queue(database, **options):
    return backend.SharedPipeline(
        url=url_of(database), batch_size=1, max_batch_size=1, queue_capacity=1, **options
    )


def test_a_queue_that_stays_full_is_one_error_after_the_pipelines_timeout(database):
    async def test():
        pipeline = full_queue(database, overflow_timeout=0.02)
        await pipeline.start()
        with locked(database):
            await pipeline.publish(started("s1"))
            with pytest.raises(na.QueueFull, match="20ms"):
                await pipeline.publish(started("s2"))
        await pipeline.close(PATIENCE)
        assert (await pipeline.get()).stats()["overflows"] == 1

    run(test())


def test_a_stop_ends_the_wait_of_all_who_publish_into_a_full_queue(database):
    async def test():
        pipeline = full_queue(database, overflow_timeout=10 * PATIENCE)
        await pipeline.start()
        with locked(database):
            await pipeline.publish(started("s"))
            waiting = [
                asyncio.ensure_future(pipeline.publish(started(f"s{number}")))
                for number in range(3 * backend._PUBLISHERS)
            ]
            await asyncio.sleep(0)
            with pytest.raises(na.DeadlineExceeded):
                await pipeline.close(0.01)
            ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {na.Closed}
        await pipeline.close(PATIENCE)

    run(test())


def test_events_of_one_caller_keep_their_order(writer):
    async def test():
        for number in range(100):
            await writer.write_event(started(f"s{number}"))
        seen = [event["session_id"] for event in (await writer.pipeline.get()).recent()]
        assert seen == [f"s{number}" for number in range(100)]

    run(test())


def test_a_batch_size_of_a_writer_raises_the_limits_above_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # its file is nerava_analytics.db

    async def test():
        pipeline = backend.AnalyticsBatchWriter(batch_size=200_000).pipeline
        await pipeline.start()
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
