"""examples/backend, served by uvicorn: charges, and the KPIs of them."""

import pytest
from conftest import ROOT
from test_fastapi import serving

httpx = pytest.importorskip("httpx")

EVENT = b'{"event_type": "charge_started", "session_id": "another"}'


def test_charges_are_in_the_kpis(tmp_path, database):
    folder = str(ROOT / "examples" / "backend")
    with serving("app:app", tmp_path, database, f"--app-dir={folder}") as address:
        with httpx.Client(base_url=address) as client:
            ids = []
            for user in ("u1", "u2", "u1"):
                started = client.post("/charges/start", json={"user_id": user, "hub_id": "h1"})
                assert started.status_code == 201
                ids.append(started.json()["id"])
            # What is refused changes nothing: it can be mended, and sent again.
            refused = client.post(f"/charges/{ids[0]}/stop", json={"kwh_consumed": -3})
            assert (refused.status_code, "negative" in refused.json()["detail"]) == (422, True)
            assert client.post("/charges/start", json={"user_id": "u" * 200}).status_code == 422
            for session in ids[:2]:
                stopped = client.post(
                    f"/charges/{session}/stop", json={"kwh_consumed": 10, "total_reward_usd": 1.5}
                )
                assert stopped.status_code == 200
            assert (
                client.post(f"/charges/{ids[0]}/stop", json={"kwh_consumed": 1}).status_code == 404
            )
            # One more event, which waits until all are stored.
            flushed = client.post("/v1/analytics/events?flush=true", content=EVENT)
            assert flushed.status_code == 202
            kpis = client.get("/v1/analytics/kpis?days=1").json()
            assert kpis["conversion_funnel"]["sessions_started"] == 4
            assert kpis["conversion_funnel"]["sessions_completed"] == 2
            assert kpis["revenue_metrics"]["total_rewards_usd"] == 3.0
            assert kpis["revenue_metrics"]["energy_kwh"] == 20.0
            paths = client.get("/openapi.json").json()["paths"]
            assert {"/charges/start", "/v1/analytics/kpis"} <= set(paths)
