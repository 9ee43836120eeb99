"""Python values to what the library reads. Decimals stay decimals: nothing is rounded here."""

from __future__ import annotations

import dataclasses
import decimal
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Callable, Union
from uuid import UUID

from . import errors
from ._abi import TIME_NONE

Money = Union[int, float, Decimal, str]
Time = Union[datetime, str]

_BASE_KEYS = ("event_id", "event_type", "timestamp", "aggregate_id", "version")
_MAX_DEPTH = 32  # the library's limit on JSON
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EXACT = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_UP)  # away from zero


def encode_event(event: object) -> bytes:
    """The JSON of an event: a mapping, an object with attributes, or JSON already.

    InvalidEvent for values that JSON has no place for.
    """
    if isinstance(event, bytes):
        return event
    text = event if isinstance(event, str) else _encode(as_mapping(event), "the event", 1)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _refused(
            "invalid_text", f"the event holds text that is no Unicode: {error}"
        ) from error


def as_mapping(event: object) -> Mapping[str, Any]:
    """The fields of a mapping, dataclass, pydantic model or other object with attributes."""
    if isinstance(event, Mapping):
        return event
    fields = _fields_of(event)
    if fields is None:
        raise TypeError(
            f"an event is a mapping, an object with attributes, or JSON text; {event!r} is none"
        )
    for key in _BASE_KEYS:  # these may be class attributes or properties
        if key not in fields and getattr(event, key, None) is not None:
            fields[key] = getattr(event, key)
    return fields


def number(name: str, value: Money | None) -> int | float | Decimal | None:
    """An amount of money or energy; text is read as a decimal."""
    if not isinstance(value, str):
        return value
    try:
        return Decimal(value)
    except decimal.InvalidOperation:
        raise _refused(
            "invalid_number", f"{name} is {value[:100]!r}; it must be a number"
        ) from None


def usd_to_cents(usd: Money) -> int:
    """Cents of an amount in USD, exactly: 0.29 is 29. Half a cent is rounded away from zero.

    InvalidArgument for NaN, infinities and what is no number.
    """
    try:
        if isinstance(usd, bool):
            raise decimal.InvalidOperation
        amount = Decimal(float.__repr__(usd) if isinstance(usd, float) else usd)
        if not amount.is_finite():
            raise decimal.InvalidOperation
    except (decimal.InvalidOperation, TypeError):
        raise errors.InvalidArgument(
            f"usd is {usd!r}; it must be a finite number", errors.INVALID_ARGUMENT, "invalid_number"
        ) from None
    return int(_EXACT.scaleb(amount, 2).to_integral_value(context=_EXACT))


def to_micros(name: str, time: Time | None) -> int:
    """Microseconds since 1970 UTC; a naive time is UTC. TIME_NONE for None."""
    if time is None:
        return TIME_NONE
    if isinstance(time, str):
        text = time.strip()
        try:
            time = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError as error:
            raise errors.InvalidArgument(
                f"{name} is {text[:100]!r}; it must be an ISO 8601 time: {error}",
                errors.INVALID_ARGUMENT,
                "invalid_time",
            ) from None
    if not isinstance(time, datetime):
        raise TypeError(f"{name} must be a datetime or ISO 8601 text, not {time!r}")
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return (time - _EPOCH) // timedelta(microseconds=1)


def to_millis(name: str, duration: int | float | timedelta) -> int:
    """Milliseconds of a duration in seconds; at least 1 for what is not 0."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be seconds or a timedelta, not {duration!r}")
    if not 0 <= seconds <= 1e12:  # NaN too
        raise errors.InvalidArgument(
            f"{name} is {duration!r}; it must be seconds, from 0 to 1e12",
            errors.INVALID_ARGUMENT,
            "invalid_argument",
        )
    return math.ceil(round(seconds * 1000, 6))


def timeout_millis(timeout: int | float | timedelta | None) -> int:
    """Milliseconds to wait for, as to_millis; -1, which is no limit, for None and infinity."""
    return -1 if timeout is None or timeout == math.inf else to_millis("timeout", timeout)


def _refused(reason: str, message: str) -> errors.InvalidEvent:
    return errors.InvalidEvent(message, errors.INVALID_ARGUMENT, reason)


def _fields_of(value: object) -> dict[str, Any] | None:
    """The attributes of an object that has some; None for plain values."""
    if isinstance(value, type):
        return None
    dump = getattr(value, "model_dump", None)  # pydantic
    if callable(dump):
        return dict(dump())
    fields: dict[str, Any] = {}
    if dataclasses.is_dataclass(value):
        fields.update((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
    elif not hasattr(value, "__dict__"):
        return None
    fields.update(getattr(value, "__dict__", {}))
    return {name: item for name, item in fields.items() if not name.startswith("_")}


def _encode_time(value: datetime | date) -> str:
    return f'"{value.isoformat()}"'  # without an offset it is UTC for the library


def _encode_float(value: float, where: str) -> str:
    if not math.isfinite(value):
        raise _refused("invalid_number", f"{where} is {value}; it must be a finite number")
    return float.__repr__(value)  # the shortest decimal that denotes it; subclasses print others


def _encode_decimal(value: Decimal, where: str) -> str:
    if not value.is_finite():
        raise _refused("invalid_number", f"{where} is {value}; it must be a finite number")
    return str(value)


_json_text: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode

_SCALARS: dict[type[Any], Callable[[Any, str], str]] = {
    type(None): lambda value, where: "null",
    bool: lambda value, where: "true" if value else "false",
    str: lambda value, where: _json_text(value),
    int: lambda value, where: int.__repr__(value),
    float: _encode_float,
    Decimal: _encode_decimal,
    datetime: lambda value, where: _encode_time(value),
    date: lambda value, where: _encode_time(value),
    UUID: lambda value, where: f'"{value}"',
}


def _encode(value: Any, where: str, depth: int) -> str:
    # The value's own type first: that is nearly always it. Enums may be texts or numbers too.
    scalar = _SCALARS.get(type(value))
    if scalar is not None:
        return scalar(value, where)
    if isinstance(value, Enum):
        return _encode(value.value, where, depth)
    for kind, encode in _SCALARS.items():
        if isinstance(value, kind):
            return encode(str.__str__(value) if kind is str else value, where)
    if depth > _MAX_DEPTH:
        raise _refused("too_large", f"{where} is nested too deep; {_MAX_DEPTH} levels are allowed")
    if isinstance(value, (list, tuple)):
        items = (_encode(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value))
        return "[" + ",".join(items) + "]"
    fields = value if isinstance(value, Mapping) else _fields_of(value)
    if fields is None:
        raise _refused(
            "wrong_type", f"{where} is a {type(value).__name__}, which an event cannot hold"
        )
    return "{" + ",".join(_encode_member(key, fields[key], depth) for key in fields) + "}"


def _encode_member(key: Any, value: Any, depth: int) -> str:
    if isinstance(key, Enum):
        key = key.value
    if not isinstance(key, str):
        raise _refused("wrong_type", f"the event has the key {key!r}; keys must be text")
    return _json_text(str.__str__(key)) + ":" + _encode(value, key, depth + 1)
