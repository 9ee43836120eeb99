"""examples/demo: its help, its refusals, and, where NERAVA_DEMO is set, the whole of it."""

import json
import os
import re
import signal
import subprocess

import pytest
from replay_support import ROOT

DEMO = ROOT / "examples/demo"
whole = pytest.mark.skipif(not os.environ.get("NERAVA_DEMO"), reason="NERAVA_DEMO is not set")


def demo(*arguments, **options):
    return subprocess.run([DEMO, *arguments], capture_output=True, encoding="utf-8", **options)


def test_help_needs_nothing_installed():
    done = demo("--help", env={"PATH": "/usr/bin:/bin"}, cwd="/")
    assert done.returncode == 0
    assert "--input FILE" in done.stdout and "--no-serve" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["--input"], ["--input", "/missing"], ["--sessions-per-day", "x"]]
)
def test_wrong_usage_is_refused_before_anything_is_done(arguments):
    done = demo(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--help" in done.stderr


def test_shellcheck_finds_nothing():
    try:
        done = subprocess.run(["shellcheck", DEMO], capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        pytest.skip("shellcheck is not installed")
    assert done.returncode == 0, done.stdout


@whole
def test_it_prints_the_tables_and_what_it_suggests_works():
    done = demo("--no-serve", timeout=1800)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Conversion funnel +covered +7 days +30 days +90 days", done.stdout)
    assert done.stdout.count("answered in") == 4
    suggestions = re.findall(r"^ {4}((?:sqlite3|build/).*)$", done.stdout, re.MULTILINE)
    assert "nerava-analytics-server" in suggestions.pop()  # which does not end
    assert len(suggestions) >= 3
    for command in suggestions:
        tried = subprocess.run(
            command, shell=True, executable="/bin/bash", cwd=ROOT, capture_output=True,
            encoding="utf-8", timeout=300,
        )
        assert tried.returncode == 0 and tried.stdout, (command, tried.stderr)


@whole
def test_it_takes_a_file_of_ones_own_and_serves_it(tmp_path):
    file = tmp_path / "my sessions.csv"
    file.write_text("Id,user,start,end,kwh\n1,ann,2026-03-01 10:00,2026-03-01 11:00,10\n")
    arguments = ["--listen", "127.0.0.1:0", "--input", file, "--", "--column", "session_id=Id",
                 "--reward-per-kwh", "0.10"]  # fmt: skip
    with subprocess.Popen([DEMO, *arguments], stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            printed = ""
            while not (listening := re.search(r"^listening at (http://.*)$", printed, re.MULTILINE)):
                line = process.stdout.readline()
                assert line, printed
                printed += line
            assert re.search(r"credited, USD +1\.00", printed)
            suggestions = re.findall(r"^ +(curl .*)$", printed, re.MULTILINE)
            assert len(suggestions) == 4
            for command in suggestions:
                command = command.replace("http://127.0.0.1:0", listening[1])
                tried = subprocess.run(
                    ["bash", "-c", command.replace("curl", "curl -sf", 1)], capture_output=True, encoding="utf-8",
                    timeout=60,
                )  # fmt: skip
                assert tried.returncode == 0 and json.loads(tried.stdout), (command, tried)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
