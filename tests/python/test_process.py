"""The process around it: finding the library, the end of the interpreter, and the example."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, url_of

import nerava_analytics as na
from nerava_analytics import _library


def test_a_library_that_is_not_there_is_explained(monkeypatch):
    monkeypatch.setenv(_library.ENVIRONMENT_VARIABLE, "/no/such/library.so")
    with pytest.raises(na.LibraryNotFound) as caught:
        _library._load()
    assert "/no/such/library.so" in str(caught.value)
    assert _library.ENVIRONMENT_VARIABLE in str(caught.value)


def test_another_library_is_refused(monkeypatch):
    monkeypatch.setenv(_library.ENVIRONMENT_VARIABLE, "libc.so.6")
    with pytest.raises(na.LibraryNotFound, match="nva_"):
        _library._load()


def test_a_library_with_an_older_abi_is_refused(monkeypatch):
    monkeypatch.setattr("nerava_analytics._abi.ABI_VERSION", 1000)
    with pytest.raises(na.LibraryNotFound, match="ABI 1000"):
        _library._load()


def test_importing_needs_no_library(run_python, monkeypatch):
    monkeypatch.setenv(_library.ENVIRONMENT_VARIABLE, "/no/such/library.so")
    result = run_python("import nerava_analytics, nerava_analytics.backend")
    assert (result.returncode, result.stderr) == (0, "")


def started(database):
    with na.open(url_of(database)) as pipeline:
        return pipeline.kpis.conversion_funnel()["sessions_started"]


def test_a_spawned_process_ends_without_a_word(run_python, database):
    result = run_python(
        """
import multiprocessing, sys
WORK = '''
import sys, nerava_analytics
sys.kept = nerava_analytics.open(sys.argv[1])
sys.kept.charge_started("s")
'''
process = multiprocessing.get_context("spawn").Process(target=exec, args=(WORK,))
process.start()
process.join()
sys.exit(process.exitcode)
""",
        url_of(database),
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert started(database) == 1


def test_a_pipeline_left_open_is_closed_at_exit(run_python, database):
    result = run_python(
        """
import sys, nerava_analytics
pipeline = nerava_analytics.open(sys.argv[1])
pipeline.subscribe("*", lambda event: None)
for i in range(50):
    pipeline.charge_started(f"s{i}")
""",
        url_of(database),
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert started(database) == 50


@pytest.mark.parametrize("attempt", range(5))
def test_daemon_threads_may_publish_while_the_interpreter_ends(run_python, database, attempt):
    result = run_python(
        """
import sys, threading, nerava_analytics
pipeline = nerava_analytics.open(sys.argv[1], batch_size=5)
pipeline.subscribe("*", lambda event: sum(range(1000)))
ready = threading.Barrier(5)
def work(thread):
    i = 0
    try:
        while True:
            pipeline.charge_started(f"s{thread}-{i}")
            i += 1
            if i == 10:
                ready.wait()
    except nerava_analytics.Closed:
        pass
for thread in range(4):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
ready.wait()
""",
        url_of(database),
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert started(database) >= 40


def test_a_store_that_hangs_delays_the_exit_only_so_long(run_python, database):
    result = run_python(
        """
import sqlite3, sys, threading, nerava_analytics
from nerava_analytics import _lifecycle
_lifecycle.EXIT_TIMEOUT = 0.3
failed = threading.Event()
pipeline = nerava_analytics.open(
    "sqlite:///" + sys.argv[1], batch_size=1, sqlite_busy_timeout=0.001,
    retry_max_backoff=0.05, on_error=lambda error: failed.set())
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
pipeline.charge_started("s")
assert failed.wait(30)
""",
        database,
    )
    assert result.returncode == 0
    assert "not stored yet" in result.stderr
    assert "Fatal" not in result.stderr


def test_an_error_of_the_script_is_not_changed(run_python, database):
    result = run_python(
        """
import sys, nerava_analytics
pipeline = nerava_analytics.open(sys.argv[1])
pipeline.charge_started("s")
sys.exit(3)
""",
        url_of(database),
    )
    assert (result.returncode, result.stderr) == (3, "")
    assert started(database) == 1


def quickstart_lines(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    for line in lines:  # the period is another one in every run
        del line["from"], line["to"]
    return lines


def test_the_quickstart_prints_the_numbers_of_its_story():
    assert quickstart_lines([sys.executable, str(ROOT / "examples" / "quickstart.py")]) == [
        {"sessions_started": 3, "sessions_completed": 2, "sessions_credited": 1, "orphan_stops": 0,
         "completion_rate": 66.67, "credit_rate": 50.0, "period_days": 7, "grain": "exact"},
        {"active_window_sessions": 1, "total_sessions": 2, "utilization_rate": 50.0,
         "avg_reward_usd": 2.13, "period_days": 7, "grain": "exact"},
        {"unique_users": 2, "total_sessions": 2, "sessions_per_user": 1.0, "avg_reward_usd": 2.13,
         "period_days": 7, "grain": "exact"},
        {"total_rewards_usd": 4.25, "total_sessions": 2, "avg_reward_usd": 2.13,
         "energy_kwh": 16.5, "credited_usd": 3.25, "period_days": 7, "grain": "exact"},
    ]  # fmt: skip


@pytest.mark.skipif(not os.environ.get("NERAVA_QUICKSTART"), reason="the C++ example is not built")
def test_the_quickstarts_print_the_same_in_cpp_and_python():
    script = [sys.executable, str(ROOT / "examples" / "quickstart.py")]
    assert quickstart_lines(script) == quickstart_lines([os.environ["NERAVA_QUICKSTART"]])
