"""nerava_analytics.fastapi: the same bytes as Pipeline.handle_http, from a real application."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import threading

import pytest
from conftest import HERE, PATIENCE, url_of

import nerava_analytics as na

fastapi = pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")
from fastapi.testclient import TestClient  # noqa: E402

from nerava_analytics.fastapi import router  # noqa: E402

EVENTS = "/v1/analytics/events"
KPIS = "/v1/analytics/kpis?from=2025-01-01&to=2025-02-01"
EVENT = b'{"event_type": "charge_stopped", "session_id": "s1", "event_id": "e1"}'
GETS = [path for path, methods in na.openapi()["paths"].items() if "get" in methods]
PERIOD = "from=2025-01-01&to=2025-02-01"
VARYING = {"/v1/analytics/stats", "/v1/analytics/health", "/v1/analytics/kpis"}


def app_of(*routers, **options):
    app = fastapi.FastAPI()
    for one in routers:
        app.include_router(one, **options)
    return app


@pytest.fixture
def client(pipeline):
    with TestClient(app_of(router(pipeline))) as made:
        yield made


def lines_without_values(metrics):
    return [line if line[0] == "#" else line.rpartition(" ")[0] for line in metrics.splitlines()]


def same(client, pipeline, method, target, headers=(), body=b""):
    """What both answer, which must be the same."""
    direct = pipeline.handle_http(method, target, headers, body)
    served = client.request(method, target, headers=list(headers), content=body)
    assert served.status_code == direct.status
    ours = sorted((name.lower(), value) for name, value in direct.headers)
    theirs = sorted((n, v) for n, v in served.headers.items() if n != "content-length")
    assert theirs == ours
    if target.partition("?")[0] == "/metrics":  # they and the next have times and counters of their own
        assert lines_without_values(served.text) == lines_without_values(direct.body.decode())
    elif target.partition("?")[0] in VARYING:
        assert set(served.json()) == set(json.loads(direct.body))
    else:
        assert served.content == direct.body
    if method != "HEAD" and direct.status != 304 and not direct.next_target:
        assert int(served.headers["content-length"]) == len(served.content)
    return served


def parameters_of(path):
    return {p["name"] for p in na.openapi()["paths"][path]["get"]["parameters"]}


@pytest.mark.parametrize("path", GETS)
def test_every_question_is_answered_the_same(client, pipeline, path):
    pipeline.charge_started("s1", user_id="u1", hub_id="ä", started_at="2025-01-03T10:00:00Z")
    pipeline.flush()
    known = parameters_of(path)
    period = PERIOD if "from" in known else "at=2025-02-01" if "at" in known else ""
    assert same(client, pipeline, "GET", f"{path}?{period}").status_code == 200
    assert same(client, pipeline, "GET", f"{path}?days=0&nonsense=%C3%A4").status_code == 422
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        if path != EVENTS:
            assert same(client, pipeline, method, path).status_code == 405
    head = client.head(f"{path}?{period}")
    assert (head.status_code, head.content) == (200, b"")
    assert "content-length" not in head.headers


def test_an_answer_that_is_known_is_a_304(client, pipeline):
    target = f"/v1/analytics/funnel?{PERIOD}"
    tag = same(client, pipeline, "GET", target).headers["ETag"]
    assert same(client, pipeline, "GET", target, [("If-None-Match", tag)]).status_code == 304


@pytest.mark.parametrize("body", [EVENT, b"[" + EVENT + b",{}]", b"{}", b"", b"[", b"\xff\0"])
def test_events_are_taken_the_same(body):
    with na.open("memory:") as one, na.open("memory:") as other:
        with TestClient(app_of(router(one))) as client:
            same(client, other, "POST", EVENTS + "?flush=true", body=body)
        assert one.stats()["total_events"] == other.stats()["total_events"]


def test_ndjson_is_known_by_its_header(client, pipeline):
    headers = [("Content-Type", "application/x-ndjson")]
    assert same(client, pipeline, "POST", EVENTS, headers, b"{}\n" + EVENT).status_code == 207


def exported(pipeline, target):
    body = b""
    while target:
        part = pipeline.handle_http("GET", target)
        body, target = body + part.body, part.next_target
    return body


def test_an_export_is_whole(client, pipeline):
    for i in range(10_500):
        pipeline.charge_started(f"s{i}", hub_id="a" if i == 10_300 else "b")
    pipeline.flush()
    for query in ("?format=ndjson", "?format=ndjson&hub=a"):
        served = client.get(EVENTS + query)
        assert "content-length" not in served.headers
        assert served.content == exported(pipeline, EVENTS + query)
    assert len(served.content.splitlines()) == 1


def test_an_export_that_fails_in_the_middle_is_cut_short():
    class Failing:
        def handle_http(self, method, target, *rest, **options):
            if target == EVENTS:
                return na.HttpResponse(200, [("Content-Type", "text/plain")], b"{}\n", EVENTS + "?after=1")
            return na.HttpResponse(503, [], b"gone")

    with TestClient(app_of(router(Failing))) as client, pytest.raises(RuntimeError, match="gone"):
        client.get(EVENTS)


def test_changes_are_told_one_at_a_time(client, pipeline):
    first = same(client, pipeline, "GET", "/v1/analytics/changes")
    last = {"Last-Event-ID": re.search(r"id: (\d+)", first.text)[1]}
    assert client.get("/v1/analytics/changes", headers=last).text == ""
    pipeline.charge_started("s1")
    pipeline.flush()
    assert client.get("/v1/analytics/changes", headers=last).text.startswith("retry: 2000\nid: ")


def test_the_router_has_a_prefix_and_the_hosts_dependencies(pipeline):
    def key(x_key: str = fastapi.Header("")):
        if x_key != "right":
            raise fastapi.HTTPException(401)

    app = app_of(router(pipeline), prefix="/inner", dependencies=[fastapi.Depends(key)])
    outer = fastapi.FastAPI()
    outer.mount("/outer", app)
    with TestClient(outer) as client:
        target = f"/v1/analytics/funnel?{PERIOD}"
        assert client.get("/outer/inner" + target).status_code == 401
        assert client.put("/outer/inner" + target).status_code == 401
        served = client.get("/outer/inner" + target, headers={"X-Key": "right"})
        assert served.content == pipeline.handle_http("GET", target).body


def resolved(node, schemas):
    if isinstance(node, list):
        return [resolved(item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return resolved(schemas[node["$ref"].rpartition("/")[2]], schemas)
    return {name: resolved(value, schemas) for name, value in node.items()}


def test_the_apps_description_is_the_librarys(client):
    served = client.get("/openapi.json").json()
    ours = na.openapi()
    assert served["paths"] == resolved(ours["paths"], ours["components"]["schemas"])


class Slow:
    """A pipeline whose questions wait until one of them is let go."""

    def __init__(self, pipeline):
        self.pipeline, self.asked, self.go = pipeline, threading.Event(), threading.Event()

    def handle_http(self, method, target, *arguments, **named):
        if "kpis" in target:
            self.asked.set()
            assert self.go.wait(PATIENCE)
        return self.pipeline.handle_http(method, target, *arguments, **named)


def test_a_slow_question_does_not_block_the_loop(pipeline):
    slow = Slow(pipeline)
    app = app_of(router(lambda: slow))

    async def ask_both():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            question = asyncio.ensure_future(client.get(KPIS))
            assert await asyncio.to_thread(slow.asked.wait, PATIENCE)
            assert (await client.get("/livez")).status_code == 200
            assert not question.done()
            slow.go.set()
            assert (await question).status_code == 200

    asyncio.run(asyncio.wait_for(ask_both(), PATIENCE))


def respond(app, receive, **scope):
    """The application's status and body, without a client that mends what it sends."""

    async def run():
        sent = []

        async def send(message):
            sent.append(message)

        await app({"type": "http", "headers": [], "query_string": b"", **scope}, receive, send)
        return sent

    start, body = asyncio.run(asyncio.wait_for(run(), PATIENCE))[:2]
    return start["status"], body["body"]


