"""Requests and responses. What the endpoints answer is proved in C++."""

import json

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


def test_a_closed_pipeline_takes_no_events_and_still_answers():
    with na.open("memory:") as pipeline:
        pipeline.close()
        assert pipeline.handle_http("GET", "/livez").status == 200
        assert pipeline.handle_http("GET", "/v1/analytics/kpis").status == 200
        assert pipeline.handle_http("GET", "/readyz").status == 503
        closed = pipeline.handle_http("POST", "/v1/analytics/events", body=EVENT)
        assert closed.status == 503
        assert ("Retry-After", "1") in closed.headers
