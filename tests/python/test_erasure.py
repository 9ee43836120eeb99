"""Erasing a person, and users under pseudonyms."""

import hashlib
import hmac

import pytest
from conftest import url_of

import nerava_analytics as na

KEY = "a secret of 16 bytes or more"


def publish(pipeline, user, *sessions):
    for session in sessions:
        pipeline.charge_stopped(session_id=session, user_id=user, kwh_consumed=1)
    pipeline.flush()


@pytest.mark.parametrize(("totals", "left"), [("keep", 3), ("remove", 1)])
def test_a_person_is_erased_with_a_receipt(database, totals, left):
    with na.open(url_of(database)) as pipeline:
        publish(pipeline, "ada", "s1", "s2")
        publish(pipeline, "bob", "s3")
        receipt = pipeline.erase_user("ada", totals=totals)
        assert receipt.pop("erased_at")
        keep = totals == "keep"
        assert receipt == {
            "totals": totals,
            "events_removed": 0 if keep else 2,
            "events_anonymized": 2 if keep else 0,
            "sessions_removed": 0 if keep else 2,
            "sessions_anonymized": 2 if keep else 0,
            "dead_letters": 0,
            "unreadable_letters": 0,
            "quarantined_segments": 0,
        }
        streaks = pipeline.kpis.streak_metrics()
        assert (streaks["unique_users"], streaks["total_sessions"]) == (1, left)
        assert pipeline.kpis.user("ada")["total_sessions"] == 0


def test_users_are_stored_under_pseudonyms(database, monkeypatch):
    digest = hmac.new(KEY.encode(), b"ada", hashlib.sha256).hexdigest()
    monkeypatch.setenv("ANALYTICS_USER_ID_KEY", KEY)
    with na.open_from_environment(url_of(database)) as pipeline:
        publish(pipeline, "ada", "s1", "s2")
        assert pipeline.kpis.user("ada")["total_sessions"] == 2
        (leader,) = pipeline.kpis.streaks(leaders=1)["leaders"]
        assert leader["user_id"] == "hmac:" + digest[:32]
        (event, _) = pipeline.recent()
        assert event["user_id"] == leader["user_id"]
        assert pipeline.erase_user("ada")["sessions_anonymized"] == 2
    with na.open(url_of(database), user_id_key=b"\xff\x00" * 8) as pipeline:
        publish(pipeline, "ada", "s3")
        assert pipeline.kpis.user("ada")["total_sessions"] == 1


def test_what_cannot_be_erased_is_refused():
    pipeline = na.open("memory:")
    with pytest.raises(na.InvalidArgument, match="the user_id to erase is missing or empty"):
        pipeline.erase_user("")
    with pytest.raises(na.InvalidArgument, match='it must be "keep" or "remove"'):
        pipeline.erase_user("ada", totals="all")
    with pytest.raises(na.InvalidArgument, match="user_id_key has 5 bytes"):
        na.open("memory:", user_id_key="short")
    pipeline.close()
    with pytest.raises(na.Closed):
        pipeline.erase_user("ada")
