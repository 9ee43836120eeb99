"""Python values on their way into the library: exact, or refused."""

import ctypes
import dataclasses
import enum
import json
import random
import types
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

import nerava_analytics as na
from nerava_analytics._convert import encode_event, to_micros, to_millis
from nerava_analytics._library import abi


def stored_event(pipeline, event_id):
    (event,) = [e for e in pipeline.recent() if e["event_id"] == event_id]
    return event


@pytest.mark.parametrize(
    ("usd", "cents"),
    [
        (0.29, 29),
        (1.15, 115),
        (4.35, 435),
        (0.005, 1),
        (-0.005, -1),
        (1e-9, 0),
        (3, 300),
        ("0.29", 29),
        ("1e2", 10000),
        (Decimal("0.285"), 29),
        (Decimal("123456789012345.675"), 12345678901234568),
    ],
)
def test_usd_to_cents_is_exact(usd, cents):
    assert na.usd_to_cents(usd) == cents


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), "x", "", "NaN", None, True])
def test_usd_to_cents_refuses_what_is_no_amount(usd):
    with pytest.raises(na.InvalidArgument, match="usd is"):
        na.usd_to_cents(usd)


def test_usd_to_cents_agrees_with_the_library():
    seed = random.randrange(2**32)
    print("seed", seed)
    numbers = random.Random(seed)
    library = ctypes.CDLL(abi().path)
    library.nva_usd_to_cents.argtypes = (ctypes.c_double, ctypes.POINTER(ctypes.c_int64))
    for _ in range(2000):
        usd = round(numbers.uniform(-1000, 1000), numbers.randrange(6))
        cents = ctypes.c_int64()
        assert library.nva_usd_to_cents(usd, ctypes.byref(cents)) == 0
        assert na.usd_to_cents(usd) == cents.value, usd


@pytest.mark.parametrize("usd", [3.25, "3.25", Decimal("3.25"), Decimal("325E-2"), "3.250"])
def test_rewards_reach_the_kpis_exactly(pipeline, usd):
    pipeline.charge_stopped("s", total_reward_usd=usd)
    pipeline.flush()
    assert pipeline.kpis.revenue_metrics()["total_rewards_usd"] == 3.25


def test_a_thousand_tenths_are_a_hundred(pipeline):
    for number in range(1000):
        pipeline.charge_stopped(f"s{number}", total_reward_usd=0.1, kwh_consumed=0.1)
    pipeline.flush()
    revenue = pipeline.kpis.revenue_metrics()
    assert (revenue["total_rewards_usd"], revenue["energy_kwh"]) == (100.0, 100.0)


def test_decimals_of_more_digits_than_a_float_has_stay_exact(pipeline):
    event_id = pipeline.charge_stopped("s", total_reward_usd=Decimal("999999.0000005"))
    assert stored_event(pipeline, event_id)["total_reward_usd"] == 999999.000001


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("total_reward_usd", float("nan"), "invalid_number"),
        ("total_reward_usd", float("inf"), "invalid_number"),
        ("total_reward_usd", Decimal("NaN"), "invalid_number"),
        ("total_reward_usd", "three", "invalid_number"),
        ("total_reward_usd", "Infinity", "invalid_number"),
        ("total_reward_usd", -1, "negative"),
        ("total_reward_usd", True, "wrong_type"),
        ("kwh_consumed", "-0.1", "negative"),
        ("stopped_at", "yesterday", "invalid_time"),
        ("user_id", 7, "wrong_type"),
        ("user_id", "u" * 101, "too_long"),
        ("user_id", "u\0", "invalid_text"),
        ("user_id", "\ud800", "invalid_text"),
    ],
)
def test_bad_values_are_refused_with_field_and_reason(pipeline, field, value, reason):
    with pytest.raises(na.InvalidEvent) as caught:
        pipeline.charge_stopped("s", **{field: value})
    assert caught.value.reason == reason
    assert isinstance(caught.value, ValueError)
    assert field in str(caught.value) or reason == "invalid_text"


