"""The HTTP server example as a process: hostile, broken, slow and greedy clients."""

import contextlib
import http.client
import json
import os
import re
import socket
import time
from pathlib import Path

import pytest
from server_support import (  # noqa: F401 (a fixture)
    EVENTS,
    ask,
    raw,
    resident_kib,
    serving,
    sessions,
    shared_server,
    started,
)


POST = f"POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\n".encode()
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
NO_BODY_END = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes, status, detail",
    [
        (b"GARBAGE\r\n\r\n", 400, "no HTTP"),
        (GET + b"X : a\r\n\r\n", 400, "no HTTP"),
        (b"GET /li\x01vez HTTP/1.1\r\n\r\n", 400, "no HTTP"),
        (POST + b"Content-Length: x\r\n\r\n", 400, "no HTTP"),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "no HTTP"),
        (GET + b"X: " + b"x" * 40_000 + b"\r\n\r\n", 431, "32768 bytes"),
        (b"GET /" + b"x" * 40_000, 431, "32768 bytes"),
        (POST + b"Content-Length: 9000000\r\n\r\n", 413, "8388608"),
        (POST + NO_BODY_END + b"900000\r\n" + b"x" * 9_437_184, 413, "8388608"),
        (POST + NO_BODY_END + b"1;" + b"x" * 200_000, 400, "no HTTP"),
        (POST + NO_BODY_END + b"0\r\nX: " + b"x" * 200_000, 400, "no HTTP"),
        (
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            414, "16384",
        ),
        # What a proxy in front may see another end of.
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n", 501, "chunked"),
        (POST + b"Transfer-Encoding: identity\r\n\r\n", 501, "chunked"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "chunked"),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "no HTTP"),
        (
            b"POST /livez HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400, "HTTP/1.0",
        ),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400, "one Host"),
        (GET + b"Host: localhost\r\n\r\n", 400, "one Host"),
        (POST + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n", 417, "100-continue"),
    ],
)  # fmt: skip
def test_hostile_requests_get_a_clean_error(shared_server, request_bytes, status, detail):
    answer = raw(shared_server, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] %d " % status, head), answer[:500]
    assert (b"Connection: close" in head or head.startswith(b"HTTP/1.0")) and b"keep-alive" not in head
    assert detail in json.loads(body)["detail"]
    assert ask(shared_server, "GET", "/livez")[0] == 200


def test_a_large_body_is_asked_for_before_it_is_sent(shared_server):
    body = json.dumps(started(1)).encode()
    with socket.create_connection(("127.0.0.1", shared_server.port), timeout=30) as link:
        link.sendall(
            POST + b"Expect: 100-Continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        assert link.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(body)
        assert link.recv(1000).startswith(b"HTTP/1.1 202 ")


def test_what_is_no_request_is_not_taken_for_the_one_before(shared_server):
    answer = raw(shared_server, b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGARBAGE\r\n\r\n")
    assert b"HTTP/1.1 200 OK\r\n" in answer and b"HTTP/1.1 400 Bad Request\r\n" in answer
    assert b"no HTTP/1.1 request" in answer


def until_closed(link):
    answer = b""
    while chunk := link.recv(65536):
        answer += chunk
    link.close()
    return answer


def test_slow_clients_are_cut_and_hold_up_nobody():
    with serving("memory:", "--request-timeout", "1", "--threads", "1") as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(200)]
        for i, link in enumerate(slow):
            link.sendall(
                GET + b"X-Slow:" if i % 2 else POST + b"Content-Length: 100\r\n\r\n{"
            )
        silent = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(2)]
        silent[0].sendall(GET + b"\r\n")
        assert ask(server, "GET", "/livez")[0] == 200  # while they wait
        for link in slow:
            answer = until_closed(link)
            assert answer.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in answer, answer
            assert b"within 1 s" in answer
        assert until_closed(silent[0]).count(b"HTTP/1.1") == 1  # the answer, and then nothing
        assert until_closed(silent[1]) == b""


