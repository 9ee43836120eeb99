"""The HTTP server example as a process, and what asks it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

SERVER = Path(os.environ["NERAVA_EXAMPLES"]) / "nerava-analytics-server"
EVENTS = "/v1/analytics/events"
FUNNEL = "/v1/analytics/kpis/conversion-funnel"


def environment(**variables):
    known = {name: os.environ[name] for name in ("PATH", "HOME", "TSAN_OPTIONS") if name in os.environ}
    return {**known, **variables}


@contextlib.contextmanager
def serving(store="memory:", *flags, port=0, stderr=subprocess.PIPE, preexec_fn=None, **variables):
    process = subprocess.Popen(
        [SERVER, "--store", store, "--listen", f"127.0.0.1:{port}", *flags],
        stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8", env=environment(**variables), preexec_fn=preexec_fn,
    )
    try:
        first = process.stdout.readline()
        port = re.fullmatch(r"listening at http://127\.0\.0\.1:(\d+)\n", first)
        assert port, (first, process.stderr.read() if process.poll() is not None else "")
        process.port = int(port[1])
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def shared_server():
    with serving() as server:
        yield server


def ask(server, method, target, body=None, headers=(), connection=None):
    link = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    link.request(method, target, body, dict(headers))
    response = link.getresponse()
    content = response.read()
    if connection is None:
        link.close()
    return response.status, response.headers, content


def started(number):
    return {"event_type": "charge_started", "session_id": f"s{number}", "event_id": f"e{number}"}


def sessions(server):
    return json.loads(ask(server, "GET", FUNNEL)[2])["sessions_started"]


def stop(server):
    server.send_signal(signal.SIGTERM)
    output = server.communicate(timeout=60)
    return server.returncode, output


def raw(server, request):
    """What comes back for these bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
        link.sendall(request)
        answer = b""
        while chunk := link.recv(65536):
            answer += chunk
        return answer


def run(*flags, **variables):
    done = subprocess.run(
        [SERVER, *flags], capture_output=True, encoding="utf-8", timeout=60, env=environment(**variables)
    )
    return done.returncode, done.stdout + done.stderr


def resident_kib(server):
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])
