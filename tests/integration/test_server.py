"""The HTTP server example as a process: what it answers, and keeps when it is stopped or killed."""

import contextlib
import gzip
import http.client
import json
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess

import pytest
from replay_support import ROOT
from server_support import (  # noqa: F401 (a fixture)
    EVENTS,
    FUNNEL,
    SERVER,
    ask,
    environment,
    raw,
    run,
    serving,
    sessions,
    shared_server,
    started,
    stop,
)


def test_it_counts_what_is_posted_and_keeps_it(tmp_path):
    store = f"sqlite:///{tmp_path}/a.db"
    with serving(store) as server:
        body = "\n".join(json.dumps(started(i)) for i in range(100))
        status, _, answer = ask(
            server, "POST", EVENTS + "?flush=true", body, {"Content-Type": "application/x-ndjson"}
        )
        assert (status, json.loads(answer)["accepted"], sessions(server)) == (202, 100, 100)
        assert ask(server, "POST", EVENTS, json.dumps(started(100)))[0] == 202
        code, output = stop(server)  # stores what is accepted
        assert (code, output) == (0, ("storing what was accepted\n", ""))
    with serving(store) as server:
        assert sessions(server) == 101


def test_what_it_accepted_outlives_kill(tmp_path):
    store = f"sqlite:///{tmp_path}/a.db"
    with serving(store, ANALYTICS_FLUSH_INTERVAL="3600", ANALYTICS_BATCH_SIZE="10000") as server:
        for i in range(20):
            assert ask(server, "POST", EVENTS, json.dumps(started(i)))[0] == 202
        server.kill()
        server.wait()
    with serving(store) as server:
        assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(started(0)))[0] == 202
        assert sessions(server) == 20


def test_a_connection_takes_many_requests():
    with serving() as server:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        status, headers, body = ask(server, "GET", "/v1/analytics/kpis", connection=link)
        assert (status, headers["Content-Encoding"], headers["X-Content-Type-Options"]) == (200, None, "nosniff")
        first = link.sock
        again = ask(server, "GET", "/v1/analytics/kpis", None, {"If-None-Match": headers["ETag"]}, link)
        assert (again[0], again[2]) == (304, b"")
        head = ask(server, "HEAD", "/v1/analytics/openapi.json", connection=link)
        whole = ask(server, "GET", "/v1/analytics/openapi.json", connection=link)
        assert (head[2], int(head[1]["Content-Length"])) == (b"", len(whole[2]))
        zipped = ask(server, "GET", "/v1/analytics/openapi.json", None, {"Accept-Encoding": "gzip"}, link)
        assert (zipped[1]["Content-Encoding"], gzip.decompress(zipped[2])) == ("gzip", whole[2])
        assert "Accept-Encoding" in zipped[1].get_all("Vary") and len(zipped[2]) < len(whole[2])
        assert ask(server, "GET", "/nowhere", connection=link)[0] == 404
        assert ask(server, "GET", "/livez", connection=link)[0] == 200
        assert link.sock is first
        link.close()


def test_requests_one_behind_the_other_are_answered_in_turn(shared_server):
    one = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
    answer = raw(shared_server, (one + b"\r\n") * 9 + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 10


def test_the_dashboard_is_served(shared_server):
    seen, left = {}, ["/"]
    while left:
        path = left.pop()
        status, headers, body = ask(shared_server, "GET", path)
        assert status == 200, path
        seen[path] = headers["Content-Type"]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        again = ask(shared_server, "GET", path, None, {"If-None-Match": headers["ETag"]})
        assert (again[0], again[2], again[1]["ETag"]) == (304, b"", headers["ETag"])
        head = ask(shared_server, "HEAD", path)
        assert (head[0], head[2], int(head[1]["Content-Length"])) == (200, b"", len(body))
        zipped = ask(shared_server, "GET", path, None, {"Accept-Encoding": "gzip"})
        if len(body) >= 1024:
            assert zipped[1]["Content-Encoding"] == "gzip" and gzip.decompress(zipped[2]) == body
        refused = ask(shared_server, "POST", path)
        assert (refused[0], refused[1]["Allow"]) == (405, "GET, HEAD")
        text = body.decode()
        if path != "/dashboard/chart.min.js":
            found = re.findall(r'(?:href|src)="(/[^"]+)"', text)
            found += ["/dashboard/" + name for name in re.findall(r'from "\./(.+?)"', text)]
            left += set(found) - set(seen) - set(left)
    assert len(set(seen)) == len(list((ROOT / "examples/server/dashboard").iterdir())) + 1  # Chart.js
    assert {seen["/"], seen["/dashboard/main.js"], seen["/dashboard/style.css"], seen["/dashboard/icon.svg"]} == {
        "text/html; charset=utf-8", "text/javascript; charset=utf-8", "text/css; charset=utf-8", "image/svg+xml",
    }  # fmt: skip
    assert ask(shared_server, "GET", "/dashboard/nothing.js")[0] == 404


@contextlib.contextmanager
def flushing(folder, *flags):
    """A server of which a request waits while somebody else holds the database's lock; both, and its link."""
    file = folder / "a.db"
    with serving(f"sqlite:///{file}", *flags) as server:
        assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(started(0)))[0] == 202
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            waiting = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            waiting.request("POST", EVENTS + "?flush=true", json.dumps(started(1)))
            yield server, lock, waiting
            waiting.close()


