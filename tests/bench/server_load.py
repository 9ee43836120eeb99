#!/usr/bin/env python3
"""How many requests the example server answers, with wrk on the same machine.

First over a store of simulated events, alone and while 1,000 events a second are posted; then beside
slowhttptest, which holds 450 connections with headers that never end, and beside cpp-httplib. Needs minutes, and
5 GB below --folder, of which the store is kept for the next time.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import re
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path


def wrk(url, connections=32, seconds=7):
    output = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", url],
        check=True, capture_output=True, encoding="utf-8",
    ).stdout  # fmt: skip
    rate = re.search(r"Requests/sec: +([\d.]+)", output)[1]
    p50, p99 = (re.search(rf"{percent}% +(\S+)", output)[1] for percent in (50, 99))
    errors = re.findall(r"(?:Non-2xx|Socket errors).*", output)
    return f"{float(rate):>10,.0f}/s  p50 {p50:>9}  p99 {p99:>9}  {' '.join(errors)}"


def wait_for(port):
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return


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


def measure_slow_clients(name, port):
    url = f"http://127.0.0.1:{port}/livez"
    wait_for(port)
    print(f"/livez of {name}\n  alone         {wrk(url, 16)}")
    attack = ("slowhttptest", "-H", "-c", "450", "-r", "200", "-i", "1", "-l", "60", "-u", url)
    with tempfile.TemporaryDirectory() as scratch:
        with running(*attack, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            wait_until_established(port, 450)
            print(f"  beside 450    {wrk(url, 16)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default="build/bench/server_load")
    parser.add_argument("--build", type=Path, default="build/bench")
    parser.add_argument("--sessions-per-day", default="44000", help="90 days of 4,400 are 1 million events")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    examples = options.build / "examples"
    database = (options.folder / f"{options.sessions_per_day}.db").resolve()
    if not database.exists():
        events = options.folder / "events.ndjson"
        simulate = ["--days", "90", "--sessions-per-day", options.sessions_per_day, "--output", events]
        subprocess.run([examples / "simulate", *simulate], check=True)
        replay = [examples / "replay", events, "--store", f"sqlite:///{database}", "--now", "now"]
        subprocess.run(replay, check=True, stdout=subprocess.DEVNULL)
        events.unlink()
    binary = examples / "nerava-analytics-server"
    measure_questions(binary, f"sqlite:///{database}")
    with serving(binary, "memory:") as port:
        measure_slow_clients("nerava-analytics-server", port)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(options.build / "tests/bench/httplib_server", str(port)):
        measure_slow_clients("cpp-httplib, 64 threads", port)


if __name__ == "__main__":
    main()