@pytest.mark.parametrize("query", [b"region=%zz", b"region=\xff", b"hub=\xc3\xa4&days=x"])
def test_the_query_is_passed_on_as_it_came(pipeline, query):
    async def receive():
        return {"type": "http.request"}

    scope = {"method": "GET", "path": "/v1/analytics/load", "query_string": query}
    direct = pipeline.handle_http(
        "GET", "/v1/analytics/load?" + query.decode("utf-8", "surrogateescape")
    )
    assert respond(app_of(router(pipeline)), receive, **scope) == (422, direct.body)


@pytest.mark.parametrize("chunked", [False, True])
def test_no_more_of_a_body_is_read_than_is_allowed(pipeline, chunked):
    app = app_of(router(pipeline, max_body_bytes=100))
    received = []

    async def receive():
        received.append(60)
        assert len(received) < 10, "it reads on"
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}  # for ever

    headers = [] if chunked else [(b"content-length", b"1000000")]
    status, body = respond(app, receive, method="POST", path=EVENTS, headers=headers)
    direct = pipeline.handle_http("POST", EVENTS, body=b"x" * 101, max_body_bytes=100)
    assert (status, body) == (413, direct.body)
    assert sum(received) == 120


def test_a_body_of_just_the_limit_is_read(pipeline):
    with TestClient(app_of(router(pipeline, max_body_bytes=len(EVENT)))) as client:
        assert client.post(EVENTS, content=EVENT).status_code == 202
        assert client.post(EVENTS, content=EVENT + b" ").status_code == 413
        assert client.post(EVENTS, content=iter([EVENT, b" "])).status_code == 413
    with pytest.raises(ValueError, match="max_body_bytes is 0; it must be at least 1"):
        router(pipeline, max_body_bytes=0)


