"""Requests and responses. What the endpoints answer is proved in C++."""

import contextlib
import json
import sqlite3

from conftest import publish_session

import nerava_analytics as na

EVENT = b'{"event_type": "charge_stopped", "session_id": "s1", "user_id": "u1"}'


def test_what_is_posted_is_answered(pipeline):
    posted = pipeline.handle_http("POST", "/v1/analytics/events?flush=true", body=EVENT)
    assert posted.status == 202, posted.body
    assert json.loads(posted.body)["accepted"] == 1
    answer = pipeline.handle_http("GET", "/v1/analytics/kpis/streak-metrics?days=1")
    assert answer.status == 200
    assert json.loads(answer.body) == {
        **pipeline.kpis.streak_metrics(days=1),
        "from": json.loads(answer.body)["from"],
        "to": json.loads(answer.body)["to"],
    }
    headers = dict(answer.headers)
    assert headers["Content-Type"] == "application/json"
    again = pipeline.handle_http(
        "GET", "/v1/analytics/kpis/streak-metrics?days=1", [("if-none-match", headers["ETag"])]
    )
    assert (again.status, again.body) == (304, b"")


def test_events_come_in_the_order_of_commits(pipeline):
    ids = [f"e{number}" for number in range(2500)]
    for first in range(0, len(ids), 1000):
        body = "".join(
            json.dumps({"event_type": "hub_opened", "hub_id": "hüb", "event_id": id}) + "\n"
            for id in ids[first : first + 1000]
        )
        posted = pipeline.handle_http(
            "POST", "/v1/analytics/events?flush=true", body=body.encode()
        )
        assert (posted.status, posted.next_target) == (202, "")

    seen, more, after = [], True, "0"
    while more:
        page = pipeline.handle_http("GET", f"/v1/analytics/events?limit=700&after={after}")
        assert (page.status, page.next_target) == (200, "")
        answer = json.loads(page.body)
        seen += [event["event_id"] for event in answer["events"]]
        more, after = answer["more"], answer["next"]
    assert seen == ids

    lines, target = b"", "/v1/analytics/events?hub=h%C3%BCb"
    while target:
        part = pipeline.handle_http("GET", target, [("Accept", "application/x-ndjson")])
        assert part.status == 200
        lines, target = lines + part.body, part.next_target
    assert [json.loads(line)["event_id"] for line in lines.splitlines()] == ids
    assert dict(part.headers)["Next-Cursor"] == after


def test_what_comes_out_of_one_store_goes_into_another(pipeline):
    publish_session(pipeline, "s1", "ü1", reward="1.5", window="w1", credit=150)
    pipeline.publish({"event_type": "hub_opened", "hub_id": "h", "properties": {"a": [1, None]}})
    pipeline.flush()
    lines = pipeline.handle_http("GET", "/v1/analytics/events?format=ndjson").body
    assert len(lines.splitlines()) == 4
    with na.open("memory:") as other:
        taken = other.handle_http(
            "POST",
            "/v1/analytics/events?flush=true",
            [("Content-Type", "application/x-ndjson")],
            lines,
        )
        assert taken.status == 202
        assert other.handle_http("GET", "/v1/analytics/events?format=ndjson").body == lines


def test_what_cannot_be_answered_is_a_response(pipeline):
    assert pipeline.handle_http("GET", "/nowhere").status == 404
    assert pipeline.handle_http("PUT", "/v1/analytics/kpis").status == 405
    bad = pipeline.handle_http("GET", "/v1/analytics/kpis?days=\udcff")
    assert bad.status == 422
    problem = json.loads(bad.body)["detail"][0]
    assert problem["loc"] == ["query"]
    large = pipeline.handle_http("POST", "/v1/analytics/events", body=EVENT, max_body_bytes=10)
    assert large.status == 413
    nul = pipeline.handle_http("POST", "/v1/analytics/events", body=b"{\0}")
    assert nul.status == 422


def test_what_an_answer_does_not_tell_goes_to_on_error(tmp_path):
    errors = []
    with na.open(f"sqlite:///{tmp_path}/a.db", on_error=errors.append) as pipeline:
        pipeline.handle_http("POST", "/v1/analytics/events?flush=true", body=EVENT)
        with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as database:
            names = database.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'events_[0-9]*_[0-9]'")
            for (name,) in names.fetchall():
                database.execute(f"ALTER TABLE {name} RENAME TO gone_{name}")
        answer = pipeline.handle_http("GET", "/v1/analytics/events")
        assert answer.status >= 500 and b"table" not in answer.body
    (error,) = errors
    assert "no such table" in str(error)


def test_a_closed_pipeline_takes_no_events_and_still_answers():
    with na.open("memory:") as pipeline:
        pipeline.close()
        assert pipeline.handle_http("GET", "/livez").status == 200
        assert pipeline.handle_http("GET", "/v1/analytics/kpis").status == 200
        assert pipeline.handle_http("GET", "/readyz").status == 503
        closed = pipeline.handle_http("POST", "/v1/analytics/events", body=EVENT)
        assert closed.status == 503
        assert ("Retry-After", "1") in closed.headers
