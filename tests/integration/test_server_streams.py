"""Answers of the HTTP server example in parts: exports of events, and the stream of changes."""

import http.client
import json
import shutil
import socket
import sqlite3
import zlib

import pytest
from server_support import EVENTS, ask, raw, resident_kib, serving, sessions, started, stop

LARGE = "x" * 10_000


def posted(server, first, count):
    body = "\n".join(json.dumps(started(i)) for i in range(first, first + count))
    headers = {"Content-Type": "application/x-ndjson"}
    assert ask(server, "POST", EVENTS + "?flush=true", body, headers)[0] == 202


def post_large(server, count):
    for first in range(0, count, 500):
        events = [{**started(i), "properties": {"text": LARGE}} for i in range(first, first + 500)]
        assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(events))[0] == 202


def export(server, query=""):
    """The connection, and the response of which nothing was read yet."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    link.request("GET", f"{EVENTS}?format=ndjson{query}")
    return link, link.getresponse()


def ids(lines):
    return [json.loads(line)["event_id"] for line in lines.splitlines()]


def test_an_export_is_all_events_in_their_order_while_others_come(tmp_path):
    with serving(f"sqlite:///{tmp_path}/a.db") as server:
        for first in range(0, 20_000, 5000):
            posted(server, first, 5000)
        link, response = export(server)
        assert response.headers["Transfer-Encoding"] == "chunked"
        begin = response.read(1000)
        posted(server, 20_000, 5000)  # before it was asked for: in the export
        assert ids(begin + response.read()) == [f"e{i}" for i in range(25_000)]
        # The connection is free for more.
        assert ask(server, "GET", "/livez", connection=link)[0] == 200
        none = export(server, "&session=nobody")[1]
        assert (none.status, none.read()) == (200, b"")
        head = ask(server, "HEAD", EVENTS + "?format=ndjson", connection=link)
        assert (head[0], head[1]["Next-Cursor"], head[1]["Content-Length"]) == (200, "1000", None)
        old = raw(server, f"GET {EVENTS}?format=ndjson HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode())
        assert b"chunked" not in old.partition(b"\r\n\r\n")[0]
        assert ids(old.partition(b"\r\n\r\n")[2]) == [f"e{i}" for i in range(25_000)]


def test_who_takes_an_export_slowly_holds_up_nobody_and_no_memory(tmp_path):
    with serving(f"sqlite:///{tmp_path}/a.db", ASAN_OPTIONS="quarantine_size_mb=16") as server:
        post_large(server, 6_000)
        before = resident_kib(server)
        slow = [export(server) for _ in range(4)]  # of 60 MB each
        for link, response in slow:
            response.read(100_000)
        assert sessions(server) == 6_000
        assert resident_kib(server) - before < 4 * 35_000
        link, response = slow.pop()
        assert len(response.read().splitlines()) == 6_000 - 10 + 1
        link.close()
        for link, _ in slow:  # who goes away in the middle costs nothing
            link.close()
        assert ask(server, "GET", "/livez")[0] == 200
        code, output = stop(server)
        assert code == 0, output


@pytest.fixture(scope="module")
def thirty_megabytes(tmp_path_factory):
    file = tmp_path_factory.mktemp("large") / "a.db"
    with serving(f"sqlite:///{file}") as server:
        post_large(server, 3000)
        assert stop(server)[0] == 0
    return file


@pytest.fixture
def large_file(thirty_megabytes, tmp_path):
    """Of 3,000 events, more than what sockets hold."""
    return shutil.copy(thirty_megabytes, tmp_path / "a.db")


def test_an_export_is_compressed_for_who_takes_it(tmp_path):
    with serving(f"sqlite:///{tmp_path}/a.db") as server:
        for first in range(0, 20_000, 5000):
            posted(server, first, 5000)
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        target = EVENTS + "?format=ndjson"
        whole = ask(server, "GET", target, connection=link)
        assert (whole[1]["Content-Encoding"], whole[1]["Vary"]) == (None, "Accept-Encoding")
        gzip = {"Accept-Encoding": "gzip"}
        for _ in range(2):
            zipped = ask(server, "GET", target, None, gzip, link)
            assert zipped[1]["Content-Encoding"] == "gzip" and len(zipped[2]) * 5 < len(whole[2])
            reader = zlib.decompressobj(wbits=31)
            assert reader.decompress(zipped[2]) == whole[2]
            assert reader.eof and reader.unused_data == b""
        assert ask(server, "GET", target, connection=link)[2] == whole[2]
        # Not what comes by and by.
        link.request("GET", "/v1/analytics/changes", headers=gzip)
        response = link.getresponse()
        assert response.headers["Content-Encoding"] is None and next(messages(response)) > 0
        link.close()


def test_an_export_that_cannot_go_on_is_seen_to_be_cut_short(large_file):
    with serving(f"sqlite:///{large_file}") as server:
        link, response = export(server)
        response.read(1000)
        old = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        old.sendall(f"GET {EVENTS}?format=ndjson HTTP/1.0\r\n\r\n".encode())
        old.recv(1000)
        with sqlite3.connect(large_file) as database:  # before the next parts are asked for
            tables = database.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'events_[0-9]*_[0-9]'")
            for (table,) in tables.fetchall():
                database.execute(f"ALTER TABLE {table} RENAME TO gone_{table}")
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            response.read()
        with pytest.raises(ConnectionResetError):
            while old.recv(65536):
                pass
        assert ask(server, "GET", "/livez")[0] == 200


def test_who_does_not_take_an_export_is_cut_short(large_file):
    with serving(f"sqlite:///{large_file}", "--max-streams", "1", "--response-timeout", "1") as server:
        slow, response = export(server)
        link, other = export(server)
        while other.status == 503:  # until the other one's time is over
            link.close()
            link, other = export(server)
        assert other.status == 200
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            response.read()
        slow.close()


def test_an_export_is_cut_short_by_a_stop_and_is_seen_to_be(large_file):
    with serving(f"sqlite:///{large_file}") as server:
        _, response = export(server)
        response.read(1000)
        old = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        old.sendall(f"GET {EVENTS}?format=ndjson HTTP/1.0\r\n\r\n".encode())
        old.recv(1000)
        assert stop(server)[0] == 0
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            response.read()
        with pytest.raises(ConnectionResetError):
            while old.recv(65536):
                pass


def messages(response):
    """The ids of server-sent events, as they come."""
    for line in response:
        if line.startswith(b"data: "):
            yield int(line[6:])


def test_commits_are_told_to_those_who_listen(tmp_path):
    store = f"sqlite:///{tmp_path}/a.db"
    with serving(store) as server, serving(store) as other:
        links = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(20)]
        streams = []
        for link in links:
            link.request("GET", "/v1/analytics/changes")
            response = link.getresponse()
            assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
            streams.append(messages(response))
        seen = [next(stream) for stream in streams]
        for number, host in enumerate((server, other)):
            posted(host, number, 1)
            now = [next(stream) for stream in streams]
            assert min(now) > max(seen)
            seen = now
        assert sessions(server) == 2
        assert stop(server)[0] == 0  # listeners do not keep it from that
        assert list(streams[0]) == []


def test_streams_are_limited_and_who_goes_away_makes_room(tmp_path):
    with serving("memory:", "--max-streams", "2") as server:

        def listen():
            link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            link.request("GET", "/v1/analytics/changes")
            return link, link.getresponse()

        links = [listen() for _ in range(2)]
        assert [next(messages(response)) >= 0 for _, response in links] == [True, True]
        _, refused = listen()
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert sessions(server) == 0  # others are answered
        for link, response in links:
            response.close()
            link.close()
        while listen()[1].status != 200:
            pass  # long before something is sent again


def test_who_does_not_take_an_answer_does_not_keep_it_from_stopping(large_file):
    with serving(f"sqlite:///{large_file}", "--response-timeout", "3600") as server:
        link = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        link.sendall(f"GET {EVENTS}?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert link.recv(100).startswith(b"HTTP/1.1 200 OK")  # of 10 MB
        assert stop(server)[0] == 0
        link.close()
