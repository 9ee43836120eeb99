"""Handlers: called on the publishing thread, isolated, and gone when closed."""

import logging
import threading

import pytest
from conftest import PATIENCE, in_threads

import nerava_analytics as na
from nerava_analytics import _callbacks


def test_a_handler_gets_the_analytics_event(pipeline):
    events = []
    pipeline.subscribe("charge_stopped", events.append)
    pipeline.charge_started("s")
    pipeline.charge_stopped("s", total_reward_usd=5, user_id="u")
    (event,) = events
    assert event["event_type"] == "analytics_charge_stopped"
    assert (event["user_id"], event["total_reward_usd"]) == ("u", 5)
    assert event["properties"]["reward_tier"] == "high"


def test_a_star_subscribes_to_everything(pipeline):
    types = []
    pipeline.subscribe("*", lambda event: types.append(event["event_type"]))
    pipeline.charge_started("s")
    pipeline.publish({"event_type": "anything"})
    assert types == ["analytics_charge_started", "analytics_anything"]


def test_a_closed_subscription_is_not_called(pipeline):
    first, second = [], []
    subscription = pipeline.subscribe("*", first.append)
    with pipeline.subscribe("*", second.append):
        pipeline.charge_started("s1")
        subscription.close()
        subscription.close()
        pipeline.charge_started("s2")
    pipeline.charge_started("s3")
    assert (len(first), len(second)) == (1, 2)


def test_a_raising_handler_is_logged_and_counted_and_harms_nobody(pipeline, caplog):
    after = []

    def bad(event):
        raise RuntimeError("no \0 luck")

    pipeline.subscribe("*", bad)
    pipeline.subscribe("*", after.append)
    with caplog.at_level(logging.ERROR, "nerava_analytics"):
        event_id = pipeline.charge_started("s")
    assert len(after) == 1
    assert pipeline.stats()["bus"]["handler_failures"] == 1
    (record,) = caplog.records
    assert event_id in record.getMessage()
    assert record.exc_info[0] is RuntimeError
    pipeline.flush()
    assert pipeline.kpis.conversion_funnel()["sessions_started"] == 1


def test_on_error_gets_the_handlers_exception_as_the_cause():
    told = []
    with na.open("memory:", on_error=told.append) as pipeline:
        pipeline.subscribe("*", lambda event: {}["missing"])
        pipeline.charge_started("s")
    (error,) = told
    assert isinstance(error, na.InternalError)
    assert isinstance(error.__cause__, KeyError)


def test_an_interrupted_handler_interrupts_the_publisher(pipeline):
    def interrupt(event):
        raise KeyboardInterrupt

    with pipeline.subscribe("*", interrupt):
        with pytest.raises(KeyboardInterrupt):
            pipeline.charge_started("s1")
    pipeline.charge_started("s2")
    pipeline.flush()
    assert pipeline.kpis.conversion_funnel()["sessions_started"] == 2


def test_a_handler_may_publish_read_and_unsubscribe(pipeline):
    calls = []

    def handler(event):
        calls.append(event)
        subscription.close()
        pipeline.publish({"event_type": "echo", "of": event["event_id"]})
        pipeline.stats()

    subscription = pipeline.subscribe("charge_started", handler)
    pipeline.charge_started("s1")
    pipeline.charge_started("s2")
    assert len(calls) == 1
    assert len(pipeline.recent("echo")) == 1


def test_a_handler_may_close_the_pipeline(pipeline):
    pipeline.subscribe("*", lambda event: pipeline.close())
    pipeline.charge_started("s1")
    with pytest.raises(na.Closed):
        pipeline.charge_started("s2")
    assert pipeline.stats()["committed"] == 1


def test_closing_a_subscription_waits_for_a_running_call(pipeline):
    inside, go_on, finished = threading.Event(), threading.Event(), []

    def handler(event):
        inside.set()
        assert go_on.wait(PATIENCE)
        finished.append(event)

    subscription = pipeline.subscribe("*", handler)

    def work(number):
        if number == 0:
            pipeline.charge_started("s")
            return
        assert inside.wait(PATIENCE)
        closing = threading.Thread(target=subscription.close)
        closing.start()
        go_on.set()
        closing.join(PATIENCE)
        assert len(finished) == 1

    in_threads(2, work)


def test_handlers_run_on_the_threads_that_publish(pipeline):
    threads = set()
    pipeline.subscribe("*", lambda event: threads.add((event["session_id"], threading.get_ident())))

    def work(number):
        pipeline.charge_started(f"s{number}")
        assert (f"s{number}", threading.get_ident()) in threads

    in_threads(4, work)


def test_nothing_is_kept_of_what_is_closed():
    before = len(_callbacks._targets)
    pipeline = na.open("memory:")
    pipeline.subscribe("*", lambda event: None).close()
    pipeline.subscribe("*", lambda event: None)
    pipeline.close()
    del pipeline
    assert len(_callbacks._targets) == before


@pytest.mark.parametrize("event_type", ["", "t" * 101])
def test_a_bad_type_is_refused(pipeline, event_type):
    before = len(_callbacks._targets)
    with pytest.raises(na.InvalidArgument):
        pipeline.subscribe(event_type, print)
    assert len(_callbacks._targets) == before
