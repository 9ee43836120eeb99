"""What the tests of the Python binding share."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nerava_analytics

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATIENCE = 30  # seconds until a test that waits for an event gives up

_ENVIRONMENT = (
    "ANALYTICS_ENABLED",
    "ANALYTICS_DATABASE_URL",
    "ANALYTICS_REGION",
    "REGION",
    "ANALYTICS_BATCH_SIZE",
    "ANALYTICS_FLUSH_INTERVAL",
    "ANALYTICS_OVERFLOW",
    "ANALYTICS_DURABILITY",
    "ANALYTICS_JOURNAL_DIR",
    "ANALYTICS_SYNC_INTERVAL",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pipeline():
    with nerava_analytics.open("memory:") as opened:
        yield opened


@pytest.fixture
def database(tmp_path):
    return tmp_path / "analytics.db"


@pytest.fixture
def book(tmp_path):
    return tmp_path / "book"


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a Python of its own, which may import what lies in this folder."""

    def run(script, *arguments, timeout=60):
        folders = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": folders},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


def url_of(database):
    return f"sqlite:///{database}"


@contextlib.contextmanager
def locked(database):
    """While it lasts no batch can be committed: somebody else holds the file's write lock."""
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("ROLLBACK")
        connection.close()


def in_threads(count, work):
    """Runs work(0), ... work(count - 1) at once and raises what one of them raised."""
    failures = []
    barrier = threading.Barrier(count)

    def run(number):
        try:
            barrier.wait(PATIENCE)
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def publish_session(pipeline, session, user, reward=None, window=None, credit=None):
    pipeline.charge_started(session, user_id=user, window_id=window)
    pipeline.charge_stopped(
        session, user_id=user, window_id=window, kwh_consumed=10, total_reward_usd=reward
    )
    if credit is not None:
        pipeline.wallet_credited(user, session_id=session, amount_cents=credit)
