"""What a backend does without this library: the four KPI groups of a period by SQL, from FastAPI.

Events are rows of typed columns in SQLite, with the indexes that the questions want. For server_load.py:

    DATABASE=events.db uvicorn sql_backend:app
"""

import contextlib
import json
import os
import sqlite3
import threading
from datetime import datetime

from fastapi import FastAPI, Query

COLUMNS = """
event_id TEXT PRIMARY KEY, type TEXT, time INTEGER, session TEXT, user_id TEXT, hub TEXT, win TEXT,
mwh INTEGER, reward INTEGER, cents INTEGER
"""
INDEXES = (
    "CREATE INDEX by_time ON events (type, time, session)",
    "CREATE INDEX by_session ON events (session, type, time)",
)

# Starts and stops that are the first of their session, and the sessions paid.
KPIS = """
WITH
start AS (
  SELECT session, time, win, user_id FROM events e
  WHERE type = 'charge_started' AND time >= :begin AND time < :end AND NOT EXISTS (
    SELECT 1 FROM events f
    WHERE f.session = e.session AND f.type = 'charge_started' AND f.time < :begin)
  GROUP BY session HAVING time = min(time)),
stop AS (
  SELECT session, time, win, user_id, mwh, reward FROM events e
  WHERE type = 'charge_stopped' AND time >= :begin AND time < :end AND NOT EXISTS (
    SELECT 1 FROM events f
    WHERE f.session = e.session AND f.type = 'charge_stopped' AND f.time < :begin)
  GROUP BY session HAVING time = min(time)),
funnel AS (
  SELECT EXISTS (SELECT 1 FROM events f WHERE f.session = start.session
                 AND f.type = 'charge_stopped' AND f.time >= start.time) AS completed,
         EXISTS (SELECT 1 FROM events f WHERE f.session = start.session
                 AND f.type = 'wallet_credited') AS credited
  FROM start),
described AS (
  SELECT stop.mwh, stop.reward,
         CASE WHEN s.session IS NULL THEN stop.win ELSE s.win END AS win,
         CASE WHEN s.session IS NULL THEN stop.user_id ELSE s.user_id END AS user_id
  FROM stop LEFT JOIN events s ON s.session = stop.session AND s.type = 'charge_started')
SELECT
  (SELECT count(*) FROM funnel) AS sessions_started,
  (SELECT count(*) FROM funnel WHERE completed) AS sessions_completed,
  (SELECT count(*) FROM funnel WHERE completed AND credited) AS sessions_credited,
  count(*) AS total_sessions, count(win) AS active_window_sessions,
  count(DISTINCT user_id) AS unique_users, coalesce(sum(reward), 0) / 1e6 AS total_rewards_usd,
  coalesce(sum(mwh), 0) / 1e6 AS energy_kwh,
  (SELECT coalesce(sum(cents), 0) / 100.0 FROM events
   WHERE type = 'wallet_credited' AND time >= :begin AND time < :end) AS credited_usd
FROM described
"""

app = FastAPI()
connections = threading.local()


def microseconds(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1_000_000)


def millionths(value):
    return None if value is None else round(value * 1_000_000)


def load(lines, file):
    """Makes the file of domain events, one JSON object a line."""

    def rows():
        for line in lines:
            e = json.loads(line)
            time = e.get("started_at") or e.get("stopped_at") or e.get("credited_at")
            if e["event_type"] in ("charge_started", "charge_stopped", "wallet_credited"):
                yield (e["event_id"], e["event_type"], microseconds(time), e.get("session_id"),
                       e.get("user_id"), e.get("hub_id"), e.get("window_id"),
                       millionths(e.get("kwh_consumed")), millionths(e.get("total_reward_usd")),
                       e.get("amount_cents"))  # fmt: skip

    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA cache_size = -3000000")  # that random ids are no matter of the disk
        database.execute(f"CREATE TABLE events ({COLUMNS}) WITHOUT ROWID")
        database.executemany(f"INSERT OR IGNORE INTO events VALUES ({','.join('?' * 10)})", rows())
        for index in INDEXES:
            database.execute(index)
        database.execute("ANALYZE")
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")


@app.get("/v1/analytics/kpis")
def kpis(begin: str = Query(alias="from"), end: str = Query(alias="to")):
    if not hasattr(connections, "database"):
        connections.database = sqlite3.connect(os.environ["DATABASE"])
        connections.database.execute("PRAGMA mmap_size = 8000000000")
    found = connections.database.execute(
        KPIS, {"begin": microseconds(begin), "end": microseconds(end)}
    )
    names = [column[0] for column in found.description]
    return dict(zip(names, found.fetchone()))