def sockets(server):
    count = 0
    for file in Path(f"/proc/{server.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(file).startswith("socket:")
    return count


def test_who_does_not_take_what_it_asked_to_go_on_by_is_cut():
    with serving("memory:", "--rate", "0", "--request-timeout", "0.5", "--response-timeout", "0.5") as server:
        before = sockets(server)
        asking = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n[]"
        links = []
        for i in range(60):  # so that with some it is "100 Continue" for which there is no room
            link = socket.socket()
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            link.connect(("127.0.0.1", server.port))
            link.setblocking(False)
            links.append((link, (GET + b"\r\n") * i + asking * 20_000))
        until = time.monotonic() + 60
        while sockets(server) > before:
            assert time.monotonic() < until
            for i, (link, left) in enumerate(links):
                with contextlib.suppress(OSError):  # full, or closed
                    links[i] = link, left[link.send(left[:20_000]) :]
        for link, _ in links:
            link.close()


def is_read(link):
    """Whether the server has read all that was sent: nothing of it is in the queues of the kernel."""
    port = f":{link.getsockname()[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        sending, receiving = (int(queue, 16) for queue in queues.split(":"))
        if (local.endswith(port) and sending) or (remote.endswith(port) and receiving):
            return False
    return True


@pytest.mark.parametrize("length", [b"Content-Length: 880000", b"Transfer-Encoding: chunked"])
def test_bodies_together_are_limited(length):
    with serving("memory:", "--max-total-body-bytes", "1000000", "--max-body-bytes", "900000") as server:
        large = json.dumps([started(i) for i in range(2500)])
        assert 150_000 < len(large) < 900_000
        hoarder = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        hoarder.sendall(POST + length + b"\r\n\r\n" + b"d6d80\r\n" * (b"chunked" in length) + b"x" * 850_000)
        while not is_read(hoarder):
            pass
        status, headers, _ = ask(server, "POST", EVENTS, large)
        assert (status, headers["Retry-After"]) == (503, "1")
        assert ask(server, "POST", EVENTS, json.dumps(started(0)))[0] == 202  # it has room
        hoarder.close()
        while ask(server, "POST", EVENTS + "?flush=true", large)[0] != 202:
            pass
        assert sessions(server) == 2500
        # One alone has it, and its connection another one.
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for _ in range(3):
            assert ask(server, "POST", EVENTS, large, connection=link)[0] == 202
        link.close()


def test_only_bodies_that_are_needed_are_counted():
    with serving("memory:", "--max-total-body-bytes", "300000") as server:
        body = json.dumps([started(i) for i in range(2500)])
        holders = []
        for _ in range(4):
            # Of requests that have no use for one; and one whose request is answered.
            for request in (GET + NO_BODY_END, GET + b"Content-Length: 200000\r\n\r\n"):
                holders.append(socket.create_connection(("127.0.0.1", server.port), timeout=30))
                holders[-1].sendall(request)
                assert holders[-1].recv(100).startswith(b"HTTP/1.1 200 ")
            holders.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30))
            assert ask(server, "POST", EVENTS, body, connection=holders[-1])[0] == 202
        for holder in holders:
            holder.close()


def test_a_body_that_nobody_reads_is_not_the_next_request(shared_server):
    body = b"GET /v1/analytics/kpis HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = raw(shared_server, GET + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.count(b"HTTP/1.1 ") == 1 and b"Connection: close" in answer


@pytest.mark.parametrize("start", [POST, GET])
def test_what_never_ends_takes_no_memory(start):
    with serving("memory:", ASAN_OPTIONS="quarantine_size_mb=16") as server:
        before = resident_kib(server)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
            link.sendall(start + NO_BODY_END + b"1;")
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                while True:  # some GB
                    link.sendall(b"a" * 1_000_000)
        assert resident_kib(server) - before < 30_000


def test_a_trailer_says_nothing(shared_server):
    one = POST + NO_BODY_END + b"2\r\n[]\r\n0\r\nConnection: close\r\nX-API-Key: a\r\n\r\n"
    answer = raw(shared_server, one + GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 20") == 2


def test_a_whole_url_may_be_asked_for(shared_server):
    def status(target, host):
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        return int(raw(shared_server, head.encode())[9:12])

    assert status(f"http://localhost:{shared_server.port}/v1/analytics/kpis?days=1", "elsewhere") == 200
    assert status("HTTP://127.0.0.1", "elsewhere") == 200  # the dashboard
    assert status("http://evil.example/v1/analytics/kpis", "localhost") == 403


@pytest.mark.parametrize("limit", ["--max-connections-of-address", "--max-connections"])
def test_connections_are_limited(limit):
    with serving("memory:", limit, "3") as server:
        links = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(3)]
        assert [ask(server, "GET", "/livez", connection=link)[0] for link in links] == [200] * 3
        status, headers, body = ask(server, "GET", "/livez")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert json.loads(body) == {"detail": "too many connections"}
        assert ask(server, "GET", "/livez", connection=links[0])[0] == 200  # these stay
