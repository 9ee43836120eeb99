"""The OpenAPI description is true: what is answered has the members that it names, and no others."""

import itertools
import json
import queue
import random
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from conftest import PATIENCE, publish_session

import nerava_analytics as na

DOCUMENT = na.openapi()
RANGES = ["days=1", "days=90&tz=Europe/Berlin", "from=2025-01-01&to=2025-01-03T12:30"]
ADDITIONS = {
    "compare": ["previous"],
    "breakdown": ["region", "hub", "window"],
    "interval": ["day", "week", "month"],
}
EVENTS = "/v1/analytics/events"


def operations():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


SCHEMAS = DOCUMENT["components"]["schemas"]
# Of what is sent.
EVENT_TYPES = [event["$ref"].rpartition("/")[2] for event in SCHEMAS["DomainEvent"]["anyOf"]]
GETS = [path for path, method, _ in operations() if method == "GET"]


def check(path, method, response):
    """That it is described: status, content type, headers, and body."""
    described = DOCUMENT["paths"][path][method.lower()]["responses"][str(response.status)]
    headers = dict(response.headers)
    for name, header in described.get("headers", {}).items():
        assert not header["required"] or name in headers, (path, name)
    assert ("ETag" in headers) == ("ETag" in described.get("headers", {})), path
    if response.status == 304:
        assert response.body == b""
        return None
    content = described["content"][headers["Content-Type"].partition(";")[0]]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    if headers["Content-Type"] != "application/json":
        return None
    body = json.loads(response.body)
    jsonschema.Draft202012Validator(schema).validate(body)
    return body


def ask(pipeline, path, query="", method="GET", **request):
    response = pipeline.handle_http(method, path + (query and "?" + query), **request)
    check(path, method, response)
    return response


def queries(path):
    """The parameters that the path has, each with some of its values, and all together."""
    parameters = {p["name"] for p in DOCUMENT["paths"][path]["get"].get("parameters", ())}
    ranges = RANGES if "days" in parameters else [""]
    added = [
        [""] + [f"{name}={value}" for value in values]
        for name, values in ADDITIONS.items()
        if name in parameters
    ]
    leaders = ["", "leaders=5"] if "leaders" in parameters else [""]
    for parts in itertools.product(ranges, leaders, *added):
        yield "&".join(filter(None, parts))


@pytest.fixture(scope="module")
def full():
    """Sessions of every kind, at random over three months, and some of them with nothing optional."""
    rng = random.Random(7)
    with na.open("memory:", region="here") as pipeline:
        for number in range(300):
            start = datetime.now(timezone.utc) - timedelta(minutes=rng.randrange(90 * 24 * 60))
            user = f"u{rng.randrange(40)}"
            known = {
                name: rng.choice(values)
                for name, values in {
                    "hub_id": ["h1", "h2", None],
                    "window_id": ["w1", None, None],
                    "region": ["north", "süd", None],
                }.items()
            }
            event = {"session_id": f"s{number}", "user_id": user, **known}
            events = [{"event_type": "charge_started", "timestamp": start.isoformat(), **event}]
            if rng.random() < 0.8:
                stop = start + timedelta(minutes=rng.randrange(200))
                events.append(
                    {
                        "event_type": "charge_stopped",
                        "timestamp": stop.isoformat(),
                        "kwh_consumed": rng.choice([None, 0, 12.5, 40]),
                        "total_reward_usd": rng.choice([None, 0, 3.25]),
                        **event,
                    }
                )
            response = ask(
                pipeline,
                EVENTS,
                method="POST",
                body=json.dumps(events[rng.randrange(2) :]).encode(),
            )
            assert response.status in (202, 422)
        for number in range(5):
            publish_session(pipeline, f"t{number}", "u1", reward="1.5", window="w1", credit=150)
        pipeline.flush()
        yield pipeline


def test_the_description_is_one():
    assert DOCUMENT["openapi"] == "3.1.0"
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))


def test_no_object_of_an_answer_is_left_open():
    def walk(node, where):
        if isinstance(node, dict):
            if "properties" in node:
                assert node["additionalProperties"] is False, where
            for name, value in node.items():
                walk(value, [*where, name])
        elif isinstance(node, list):
            for item in node:
                walk(item, where)

    walk({name: schema for name, schema in SCHEMAS.items() if name not in EVENT_TYPES}, [])


def test_every_schema_is_used():
    text = json.dumps(DOCUMENT)
    for name in SCHEMAS:
        assert f'"#/components/schemas/{name}"' in text, name


