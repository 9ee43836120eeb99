"""The KPIs of a pipeline. What each number means: docs/kpis.md."""

from __future__ import annotations

from typing import cast

from ._convert import Time
from ._kpi_query import DIMENSIONS, INTERVALS, count, number_of, text
from ._reports import Reports
from .kpi_types import (
    AllKpis,
    Breakdown,
    Comparison,
    ConversionFunnel,
    GreenHourUtilization,
    RevenueMetrics,
    StreakMetrics,
    Trend,
)


class Kpis(Reports):
    """Answers exactly, from what is stored: `Pipeline.flush()` first to see all that was published.

    The methods take the same arguments. The period is the `days` before now, or before `end`; or
    [start, end), where a missing `end` is now. Times are datetimes (naive: UTC) or ISO 8601 text.
    `region`, `hub` and `window` keep only sessions of these.

    InvalidArgument for a bad period (at most 1830 days by `days`), StoreUnavailable and other
    NeravaErrors when the store cannot answer. Thread-safe.
    """

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
        number = number_of("interval", interval, INTERVALS)
        result = self._ask("trend", days, start, end, region, hub, window, number, text(tz))
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
        number = number_of("by", by, DIMENSIONS)
        most = count("top", top)
        result = self._ask("breakdown", days, start, end, region, hub, window, number, most)
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
