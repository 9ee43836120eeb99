"""What the KPIs answer. What each number means: docs/kpis.md."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

# How exactly an answer keeps to the bounds of its period, which dropped data limits: "exact", "day"
# (only whole UTC days are left) or "partial" (some of what is needed is gone).
Grain = Literal["exact", "day", "partial"]

# "from" is no name in Python, so the period's keys need this spelling.
Period = TypedDict("Period", {"from": str, "to": str, "period_days": float, "grain": Grain})


class ConversionFunnel(Period):
    sessions_started: int
    sessions_completed: int
    sessions_credited: int
    completion_rate: float
    credit_rate: float
    orphan_stops: int


class GreenHourUtilization(Period):
    active_window_sessions: int
    total_sessions: int
    utilization_rate: float
    avg_reward_usd: float


class StreakMetrics(Period):
    unique_users: int
    total_sessions: int
    sessions_per_user: float
    avg_reward_usd: float


class RevenueMetrics(Period):
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


class NumbersOfPeriod(Numbers, Period):
    pass


class TrendBucket(NumbersOfPeriod):
    bucket: str  # its begin, in local time
    complete: bool


class Trend(Period):
    interval: str
    tz: str
    buckets: list[TrendBucket]


class Breakdown(Period):
    breakdown: str
    rows: list[dict[str, Any]]  # Numbers, and the name by "region", "hub" or "window"
    others: int
    other: Numbers | None


class Comparison(TypedDict):
    current: NumbersOfPeriod
    previous: NumbersOfPeriod
    change: dict[str, float | None]  # percent


class Funnel(Period):
    """Times in seconds; None over nothing."""

    sessions_started: int
    sessions_completed: int
    sessions_credited: int
    sessions_late: int
    sessions_running: int
    sessions_abandoned: int
    orphan_stops: int
    completion_rate: float
    credit_rate: float
    median_time_to_complete_s: float | None
    p90_time_to_complete_s: float | None
    median_time_to_credit_s: float | None
    p90_time_to_credit_s: float | None
    rewards_granted_usd: float
    rewards_owed_usd: float


class LoadCell(TypedDict):
    weekday: int  # 1 Monday .. 7 Sunday
    hour: int
    sessions_started: int
    total_sessions: int
    energy_kwh: float
    avg_concurrency: float
    peak_concurrency: int


class Load(Period):
    cells: list[LoadCell]  # 168, from Monday, 0 o'clock


class Sizes(TypedDict):
    sessions: int
    p10: float
    median: float
    p90: float
    max: float
    bin: float
    bins: list[int]


class SessionSizes(Period):
    length_minutes: Sizes
    energy_kwh: Sizes


class ActiveUsers(TypedDict):
    at: str
    grain: Grain
    dau: int
    wau: int
    mau: int
    stickiness: float  # percent


class Streaks(TypedDict):
    at: str
    grain: Grain
    users: int
    max_current_streak: int
    max_longest_streak: int
    counts: list[dict[str, int]]  # days, current, longest
    leaders: list[dict[str, Any]]  # user_id, current_streak, longest_streak


class RetentionBucket(TypedDict):
    bucket: str  # its begin, in local time
    complete: bool
    new_users: int
    returning_users: int
    lapsed_users: int
    retained: list[int]


class Retention(Period):
    interval: str
    tz: str
    buckets: list[RetentionBucket]


class SessionsPerUser(Period):
    users: int
    counts: list[dict[str, int]]  # sessions, users


class UserSummary(TypedDict):
    user_id: str
    at: str
    grain: Grain
    total_sessions: int
    active_window_sessions: int
    energy_kwh: float
    total_rewards_usd: float
    owed_usd: float
    first_session: str | None
    last_session: str | None
    active_days: int
    current_streak: int
    longest_streak: int
    hubs: list[dict[str, Any]]  # hub, sessions