def test_too_many_waiting_requests_are_refused(tmp_path):
    with flushing(tmp_path, "--threads", "1") as (server, lock, _):
        request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        links = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(300)]
        for link in links:
            link.sendall(request)
        refused = links[-1].recv(65536)  # while the first ones wait
        assert refused.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1\r\n" in refused
        lock.execute("ROLLBACK")
        answers = [link.recv(65536) for link in links[:-1]]
        assert sum(answer.startswith(b"HTTP/1.1 200 ") for answer in answers) >= 255
        for link in links:
            link.close()


def test_a_second_signal_ends_it_at_once(tmp_path):
    with flushing(tmp_path) as (server, _, _):
        idle = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        until_published(server, 2)
        server.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b""  # it has heard of the first
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == -signal.SIGTERM


def until_published(server, count):
    while json.loads(ask(server, "GET", "/v1/analytics/stats")[2])["published"] < count:
        pass


def test_a_request_under_way_is_answered_before_it_stops(tmp_path):
    with flushing(tmp_path) as (server, lock, waiting):
        idle = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        until_published(server, 2)  # it has come whole
        server.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b""  # closed at once
        lock.execute("ROLLBACK")
        response = waiting.getresponse()
        assert (response.status, response.headers["Connection"]) == (202, "close")
        assert server.wait(timeout=60) == 0


