"""The KPIs of a pipeline. What each number means: docs/kpis.md."""

from __future__ import annotations

import ctypes
import json
from datetime import datetime, timezone
from typing import Any, TypedDict, cast

from . import _abi, errors
from ._convert import Time, to_micros
from ._handles import Handle
from ._library import abi

_MICROS_PER_DAY = 86_400_000_000

# "from" is no name in Python, so the period's keys need this spelling.
_Period = TypedDict("_Period", {"from": str, "to": str, "period_days": float})


class ConversionFunnel(_Period):
    sessions_started: int
    sessions_completed: int
    sessions_credited: int
    completion_rate: float
    credit_rate: float
    orphan_stops: int


class GreenHourUtilization(_Period):
    active_window_sessions: int
    total_sessions: int
    utilization_rate: float
    avg_reward_usd: float


class StreakMetrics(_Period):
    unique_users: int
    total_sessions: int
    sessions_per_user: float
    avg_reward_usd: float


class RevenueMetrics(_Period):
    total_rewards_usd: float
    total_sessions: int
    avg_reward_usd: float
    energy_kwh: float
    credited_usd: float


class AllKpis(TypedDict):
    conversion_funnel: ConversionFunnel
    green_hour_utilization: GreenHourUtilization
    streak_metrics: StreakMetrics
    revenue_metrics: RevenueMetrics
    generated_at: str
    region: str


class Numbers(TypedDict):
    """Every number of the four groups."""

    sessions_started: int
    sessions_completed: int
    sessions_credited: int
    completion_rate: float
    credit_rate: float
    orphan_stops: int
    active_window_sessions: int
    total_sessions: int
    utilization_rate: float
    avg_reward_usd: float
    unique_users: int
    sessions_per_user: float
    total_rewards_usd: float
    energy_kwh: float
    credited_usd: float


class _NumbersOfPeriod(Numbers, _Period):
    pass


class TrendBucket(_NumbersOfPeriod):
    bucket: str  # its begin, in local time
    complete: bool


class Trend(_Period):
    interval: str
    tz: str
    buckets: list[TrendBucket]


class Breakdown(_Period):
    breakdown: str
    rows: list[dict[str, Any]]  # Numbers, and the name by "region", "hub" or "window"
    others: int
    other: Numbers | None


class Comparison(TypedDict):
    current: _NumbersOfPeriod
    previous: _NumbersOfPeriod
    change: dict[str, float | None]  # percent


_INTERVALS = ("hour", "day", "week", "month")
_DIMENSIONS = ("region", "hub", "window")


class Kpis:
    """Answers exactly, from what is stored: `Pipeline.flush()` first to see all that was published.

    Every method takes the same arguments. The period is the `days` before now, or before `end`; or
    [start, end), where a missing `end` is now. Times are datetimes (naive: UTC) or ISO 8601 text.
    `region`, `hub` and `window` keep only sessions of these.

    InvalidArgument for a bad period (at most 1830 days by `days`), StoreUnavailable and other
    NeravaErrors when the store cannot answer. Thread-safe.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def conversion_funnel(
        self,
        days: int = 7,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> ConversionFunnel:
        """Sessions started, completed and credited, and the rates between them in percent."""
        result = self._ask("conversion_funnel", days, start, end, region, hub, window)
        return cast(ConversionFunnel, result)

    def green_hour_utilization(
        self,
        days: int = 7,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> GreenHourUtilization:
        """How many of the sessions that ended ran in an incentive window."""
        result = self._ask("green_hour_utilization", days, start, end, region, hub, window)
        return cast(GreenHourUtilization, result)

    def streak_metrics(
        self,
        days: int = 30,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> StreakMetrics:
        """Distinct users, and sessions per user."""
        result = self._ask("streak_metrics", days, start, end, region, hub, window)
        return cast(StreakMetrics, result)

    def revenue_metrics(
        self,
        days: int = 7,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> RevenueMetrics:
        """Rewards and credits in USD, energy in kWh."""
        result = self._ask("revenue_metrics", days, start, end, region, hub, window)
        return cast(RevenueMetrics, result)

    def all(
        self,
        days: int = 7,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> AllKpis:
        """All four groups over one period and one state of the store."""
        return cast(AllKpis, self._ask("all", days, start, end, region, hub, window))

    def trend(
        self,
        days: int = 7,
        *,
        interval: str = "day",
        tz: str = "UTC",
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Trend:
        """Every number by "hour", "day", "week" (from Monday) or "month" of the calendar of `tz`, a
        name of the IANA database. Buckets without events are there as zeros; the first and the last
        may be cut off by the period, and are then not `complete`. At most 10,000 buckets."""
        number = _number_of("interval", interval, _INTERVALS)
        zone = _abi.string(tz.encode("utf-8"))
        result = self._ask("trend", days, start, end, region, hub, window, number, zone)
        return cast(Trend, result)

    def breakdown(
        self,
        by: str,
        days: int = 7,
        *,
        top: int = 10,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Breakdown:
        """Every number by "region", "hub" or "window": the `top` ones by total_sessions (0: all),
        and the rest together as `other`."""
        number = _number_of("by", by, _DIMENSIONS)
        if isinstance(top, bool) or not isinstance(top, int) or not 0 <= top < 2**63:
            raise _invalid(f"top is {top!r}; it must be an int from 0 on")
        result = self._ask("breakdown", days, start, end, region, hub, window, number, top)
        return cast(Breakdown, result)

    def compare(
        self,
        days: int = 7,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Comparison:
        """Every number, those of as long a period right before, and the change in percent (None
        where there was nothing before)."""
        return cast(Comparison, self._ask("compare", days, start, end, region, hub, window))

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
        library = abi()
        query = _abi.KpiQuery()
        library.nva_kpi_query_init(ctypes.byref(query), ctypes.sizeof(query))
        _set_period(query, days, start, end)
        query.region = _abi.string((region or "").encode("utf-8"))
        query.hub_id = _abi.string((hub or "").encode("utf-8"))
        query.window_id = _abi.string((window or "").encode("utf-8"))
        out = ctypes.c_void_p()
        with self._handle as kpi:
            ask = getattr(library, f"nva_kpi_{question}_json")
            ask(kpi, ctypes.byref(query), *further, ctypes.byref(out))
        return json.loads(library.take_text(out))


def _invalid(message: str) -> errors.InvalidArgument:
    return errors.InvalidArgument(message, errors.INVALID_ARGUMENT, "invalid_argument")


def _number_of(argument: str, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise _invalid(f"{argument} is {name!r}; it must be one of {', '.join(names)}")
    return names.index(name)


def _set_period(query: _abi.KpiQuery, days: int, start: Time | None, end: Time | None) -> None:
    if isinstance(days, bool) or not isinstance(days, int):
        raise TypeError(f"days must be an int, not {days!r}")
    if start is None and not 1 <= days <= 2**31 - 1:  # how many are too many the library says
        raise _invalid(f"days is {days}; it must be from 1 on")
    if start is None and end is None:
        query.days = days
        return
    query.to_us = to_micros("end", datetime.now(timezone.utc) if end is None else end)
    if start is not None:
        query.from_us = to_micros("start", start)
    else:  # the library refuses what lies before 1970
        query.from_us = max(query.to_us - days * _MICROS_PER_DAY, -(2**62))
