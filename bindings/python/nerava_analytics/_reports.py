"""Funnels in depth, load, and people: what Kpis answers beyond its groups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Union, cast

from ._convert import Time
from ._kpi_query import DIMENSIONS, INTERVALS, Asker, count, millis, number_of, text
from .errors import invalid
from .kpi_types import (
    ActiveUsers,
    Breakdown,
    Funnel,
    Load,
    Retention,
    SessionSizes,
    SessionsPerUser,
    Streaks,
    UserSummary,
)


class Reports(Asker):
    """Durations are seconds or timedeltas."""

    def funnel(
        self,
        days: int = 7,
        *,
        conversion_window: float | timedelta | None = None,
        abandon_after: float | timedelta | None = None,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Funnel:
        """The conversion funnel with the times between its steps, what still runs and what was
        abandoned (`abandon_after` its start: 24 h), and rewards granted and owed. A step counts only
        within the `conversion_window` from the start (None: whenever it came)."""
        limits = _limits(conversion_window, abandon_after)
        result = self._ask("funnel", days, start, end, region, hub, window, *limits)
        return cast(Funnel, result)

    def funnel_breakdown(
        self,
        by: str,
        days: int = 7,
        *,
        top: int = 10,
        conversion_window: float | timedelta | None = None,
        abandon_after: float | timedelta | None = None,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Breakdown:
        """The same by "region", "hub" or "window", as Kpis.breakdown()."""
        limits = _limits(conversion_window, abandon_after)
        rows = number_of("by", by, DIMENSIONS), count("top", top)
        question = "funnel_breakdown"
        result = self._ask(question, days, start, end, region, hub, window, *limits, *rows)
        return cast(Breakdown, result)

    def load(
        self,
        days: int = 28,
        *,
        tz: str = "UTC",
        longest_session: float | timedelta | None = None,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Load:
        """Sessions, energy and concurrency by the hour of the local week of `tz`. So long after its
        start at most a session takes part in concurrency: `longest_session` (None: 24 h; at most 7
        days)."""
        longest = millis("longest_session", longest_session)
        result = self._ask("load", days, start, end, region, hub, window, text(tz), longest)
        return cast(Load, result)

    def load_breakdown(
        self,
        by: str,
        days: int = 28,
        *,
        top: int = 10,
        tz: str = "UTC",
        longest_session: float | timedelta | None = None,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Breakdown:
        """The same by "region", "hub" or "window": each row has `cells`."""
        how = text(tz), millis("longest_session", longest_session)
        rows = number_of("by", by, DIMENSIONS), count("top", top)
        question = "load_breakdown"
        result = self._ask(question, days, start, end, region, hub, window, *how, *rows)
        return cast(Breakdown, result)

    def session_sizes(
        self,
        days: int = 28,
        *,
        length_bin: float | timedelta | None = None,
        energy_bin_kwh: float | None = None,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> SessionSizes:
        """How the length of sessions (minutes) and their energy (kWh) are spread: percentiles, and
        sessions by bins (None: of 30 minutes, of 5 kWh)."""
        bins = millis("length_bin", length_bin), _milliwatt_hours("energy_bin_kwh", energy_bin_kwh)
        result = self._ask("session_sizes", days, start, end, region, hub, window, *bins)
        return cast(SessionSizes, result)

    def active_users(
        self,
        *,
        at: Time | None = None,
        tz: str = "UTC",
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> ActiveUsers:
        """DAU, WAU and MAU: users with a session that stopped in the last 1, 7 and 30 local days up
        to `at` (None: now); and stickiness, DAU in percent of MAU."""
        result = self._look_back("active_users", at, region, hub, window, text(tz))
        return cast(ActiveUsers, result)

    def streaks(
        self,
        *,
        leaders: int = 10,
        at: Time | None = None,
        tz: str = "UTC",
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Streaks:
        """Consecutive local days with a session: how many users have streaks of what length, and
        whose current ones are the longest."""
        further = text(tz), count("leaders", leaders)
        result = self._look_back("streaks", at, region, hub, window, *further)
        return cast(Streaks, result)

    def retention(
        self,
        days: int = 84,
        *,
        interval: str = "week",
        tz: str = "UTC",
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> Retention:
        """By "day", "week" or "month": new, returning and lapsed users, and how many of the new ones
        came again in each later bucket. At most 400 buckets."""
        how = number_of("interval", interval, INTERVALS), text(tz)
        result = self._ask("retention", days, start, end, region, hub, window, *how)
        return cast(Retention, result)

    def sessions_per_user(
        self,
        days: int = 30,
        *,
        start: Time | None = None,
        end: Time | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> SessionsPerUser:
        """How many users had how many sessions."""
        result = self._ask("sessions_per_user", days, start, end, region, hub, window)
        return cast(SessionsPerUser, result)

    def user(
        self,
        user_id: str,
        *,
        at: Time | None = None,
        tz: str = "UTC",
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> UserSummary:
        """Everything about one user; all zeros for somebody without sessions."""
        before: tuple[Any, ...] = (text(user_id),)
        result = self._look_back("user", at, region, hub, window, text(tz), before=before)
        return cast(UserSummary, result)


_Duration = Union[float, timedelta, None]


def _limits(conversion_window: _Duration, abandon_after: _Duration) -> tuple[int, int]:
    return millis("conversion_window", conversion_window), millis("abandon_after", abandon_after)


def _milliwatt_hours(argument: str, kwh: float | None) -> int:
    """0 (the library's default) for None."""
    if kwh is None:
        return 0
    if isinstance(kwh, bool) or not isinstance(kwh, (int, float)) or not 0.001 <= kwh <= 1000:
        raise invalid(f"{argument} is {kwh!r}; it must be a number from 0.001 to 1000")
    return round(kwh * 1_000_000)