def test_keys_are_asked_for_and_never_told(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("read reader-0123456789\nwrite writer-0123456789\n")
    with serving("memory:", "--api-keys", str(keys), "--access-log") as server:
        assert ask(server, "GET", FUNNEL + "?hub=secret")[0] == 401
        assert ask(server, "GET", FUNNEL, None, {"Authorization": "Bearer reader-0123456789"})[0] == 200
        assert ask(server, "POST", EVENTS, "[]", {"X-API-Key": "reader-0123456789"})[0] == 403
        assert ask(server, "POST", EVENTS, json.dumps(started(1)), {"X-API-Key": "writer-0123456789"})[0] == 202
        assert ask(server, "GET", "/livez")[0] == 200
        # No body is read of who may not send one.
        assert raw(
            server, b"POST /v1/analytics/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
        ).startswith(b"HTTP/1.1 401 ")
        code, (_, log) = stop(server)
    assert code == 0
    assert re.match(r"127\.0\.0\.1 GET /v1/analytics/kpis/conversion-funnel 401 \d+\.\d+ ms\n", log)
    assert log.count("\n") == 6 and "secret" not in log and "0123456789" not in log


@pytest.mark.parametrize(
    "flags, variables, words",
    [
        (["--listen", "nowhere"], {}, "like 127.0.0.1:8000"),
        (["--listen", "127.0.0.1:99999"], {}, "like 127.0.0.1:8000"),
        (["--listen", "0.0.0.0:0"], {}, "--api-keys"),
        (["--listen", "[::]:0"], {}, "--api-keys"),
        (["--listen", "0.0.0.0:0"], {"NERAVA_API_KEYS": "read short"}, "at least 16"),
        (["--api-keys", "/nowhere"], {}, "cannot read '/nowhere'"),
        (["--api-keys", "/dev/null"], {}, "no key"),
        (["--api-keys", "/"], {}, "cannot read '/'"),
        (["--api-keys", "/dev/zero"], {}, "more than 1048576 bytes"),
        (["--cors-origin", "*"], {}, "like https://"),
        (["--rate", "-1"], {}, "--rate"),
        (["--rate", "nan"], {}, "'nan' must be a number"),
        (["--rate", "0.0001"], {}, "from 0.001"),
        (["--request-timeout", "nan"], {}, "'nan' must be a number"),
        (["--response-timeout", "0"], {}, "from 0.1"),
        (["--threads", "0"], {}, "--threads"),
        ([], {"ANALYTICS_BATCH_SIZE": "x"}, "ANALYTICS_BATCH_SIZE"),
        (["--nonsense"], {}, "--nonsense"),
    ],
)
def test_wrong_usage_is_told(flags, variables, words):
    code, output = run(*flags, **variables)
    assert code == 2 and words in output


def test_what_cannot_be_opened_is_told(shared_server, tmp_path):
    taken = f"127.0.0.1:{shared_server.port}"
    assert run("--store", "memory:", "--listen", taken) == (
        1,
        f"nerava-analytics-server: cannot listen at {taken}: Address already in use; --listen takes "
        "another address or port, 0 for any free one\n",
    )
    (tmp_path / "a.db").write_text("no database" * 1000)
    code, output = run("--store", f"sqlite:///{tmp_path}/a.db", "--listen", "127.0.0.1:0")
    assert code == 1 and "a.db" in output


def test_others_may_reach_it_with_keys():
    code, output = run("--help")
    assert code == 0 and "read,write KEY" in output
    with subprocess.Popen(
        [SERVER, "--store", "memory:", "--listen", "0.0.0.0:0"], stdout=subprocess.PIPE, encoding="utf-8",
        env=environment(NERAVA_API_KEYS="read reader-0123456789; write writer-0123456789"),
    ) as process:  # fmt: skip
        assert process.stdout.readline().startswith("listening at http://0.0.0.0:")
        process.terminate()
        try:
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


def test_a_log_that_cannot_be_written_harms_nobody(tmp_path):
    with open("/dev/full", "w") as full:
        with serving("memory:", "--access-log", stderr=full) as server:
            assert [ask(server, "GET", "/livez")[0] for _ in range(3)] == [200] * 3
    with serving("memory:", "--access-log") as server:
        server.stderr.close()  # as when a pager ends
        assert [ask(server, "GET", "/livez")[0] for _ in range(3)] == [200] * 3
        server.terminate()
        assert server.wait(timeout=60) == 0


def test_what_an_answer_does_not_tell_is_in_the_log(tmp_path):
    with serving(f"sqlite:///{tmp_path}/a.db") as server:
        assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(started(0)))[0] == 202
        with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as database:
            names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'events*'")
            for (name,) in names.fetchall():
                database.execute(f"ALTER TABLE {name} RENAME TO gone_{name}")
        status, _, body = ask(server, "GET", EVENTS)
        assert status >= 500 and b"events" not in body
        assert ask(server, "POST", EVENTS, json.dumps(started(1)))[0] == 202
        code, (_, log) = stop(server)
    assert code == 1
    lines = log.splitlines()
    assert lines[0].startswith("error: ") and "no such table" in lines[0]
    (told,) = (line for line in lines if line.startswith("nerava-analytics-server: "))
    assert told.startswith("nerava-analytics-server: 1 events could not be stored: ") and "no such table" in told


def test_a_journal_that_cannot_be_written_is_in_the_log(tmp_path):
    with serving(f"sqlite:///{tmp_path}/a.db") as server:
        shutil.rmtree(tmp_path / "a.db.journal")
        statuses = [ask(server, "POST", EVENTS, json.dumps(started(i)))[0] for i in range(3)]
        assert statuses == [503] * 3
        line = server.stderr.readline()
        assert line.startswith("error: ") and "a.db.journal" in line
        assert stop(server)[1][1] == ""  # told once


def test_a_copy_of_the_store_gives_its_events_at_once(tmp_path):
    with serving(f"sqlite:///{tmp_path}/a.db") as server:
        assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(started(0)))[0] == 202
        with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as database:
            database.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with serving(f"sqlite:///{tmp_path}/copy.db") as server:
        status, _, body = ask(server, "GET", EVENTS)
        assert (status, len(json.loads(body)["events"])) == (200, 1)


def descriptors(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_takes_the_descriptors_that_its_connections_need():
    with serving("memory:", "--max-connections", "300", preexec_fn=descriptors(100, 1000)) as server:
        assert ask(server, "GET", "/livez")[0] == 200
        assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (400, 1000)
        assert stop(server)[1][1] == ""
    with serving("memory:", preexec_fn=descriptors(100, 200)) as server:
        assert ask(server, "GET", "/livez")[0] == 200
        warning = stop(server)[1][1]
    assert "1100 file descriptors" in warning and "may have 200" in warning
