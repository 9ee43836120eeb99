"""How questions about KPIs are put to the library."""

from __future__ import annotations

import ctypes
import json
from datetime import datetime, timedelta, timezone
from typing import Any

from . import _abi
from ._convert import Time, to_micros, to_millis
from ._handles import Handle
from ._library import abi
from .errors import invalid

_MICROS_PER_DAY = 86_400_000_000
_MAX_DAYS = 1830

INTERVALS = ("hour", "day", "week", "month")
DIMENSIONS = ("region", "hub", "window")


class Asker:
    """Asks about the store of a handle."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def _ask(
        self,
        question: str,
        days: int,
        start: Time | None,
        end: Time | None,
        region: str | None,
        hub: str | None,
        window: str | None,
        *further: Any,
    ) -> Any:
        """What happened in a period."""
        query = _make_query(region, hub, window)
        _set_period(query, days, start, end)
        return self._answer(question, (ctypes.byref(query), *further))

    def _look_back(
        self,
        question: str,
        at: Time | None,
        region: str | None,
        hub: str | None,
        window: str | None,
        *further: Any,
        before: tuple[Any, ...] = (),
    ) -> Any:
        """How things are at a moment. `before` and `further` are the arguments around the query."""
        query = _make_query(region, hub, window)
        if at is not None:
            query.to_us = to_micros("at", at)
        return self._answer(question, (*before, ctypes.byref(query), *further))

    def _answer(self, question: str, arguments: tuple[Any, ...]) -> Any:
        library = abi()
        out = ctypes.c_void_p()
        with self._handle as kpi:
            getattr(library, f"nva_kpi_{question}_json")(kpi, *arguments, ctypes.byref(out))
        return json.loads(library.take_text(out))


def text(value: str) -> _abi.String:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} must be a str")
    return _abi.string(value.encode("utf-8"))


def number_of(argument: str, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise invalid(f"{argument} is {name!r}; it must be one of {', '.join(names)}")
    return names.index(name)


def count(argument: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise invalid(f"{argument} is {value!r}; it must be an int from 0 on")
    return value


def millis(argument: str, value: float | timedelta | None) -> int:
    """Milliseconds of a duration, 0 (the library's default) for None."""
    if value is None:
        return 0
    duration = to_millis(argument, value)
    if duration <= 0:
        raise invalid(f"{argument} is {value!r}; it must be at least a millisecond")
    return duration


def _make_query(region: str | None, hub: str | None, window: str | None) -> _abi.KpiQuery:
    query = _abi.KpiQuery()
    abi().nva_kpi_query_init(ctypes.byref(query), ctypes.sizeof(query))
    query.region = text(region or "")
    query.hub_id = text(hub or "")
    query.window_id = text(window or "")
    return query


def _set_period(query: _abi.KpiQuery, days: int, start: Time | None, end: Time | None) -> None:
    if isinstance(days, bool) or not isinstance(days, int):
        raise TypeError(f"days must be an int, not {days!r}")
    if start is None and not 1 <= days <= _MAX_DAYS:
        raise invalid(f"days is {days}; it must be from 1 to {_MAX_DAYS}")
    if start is None and end is None:
        query.days = days
        return
    query.to_us = to_micros("end", datetime.now(timezone.utc) if end is None else end)
    if start is not None:
        query.from_us = to_micros("start", start)
    else:  # the library refuses what lies before 1970
        query.from_us = max(query.to_us - days * _MICROS_PER_DAY, -(2**62))