def test_without_fastapi_it_says_what_to_install(run_python):
    done = run_python(
        "import sys; sys.modules['fastapi'] = None\n"
        "import nerava_analytics\n"
        "try: import nerava_analytics.fastapi\n"
        "except ImportError as error: print(error)"
    )
    assert done.stdout == (
        "nerava_analytics.fastapi needs FastAPI: pip install 'nerava-analytics[fastapi]'\n"
    ), done.stderr


@contextlib.contextmanager
def serving(application, folder, database, *options):
    """uvicorn, in a process of its own; gives its address. Not on a socket that the test made: uvicorn
    would take it for a Unix one, and leave Nagle's algorithm on, so that every answer took 40 ms."""
    folders = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(folders),
        "ANALYTICS_DATABASE_URL": url_of(database),
    }
    command = [sys.executable, "-m", "uvicorn", "--port=0", "--no-access-log", *options]
    server = subprocess.Popen(
        [*command, application], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    said = []
    address = None
    for line in server.stderr:
        said.append(line)
        if match := re.search(r"running on (http://\S+)", line):
            address = match[1]
            break
    reader = threading.Thread(target=lambda: said.extend(server.stderr), daemon=True)
    reader.start()
    try:
        assert address, "".join(said)
        yield address
        assert server.poll() is None, "".join(said)
    finally:
        server.terminate()
        server.wait(PATIENCE)
        reader.join(PATIENCE)
        server.stderr.close()


def test_schemathesis_finds_nothing(tmp_path, database):
    program = os.environ.get("NERAVA_SCHEMATHESIS")
    if not program:
        pytest.skip("NERAVA_SCHEMATHESIS names no program")
    long = bool(os.environ.get("NERAVA_LONG"))
    checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "allow_header_conformance",
    ]
    with serving("fastapi_app:app", tmp_path, database) as address:
        done = subprocess.run(
            [
                program, "run", f"{address}/openapi.json", "--checks", ",".join(checks),
                "--phases", "examples,coverage,fuzzing", "--seed", "1", "--workers", "1",
                "--max-examples", "1000" if long else "20", "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=1200 if long else 120,
        )  # fmt: skip
    print(done.stdout, done.stderr)
    assert done.returncode == 0
