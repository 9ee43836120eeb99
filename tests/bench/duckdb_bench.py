#!/usr/bin/env python3
"""All four KPI groups, and a breakdown by hub, over 89 days: Nerava beside DuckDB, on the same events.

    pip install duckdb
    PYTHONPATH=bindings/python NERAVA_ANALYTICS_LIBRARY=build/bench/capi/libnerava_analytics.so \\
        python3 tests/bench/duckdb_bench.py --events 1000000

DuckDB has the events in a table of typed columns; each query finds the sessions and sums them. Nerava
answers from Python, JSON included, and without its cache but where the output says "the same again". Both must give the same numbers, or the program fails.
"""

import argparse
import random
import statistics
import subprocess
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb

import nerava_analytics

ROOT = Path(__file__).resolve().parents[2]
END = datetime(2026, 11, 22, tzinfo=timezone.utc)

LOAD = """
CREATE TABLE events AS
  SELECT any_value(event_type)::ENUM ('charge_started', 'charge_stopped', 'wallet_credited') AS type,
         min(coalesce(started_at, stopped_at, credited_at)) AS time,
         any_value(session_id) AS session, any_value(user_id) AS user_id,
         any_value(hub_id) AS hub, any_value(window_id) AS win,
         (any_value(kwh_consumed) * 1000000)::BIGINT AS mwh,
         (any_value(total_reward_usd) * 1000000)::BIGINT AS reward,
         any_value(amount_cents)::BIGINT AS cents
  FROM read_json('{file}', format = 'newline_delimited', columns = {{
    event_id: 'VARCHAR', event_type: 'VARCHAR', session_id: 'VARCHAR', user_id: 'VARCHAR',
    hub_id: 'VARCHAR', window_id: 'VARCHAR', started_at: 'TIMESTAMP', stopped_at: 'TIMESTAMP',
    credited_at: 'TIMESTAMP', kwh_consumed: 'DECIMAL(12, 6)', total_reward_usd: 'DECIMAL(12, 6)',
    amount_cents: 'BIGINT'}})
  WHERE event_type IN ('charge_started', 'charge_stopped', 'wallet_credited')
  GROUP BY event_id
"""

SESSIONS = """
WITH sessions AS (
  SELECT session,
    min(time) FILTER (type = 'charge_started') AS start,
    min(time) FILTER (type = 'charge_stopped') AS stop,
    CASE WHEN bool_or(type = 'charge_started') THEN any_value(hub) FILTER (type = 'charge_started')
         ELSE any_value(hub) FILTER (type = 'charge_stopped') END AS hub,
    CASE WHEN bool_or(type = 'charge_started') THEN any_value(win) FILTER (type = 'charge_started')
         ELSE any_value(win) FILTER (type = 'charge_stopped') END AS win,
    CASE WHEN bool_or(type = 'charge_started') THEN any_value(user_id) FILTER (type = 'charge_started')
         ELSE any_value(user_id) FILTER (type = 'charge_stopped') END AS user_id,
    arg_min(mwh, time) FILTER (type = 'charge_stopped') AS mwh,
    arg_min(reward, time) FILTER (type = 'charge_stopped') AS reward,
    bool_or(type = 'wallet_credited' AND cents > 0) AS credited
  FROM events WHERE session IS NOT NULL GROUP BY session)
"""

NUMBERS = """
  count(*) FILTER (start >= $begin AND start < $end) AS sessions_started,
  count(*) FILTER (start >= $begin AND start < $end AND stop >= start) AS sessions_completed,
  count(*) FILTER (start >= $begin AND start < $end AND stop >= start AND credited)
    AS sessions_credited,
  count(*) FILTER (stop >= $begin AND stop < $end AND start IS NULL) AS orphan_stops,
  count(*) FILTER (stop >= $begin AND stop < $end) AS total_sessions,
  count(win) FILTER (stop >= $begin AND stop < $end) AS active_window_sessions,
  count(DISTINCT user_id) FILTER (stop >= $begin AND stop < $end) AS unique_users,
  coalesce(sum(reward) FILTER (stop >= $begin AND stop < $end), 0) AS reward,
  coalesce(sum(mwh) FILTER (stop >= $begin AND stop < $end), 0) AS mwh
"""

CREDITS = """
SELECT coalesce(sum(cents), 0) FROM events
WHERE type = 'wallet_credited' AND time >= $begin AND time < $end
"""


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def milliseconds(ask, times):
    """How long each call took, and the last answer."""
    taken = []
    for _ in range(times):
        begin = period()
        start = time.perf_counter()
        answer = ask(*begin)
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken), begin, answer


