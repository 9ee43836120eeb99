#!/usr/bin/env python3
"""How many requests the example server answers, with wrk on the same machine.

First over a store of simulated events, alone and while 1,000 events a second are posted; then a question of seven
days beside FastAPI that answers it by SQL over the same events, and FastAPI that asks this library; then beside
slowhttptest, which holds 450 connections of slow clients, and beside cpp-httplib. Needs Debian's
python3-fastapi and python3-uvicorn, minutes, and 12 GB below --folder, of which the stores are kept for the next time.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import sql_backend

ROOT = Path(__file__).resolve().parents[2]


def wrk(url, connections=32, seconds=7):
    output = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "--latency", url],
        check=True, capture_output=True, encoding="utf-8",
    ).stdout  # fmt: skip
    rate = float(re.search(r"Requests/sec: +([\d.]+)", output)[1])
    p50, p99 = (re.search(rf"{percent}% +(\S+)", output)[1] for percent in (50, 99))
    errors = re.findall(r"(?:Non-2xx|Socket errors).*", output)
    return f"{rate:>10,.{0 if rate > 10 else 2}f}/s  p50 {p50:>9}  p99 {p99:>9}  {' '.join(errors)}"


def wait_for(port):
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_until_established(port, connections):
    local = f":{port:04X}"
    while True:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        if sum(row[1].endswith(local) and row[3] == "01" for row in rows) >= connections:
            return
        time.sleep(0.05)  # what it measures comes after


@contextlib.contextmanager
def running(*command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def serving(binary, store):
    command = (binary, "--store", store, "--listen", "127.0.0.1:0", "--rate", "0")
    with running(*command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        yield int(process.stdout.readline().rsplit(":", 1)[1])


def post(port, stop):
    """Ten requests a second, each of 100 events."""
    link = http.client.HTTPConnection("127.0.0.1", port)
    while not stop.wait(0.1):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        events = [
            {"event_type": "charge_started", "session_id": str(uuid.uuid4()), "event_id": str(uuid.uuid4()),
             "user_id": f"user_{i}", "hub_id": "hub_1", "started_at": now}
            for i in range(100)
        ]  # fmt: skip
        link.request("POST", "/v1/analytics/events", json.dumps(events))
        response = link.getresponse()
        response.read()
        assert response.status == 202, response.status


def measure_questions(binary, store):
    for target in ("/v1/analytics/kpis?days=7", "/v1/analytics/kpis?days=89",
                   "/v1/analytics/kpis?days=30&breakdown=region"):  # fmt: skip
        with serving(binary, store) as port:
            url = f"http://127.0.0.1:{port}{target}"
            print(f"{target}\n  alone         {wrk(url)}")
            stop = threading.Event()
            writer = threading.Thread(target=post, args=(port, stop))
            writer.start()
            print(f"  while posting {wrk(url)}")
            stop.set()
            writer.join()


@contextlib.contextmanager
def uvicorn(app, **environment):
    port = free_port()
    folders = os.pathsep.join(str(ROOT / folder) for folder in ("bindings/python", "tests/bench", "examples/backend"))
    command = (sys.executable, "-m", "uvicorn", app, "--port", str(port),
               "--log-level", "warning", "--no-access-log")  # fmt: skip
    with running(*command, env={**os.environ, "PYTHONPATH": folders, **environment}):
        wait_for(port)
        yield port


def measure_beside_sql(build, binary, store, sql_file):
    end = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    period = [f"{day:%Y-%m-%dT%H:%M:%SZ}" for day in (end - datetime.timedelta(days=7), end)]
    target = "/v1/analytics/kpis?from={}&to={}".format(*period)
    library = {"NERAVA_ANALYTICS_LIBRARY": str((build / "capi/libnerava_analytics.so").resolve())}
    hosts = {
        "nerava-analytics-server": serving(binary, store),
        "FastAPI, this library": uvicorn("app:app", ANALYTICS_DATABASE_URL=store, **library),
        "FastAPI, SQL": uvicorn("sql_backend:app", DATABASE=str(sql_file)),
    }
    print("kpis of seven days that are over")
    answers = []
    for name, host in hosts.items():
        with host as port:
            url = f"http://127.0.0.1:{port}{target}"
            with urllib.request.urlopen(url) as answer:
                answers.append(json.load(answer))
            # So that some answers come at all: as many connections as there are cores.
            print(f"  {name:<24} {wrk(url, 2, 60) if 'SQL' in name else wrk(url)}")
    groups = [group for group in answers[0].values() if isinstance(group, dict)]
    for key, value in answers[-1].items():
        of_the_library = {group[key] for group in groups if key in group}
        assert len(of_the_library) == 1, key
        assert abs(of_the_library.pop() - value) < 0.0051, (key, answers)


# Headers that never end, bodies that never end, and answers that are taken 32 bytes a second.
ATTACKS = {
    "slow headers": ("-H", "-i", "1"),
    "slow bodies": ("-B", "-i", "1", "-x", "10", "-s", "8192"),
    "slow readers": ("-X", "-n", "1", "-z", "32", "-w", "512", "-y", "1024", "-k", "3"),
}


def measure_slow_clients(name, port, attack):
    base = f"http://127.0.0.1:{port}"
    wait_for(port)
    print(f"/livez of {name}\n  {'alone':<24} {wrk(base + '/livez', 16)}")
    path = "/v1/analytics/events" if attack == "slow bodies" else "/v1/analytics/openapi.json"
    command = ("slowhttptest", *ATTACKS[attack], "-c", "450", "-r", "200", "-l", "60", "-u", base + path)
    with tempfile.TemporaryDirectory() as scratch:
        with running(*command, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            wait_until_established(port, 450)
            print(f"  beside 450 {attack:<13} {wrk(base + '/livez', 16)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default="build/bench/server_load")
    parser.add_argument("--build", type=Path, default="build/bench")
    parser.add_argument("--sessions-per-day", default="44000", help="90 days of 4,400 are 1 million events")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    examples = options.build / "examples"
    database = (options.folder / f"{options.sessions_per_day}.db").resolve()
    sql_file = database.with_suffix(".sql.db")
    if not database.exists() or not sql_file.exists():
        database.unlink(missing_ok=True)
        sql_file.unlink(missing_ok=True)
        events = options.folder / "events.ndjson"
        simulate = ["--days", "90", "--sessions-per-day", options.sessions_per_day, "--output", events]
        subprocess.run([examples / "simulate", *simulate], check=True)
        replay = [examples / "replay", events, "--store", f"sqlite:///{database}", "--now", "now"]
        subprocess.run(replay, check=True, stdout=subprocess.DEVNULL)
        with events.open() as lines:
            sql_backend.load(lines, sql_file)
        events.unlink()
    binary = examples / "nerava-analytics-server"
    measure_questions(binary, f"sqlite:///{database}")
    measure_beside_sql(options.build, binary, f"sqlite:///{database}", sql_file)
    for attack in ATTACKS:  # a server each: those of the attack before may still hold their connections
        with serving(binary, "memory:") as port:
            measure_slow_clients("nerava-analytics-server", port, attack)
    port = free_port()
    with running(options.build / "tests/bench/httplib_server", str(port)):
        measure_slow_clients("cpp-httplib, 64 threads", port, "slow headers")


if __name__ == "__main__":
    main()
