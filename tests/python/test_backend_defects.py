"""What the backend's own analytics gets wrong, one test each: it does not happen here."""

import asyncio
import sqlite3

import pytest
from conftest import PATIENCE, locked, publish_session, url_of
from test_backend import credited, run, started, stopped

import nerava_analytics as na
from nerava_analytics import backend


@pytest.fixture
def writer(monkeypatch, database):
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", url_of(database))
    made = backend.AnalyticsBatchWriter()
    yield made
    run(made.stop())


def test_the_producer_publishes_a_dict_to_a_bus_that_reads_attributes(writer):
    """... so nothing is ever stored."""

    async def test():
        bus = backend.EventBus()
        producer = backend.AnalyticsProducer(bus, writer.pipeline)
        assert await producer.publish_charging_event(started("s1"))
        assert await producer.publish_charging_event(vars(stopped("s1")))
        await writer.flush()
        assert (await writer.get_analytics_stats())["total_events"] == 2
        assert bus.get_event_count("analytics_charge_started") == 1

    run(test())


def test_stored_rows_keep_only_properties(writer, database):
    """... so ids, energy and money are lost and average rewards are 0."""

    async def test():
        await writer.write_event(stopped("s1", kwh_consumed=12.5, total_reward_usd=3.25))
        await writer.flush()
        calculator = backend.KPICalculator(writer.pipeline)
        assert (await calculator.get_streak_metrics())["avg_reward_usd"] == 3.25

    run(test())
    with sqlite3.connect(database) as connection:
        row = connection.execute(
            "SELECT properties->>'session_id', properties->>'user_id',"
            " properties->>'kwh_consumed', properties->>'total_reward_usd',"
            " properties->>'reward_tier' FROM analytics_events"
        ).fetchone()
    assert row == ("s1", "u1", 12.5, 3.25, "medium")


def test_sessions_credited_counts_users(pipeline):
    for session in ("s1", "s2", "s3"):
        publish_session(pipeline, session, "one user", credit=100)
    pipeline.flush()
    assert pipeline.kpis.conversion_funnel()["sessions_credited"] == 3


def test_unique_users_counts_sessions(pipeline):
    for session in ("s1", "s2", "s3"):
        publish_session(pipeline, session, "one user")
    pipeline.flush()
    streaks = pipeline.kpis.streak_metrics()
    assert (streaks["unique_users"], streaks["sessions_per_user"]) == (1, 3.0)


def test_completion_can_exceed_a_hundred_percent(pipeline):
    publish_session(pipeline, "s1", "u1")
    for session in ("s2", "s3"):  # stops whose starts are not known
        pipeline.charge_stopped(session, user_id="u1")
    pipeline.charge_stopped("s1", user_id="u1")
    pipeline.flush()
    funnel = pipeline.kpis.conversion_funnel()
    assert (funnel["completion_rate"], funnel["orphan_stops"]) == (100.0, 2)


def test_duplicates_inflate_counts(writer):
    async def test():
        events = [started("s1"), stopped("s1", total_reward_usd=1), credited("s1")]
        for _ in range(3):
            for event in events:
                await writer.write_event(event)
            await writer.flush()
        kpis = await backend.KPICalculator(writer.pipeline).get_all_kpis()
        assert kpis["conversion_funnel"]["sessions_started"] == 1
        assert kpis["revenue_metrics"]["total_rewards_usd"] == 1.0
        assert kpis["revenue_metrics"]["credited_usd"] == 1.0
        stats = await writer.get_analytics_stats()
        assert (stats["total_events"], stats["duplicates"]) == (3, 6)

    run(test())


def test_one_bad_event_blocks_the_writer_for_ever(writer):
    async def test():
        await writer.write_event(started("s1"))
        with pytest.raises(na.InvalidEvent):
            await writer.write_event(stopped("s1", kwh_consumed=float("nan")))
        with pytest.raises(na.InvalidEvent):
            await writer.write_event(stopped("s1", kwh_consumed=-1))
        await writer.write_event(stopped("s1", kwh_consumed=1))
        await writer.flush()
        stats = await writer.get_analytics_stats()
        assert (stats["total_events"], stats["pending"]) == (2, 0)

    run(test())


def test_a_failed_last_flush_loses_events(writer, database):
    async def test():
        await writer.start()
        with locked(database):
            await writer.write_event(started("s1"))
            with pytest.raises(na.DeadlineExceeded) as caught:
                await writer.stop(timeout=0.05)
            assert caught.value.unsent == 1
        await writer.stop(PATIENCE)
        assert (await writer.get_analytics_stats())["committed"] == 1

    run(test())


def test_shutdown_stops_the_writer_before_its_source(writer):
    """Here the source closes first: what was accepted is stored, what comes later is refused."""

    async def test():
        await writer.start()
        accepted = 0

        async def source():
            nonlocal accepted
            while True:
                await writer.write_event(started(f"s{accepted}"))
                accepted += 1
                await asyncio.sleep(0)

        running = asyncio.ensure_future(source())
        while accepted < 50:
            await asyncio.sleep(0)
        await writer.stop()
        with pytest.raises(na.Closed):
            await running
        assert (await writer.get_analytics_stats())["total_events"] == accepted

    run(test())


def test_batch_size_is_read_from_the_environment(monkeypatch):
    stored = commits_of(monkeypatch, "ANALYTICS_BATCH_SIZE", "2", "ANALYTICS_FLUSH_INTERVAL", "600")
    run(stored)


def test_flush_interval_is_read_from_the_environment(monkeypatch):
    stored = commits_of(
        monkeypatch, "ANALYTICS_BATCH_SIZE", "1000", "ANALYTICS_FLUSH_INTERVAL", "0.001"
    )
    run(stored)


async def commits_of(monkeypatch, *environment):
    """Two events are committed without a flush; how soon is up to the environment."""
    for name, value in zip(environment[::2], environment[1::2]):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", "memory:")
    writer = backend.AnalyticsBatchWriter()
    await writer.write_event(started("s1"))
    await writer.write_event(stopped("s1"))
    while (await writer.get_analytics_stats())["committed"] < 2:  # run() ends it when it never is
        await asyncio.sleep(0)
    await writer.stop()


def test_errors_are_returned_as_an_answer(writer, database):
    """... with status 200 and the database's text inside. Here they are exceptions."""

    async def test():
        calculator = backend.KPICalculator(writer.pipeline)
        with pytest.raises(na.InvalidArgument, match="days"):
            await calculator.get_conversion_funnel(days=0)
        await writer.write_event(started("s1"))
        await writer.flush()
        break_tables(database)
        with pytest.raises(na.NeravaError):
            await calculator.get_all_kpis()

    run(test())


def break_tables(database):
    with sqlite3.connect(database) as connection:
        names = connection.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'table')"
            " AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for kind, name in sorted(names, reverse=True):
            connection.execute(f'DROP {kind} IF EXISTS "{name}"')


def test_health_is_always_fine(writer, database):
    async def test():
        await writer.start()
        assert (await writer.get_analytics_health())["status"] == "healthy"
        await writer.stop()
        health = await writer.get_analytics_health()
        assert health["status"] == "unhealthy"
        assert "closed" in health["reason"]
        assert health.keys() >= {"batch_size", "total_events", "events_by_type", "events_by_region"}

    run(test())


def test_int_of_0_29_times_100_makes_28_cents(pipeline):
    pipeline.wallet_credited("u", session_id="s", amount_cents=na.usd_to_cents(0.29))
    pipeline.flush()
    assert pipeline.kpis.revenue_metrics()["credited_usd"] == 0.29