def period():
    """89 days that end at an odd moment, another each time."""
    end = END - timedelta(minutes=17, microseconds=random.randrange(3_600_000_000))
    return end - timedelta(days=89), end


def bounds(begin, end):
    return {"begin": begin.replace(tzinfo=None), "end": end.replace(tzinfo=None)}


def all_kpis(database, begin, end):
    row = database.execute(f"{SESSIONS} SELECT {NUMBERS} FROM sessions", bounds(begin, end))
    names = [column[0] for column in row.description]
    numbers = dict(zip(names, row.fetchone()))
    numbers["cents"] = database.execute(CREDITS, bounds(begin, end)).fetchone()[0]
    return numbers


def by_hub(database, begin, end):
    rows = database.execute(
        f"{SESSIONS} SELECT hub, {NUMBERS} FROM sessions GROUP BY hub", bounds(begin, end))
    return {row[0]: row[5] for row in rows.fetchall()}


def check_same(nerava, duck):
    found = {name: value for group in nerava.values() if isinstance(group, dict)
             for name, value in group.items()}
    for name in ("sessions_started", "sessions_completed", "sessions_credited", "orphan_stops",
                 "total_sessions", "active_window_sessions", "unique_users"):
        assert found[name] == duck[name], (name, found[name], duck[name])
    for name, value in (("total_rewards_usd", duck["reward"] / 1e6),
                        ("energy_kwh", duck["mwh"] / 1e6), ("credited_usd", duck["cents"] / 100)):
        assert abs(found[name] - float(value)) < 0.0051, (name, found[name], value)


def report(what, nerava, duck):
    median = statistics.median(nerava)
    p99 = nerava[len(nerava) * 99 // 100]
    print(f"{what}: Nerava {median:.2f} ms, p99 {p99:.2f} ms; DuckDB {statistics.median(duck):,.0f} ms, "
          f"{statistics.median(duck) / median:,.0f} times as long", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--bin", type=Path, default=ROOT / "build/bench/examples",
                        help="where simulate and replay are")
    parser.add_argument("--runs", type=int, default=5, help="of each query in DuckDB")
    arguments = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        events = f"{folder}/events.ndjson"
        url = f"sqlite:///{folder}/events.db"
        run(arguments.bin / "simulate", "--sessions", arguments.events * 5 // 12, "--users", 50_000,
            "--hubs", 200, "--days", 90, "--end", END.isoformat(), "-q", "-o", events)
        run(arguments.bin / "replay", "--store", url, "--json", "-q", events)
        database = duckdb.connect(f"{folder}/events.duckdb")
        database.execute(LOAD.format(file=events))
        stored = database.execute("SELECT count(*) FROM events").fetchone()[0]
        print(f"{stored:,} starts, stops and credits, DuckDB {duckdb.__version__}", flush=True)
        forever = dict.fromkeys(("keep_events", "keep_aggregates", "keep_snapshots"), "forever")
        with nerava_analytics.open(url, kpi_cache_bytes=0, **forever) as pipeline:
            pipeline.apply_retention()  # drops nothing, and adds up days that are over

            def nerava_all(begin, end):
                return pipeline.kpis.all(start=begin, end=end)

            def nerava_by_hub(begin, end):
                return pipeline.kpis.breakdown("hub", start=begin, end=end, top=0)

            nerava = milliseconds(nerava_all, 1000)[0]
            duck, asked, numbers = milliseconds(lambda *p: all_kpis(database, *p), arguments.runs)
            check_same(nerava_all(*asked), numbers)
            report("all four", nerava, duck)
            nerava = milliseconds(nerava_by_hub, 50)[0]
            duck, asked, hubs = milliseconds(lambda *p: by_hub(database, *p), arguments.runs)
            rows = {row["hub"]: row["total_sessions"] for row in nerava_by_hub(*asked)["rows"]}
            assert {hub: n for hub, n in rows.items() if n} == {
                hub: n for hub, n in hubs.items() if n}
            report("by 200 hubs", nerava, duck)
        with nerava_analytics.open(url, **forever) as pipeline:
            same = milliseconds(lambda *_: nerava_all(*asked), 1000)[0]
            print(f"all four, the same again: Nerava {statistics.median(same):.3f} ms", flush=True)


if __name__ == "__main__":
    main()