def test_cents_must_be_whole(pipeline):
    with pytest.raises(na.InvalidEvent, match="amount_cents"):
        pipeline.wallet_credited("u", amount_cents=1.5)


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901),
        datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc),
        datetime(2026, 1, 2, 5, 4, 5, 678901, timezone(timedelta(hours=2))),
        "2026-01-02T03:04:05.678901Z",
        "2026-01-02 03:04:05.678901",
        "2026-01-02T05:04:05.678901+02:00",
    ],
)
def test_times_may_be_naive_aware_or_text(pipeline, time):
    event_id = pipeline.charge_started("s", started_at=time)
    assert stored_event(pipeline, event_id)["timestamp"] == "2026-01-02T03:04:05.678901+00:00"


@pytest.mark.parametrize(
    "time", [datetime(1970, 1, 1, 0, 0, 1), "1970-01-01T00:00:01Z", "1970-01-01T01:00:01+01:00"]
)
def test_periods_take_the_same_times(time):
    assert to_micros("start", time) == 1_000_000


def test_a_duration_below_a_millisecond_is_not_nothing():
    assert to_millis("flush_interval", 0.0001) == 1
    assert to_millis("flush_interval", 0.1) == 100
    assert to_millis("flush_interval", timedelta(seconds=2)) == 2000


class Kind(str, enum.Enum):
    STARTED = "charge_started"


@dataclasses.dataclass
class StartedEvent:
    session_id: str
    user_id: uuid.UUID
    hub_id: str = "hub"
    event_type: Kind = Kind.STARTED
    note: "Decimal | None" = None

    @property
    def aggregate_id(self):
        return self.session_id


class PydanticLike:
    event_type = "charge_started"  # a class attribute, not a field

    def model_dump(self):
        return {"session_id": "s", "user_id": USER}


USER = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    "event",
    [
        {"event_type": Kind.STARTED, "session_id": "s", "user_id": USER},
        StartedEvent("s", USER),
        PydanticLike(),
        types.SimpleNamespace(event_type="charge_started", session_id="s", user_id=str(USER)),
        json.dumps({"event_type": "charge_started", "session_id": "s", "user_id": str(USER)}),
        b'{"event_type": "charge_started", "session_id": "s", "user_id": "%s"}'
        % str(USER).encode(),
    ],
    ids=["mapping", "dataclass", "pydantic", "attributes", "text", "bytes"],
)
def test_an_event_may_come_in_any_shape(pipeline, event):
    stored = stored_event(pipeline, pipeline.publish(event))
    assert stored["event_type"] == "analytics_charge_started"
    assert (stored["session_id"], stored["user_id"]) == ("s", str(USER))


def test_nested_values_are_written_as_json():
    event = {
        "properties": {
            "at": datetime(2026, 1, 2, tzinfo=timezone.utc),
            "list": [1, 2.5, Decimal("0.10"), None, True],
            "kind": Kind.STARTED,
            "text": 'quote " and \u2603',
        }
    }
    assert json.loads(encode_event(event)) == {
        "properties": {
            "at": "2026-01-02T00:00:00+00:00",
            "list": [1, 2.5, 0.1, None, True],
            "kind": "charge_started",
            "text": 'quote " and \u2603',
        }
    }


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, {3: 4}, object()])
def test_what_json_has_no_place_for_is_refused(pipeline, value):
    with pytest.raises(na.InvalidEvent) as caught:
        pipeline.publish({"event_type": "x", "field": value})
    assert caught.value.reason == "wrong_type"


def test_a_cycle_is_refused(pipeline):
    cycle = []
    cycle.append(cycle)
    with pytest.raises(na.InvalidEvent) as caught:
        pipeline.publish({"event_type": "x", "field": cycle})
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("event", [7, None, 1.5, StartedEvent])
def test_what_is_no_event_is_a_type_error(pipeline, event):
    with pytest.raises(TypeError, match="an event is"):
        pipeline.publish(event)