@pytest.mark.parametrize("path", GETS)
def test_answers_are_as_described(full, path):
    for query in queries(path):
        response = ask(full, path, query)
        assert response.status == 200, (query, response.body)
    if "304" in DOCUMENT["paths"][path]["get"]["responses"]:
        assert ask(full, path, headers=[("If-None-Match", "*")]).status == 304


@pytest.mark.parametrize("path", GETS)
def test_answers_about_nothing_are_as_described(pipeline, path):
    for query in queries(path):
        assert ask(pipeline, path, query).status == 200, query


@pytest.mark.parametrize("path", GETS)
def test_refusals_are_as_described(pipeline, path):
    for query in ("nonsense=1&days=0", "%zz"):
        assert ask(pipeline, path, query).status == 422
    assert ask(pipeline, path, "region=" + "x" * 20_000).status == 414
    assert ask(pipeline, path, body=b"12", max_body_bytes=1).status == 413


def test_a_coding_that_is_refused_is_as_described(pipeline):
    path, zipped = "/v1/analytics/events", [("Content-Encoding", "gzip")]
    assert pipeline.handle_http("POST", path, zipped, b"x").status == 415
    assert "415" in DOCUMENT["paths"][path]["post"]["responses"]


def test_what_cannot_be_answered_is_as_described():
    pipeline = na.open("memory:")
    pipeline.close()
    statuses = {path: ask(pipeline, path).status for path in GETS}
    assert {path for path, status in statuses.items() if status == 503} == {
        "/v1/analytics/health",
        "/readyz",
    }


def event_of(name):
    """One with all that the schema names."""

    def value(field, schema):
        schema = schema.get("anyOf", [schema])[0]
        if "enum" in schema:
            return schema["enum"][0]
        if schema["type"] == "string":
            is_time = field == "timestamp" or field.endswith("_at")
            return "2026-01-02T03:04:05Z" if is_time else "é"
        return {"integer": 7, "number": 1.5, "object": {"a": [1]}}[schema["type"]]

    return {field: value(field, schema) for field, schema in SCHEMAS[name]["properties"].items()}


def variants(name):
    """Events that are right and wrong, each in one place."""
    whole = event_of(name)
    yield whole
    yield {**whole, "of_the_caller": [{"x": 1}]}
    for field, schema in SCHEMAS[name]["properties"].items():
        yield {key: value for key, value in whole.items() if key != field}
        schema = schema.get("anyOf", [schema])[0]
        values = [None, True, [], {}, 7, -1, 0, 1.5, 1e300, "x"]
        for limit in {"maximum", "maxLength"} & schema.keys():
            most = schema[limit]
            values += (
                [most, most + 1, str(most)]
                if limit == "maximum"
                else ["x" * most, "x" * (most + 1)]
            )
        if field == "timestamp" or field.endswith("_at"):
            values.remove("x")  # schemas do not say which text is a time
        else:
            values.append("")
        for value in values:
            yield {**whole, field: value}


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_event_is_accepted_just_if_it_is_as_described(pipeline, name):
    validator = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/DomainEvent", "components": DOCUMENT["components"]}
    )
    told = []
    for event in variants(name):
        response = ask(pipeline, EVENTS, method="POST", body=json.dumps(event).encode())
        told.append(response.status == 202)
        assert validator.is_valid(event) == told[-1], (event, response.body)
    assert len(set(told)) == 2 and told[:2] == [True, True]


def test_a_firing_watch_is_as_described():
    told = queue.Queue()
    with na.open("memory:", on_alert=told.put) as pipeline:
        pipeline.watch("stops", "orphan_stops", above=0, period=3600, each="hub")
        pipeline.watch("few", "dau", below=1, change=True, region="r", hub="h", window="w")
        pipeline.charge_stopped("s1", hub_id="hub_1")
        pipeline.flush()
        assert told.get(timeout=PATIENCE)["state"] == "firing"
        for path in ("/v1/analytics/watches", "/v1/analytics/health"):
            assert json.loads(ask(pipeline, path).body)["alerts"]
        listed = json.loads(ask(pipeline, "/v1/analytics/watches").body)["watches"]
        assert listed == pipeline.watches() and len(listed) == 2


def test_what_becomes_of_events_is_as_described(pipeline):
    good = b'{"event_type": "charge_started", "session_id": "s1"}'
    for body, status in [
        (good, 202),
        (b"[]", 202),
        (b"[" + good + b",{}]", 207),
        (b"{}", 422),
        (b"", 422),
        (b"[", 422),
    ]:
        assert ask(pipeline, EVENTS, "flush=true", "POST", body=body).status == status
    pipeline.close()
    assert ask(pipeline, EVENTS, "", "POST", body=good).status == 503
