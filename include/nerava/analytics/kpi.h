// The numbers. What each one means is in docs/kpis.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/kpi_cache.h"
#include "nerava/analytics/store.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics {

// [from, to).
struct Period {
  absl::Time from;
  absl::Time to;

  // The rolling [now - days * 24 h, now). InvalidArgument unless 1 <= days <= kMaxDays.
  static absl::StatusOr<Period> LastDays(int days, absl::Time now);
  static constexpr int kMaxDays = 1830;

  // The length in days, rounded to 6 decimals: 7 for LastDays(7).
  double days() const;
};

// How exactly an answer keeps to the bounds of its period, which what was dropped limits: see
// data_retention.h.
enum class AnswerGrain : std::uint8_t {
  kExact = 0,  // to the microsecond
  // Only whole UTC days are left of where a bound lies: it was moved to the nearest midnight.
  kDay = 1,
  // What the question needs of the begin of the period is no longer there: the answer is over the
  // rest of it.
  kPartial = 2,
};

// The period of an answer, as it was asked for.
struct AnsweredPeriod : Period {
  AnswerGrain grain = AnswerGrain::kExact;
};

struct KpiQuery {
  Period period;
  KpiFilter filter = {};
};

// What every KPI group is computed from.
struct KpiSummary {
  AnsweredPeriod period;
  Totals totals;
  std::uint64_t unique_users = 0;
};

// Rates are percentages; rates, averages and money are rounded to 2 decimals, half away from zero;
// a rate or an average over nothing is 0.
struct ConversionFunnel {
  AnsweredPeriod period;
  std::int64_t sessions_started = 0;
  std::int64_t sessions_completed = 0;
  std::int64_t sessions_credited = 0;
  std::int64_t orphan_stops = 0;
  double completion_rate = 0;
  double credit_rate = 0;
};

struct GreenHourUtilization {
  AnsweredPeriod period;
  std::int64_t active_window_sessions = 0;
  std::int64_t total_sessions = 0;
  double utilization_rate = 0;
  double avg_reward_usd = 0;
};

struct StreakMetrics {
  AnsweredPeriod period;
  std::uint64_t unique_users = 0;
  std::int64_t total_sessions = 0;
  double sessions_per_user = 0;
  double avg_reward_usd = 0;
};

struct RevenueMetrics {
  AnsweredPeriod period;
  double total_rewards_usd = 0;
  std::int64_t total_sessions = 0;
  double avg_reward_usd = 0;
  double energy_kwh = 0;
  double credited_usd = 0;
};

struct AllKpis {
  ConversionFunnel conversion_funnel;
  GreenHourUtilization green_hour_utilization;
  StreakMetrics streak_metrics;
  RevenueMetrics revenue_metrics;
  absl::Time generated_at;
  std::string region;  // the filter's, else the pipeline's own
};

ConversionFunnel MakeConversionFunnel(const KpiSummary& summary);
GreenHourUtilization MakeGreenHourUtilization(const KpiSummary& summary);
StreakMetrics MakeStreakMetrics(const KpiSummary& summary);
RevenueMetrics MakeRevenueMetrics(const KpiSummary& summary);

// The JSON that the backend's clients read, with "from" and "to" beside "period_days".
std::string ToJson(const ConversionFunnel& kpi);
std::string ToJson(const GreenHourUtilization& kpi);
std::string ToJson(const StreakMetrics& kpi);
std::string ToJson(const RevenueMetrics& kpi);
std::string ToJson(const AllKpis& kpi);

struct Breakdown;  // report.h
struct BreakdownQuery;
struct Comparison;
struct Trend;
struct TrendQuery;
enum class Dimension : std::uint8_t;
struct Funnel;  // funnel.h
struct FunnelBreakdown;
struct FunnelQuery;
struct Load;  // load.h
struct LoadBreakdown;
struct LoadQuery;
struct SessionSizes;
struct SizesQuery;
struct ActiveUsers;  // people.h
struct PeopleQuery;
struct Retention;
struct RetentionQuery;
struct SessionsPerUser;
struct Streaks;
struct UserSummary;

class AnswerCache;

// Answers from a store. What it answered it keeps until the store changes, see kpi_cache.h: an answer
// is never older than the store when it was asked for. Thread-safe. The clock must outlive it.
class KpiCalculator {
 public:
  // `region` is only the name that AllKpis shows when the filter has none.
  KpiCalculator(std::shared_ptr<Store> store, std::string region,
                const Clock& clock = Clock::System(), const KpiCacheOptions& cache = {});
  // With a cache that others may know, and Options::user_id_key.
  KpiCalculator(std::shared_ptr<Store> store, std::string region, const Clock& clock,
                std::shared_ptr<AnswerCache> cache, std::string user_id_key);

  // Exact to the microsecond, to which the summary's period is rounded up. InvalidArgument unless
  // period.from <= period.to, both in 1970..9999.
  absl::StatusOr<KpiSummary> Summarize(const KpiQuery& query) const;

  absl::StatusOr<ConversionFunnel> GetConversionFunnel(const KpiQuery& query) const;
  absl::StatusOr<GreenHourUtilization> GetGreenHourUtilization(const KpiQuery& query) const;
  absl::StatusOr<StreakMetrics> GetStreakMetrics(const KpiQuery& query) const;
  absl::StatusOr<RevenueMetrics> GetRevenueMetrics(const KpiQuery& query) const;
  // All four over the same period and the same state of the store.
  absl::StatusOr<AllKpis> GetAllKpis(const KpiQuery& query) const;

  // See report.h. InvalidArgument also for an unknown time zone, and for too many buckets.
  absl::StatusOr<Trend> GetTrend(const TrendQuery& query) const;
  absl::StatusOr<Breakdown> GetBreakdown(const BreakdownQuery& query) const;
  // With the period as long before it, which must lie in the years 1970 to 9999, too.
  absl::StatusOr<Comparison> Compare(const KpiQuery& query) const;

  // See funnel.h. What runs or is abandoned is told by the clock. InvalidArgument also for a negative
  // duration. `top` as in BreakdownQuery.
  absl::StatusOr<Funnel> GetFunnel(const FunnelQuery& query) const;
  absl::StatusOr<FunnelBreakdown> GetFunnelBreakdown(const FunnelQuery& query, Dimension dimension,
                                                     std::size_t top) const;

  // See load.h. InvalidArgument also for an unknown time zone, a period of more than some 5 years, or
  // a duration or bin out of its range. `top` as in BreakdownQuery.
  absl::StatusOr<Load> GetLoad(const LoadQuery& query) const;
  absl::StatusOr<LoadBreakdown> GetLoadBreakdown(const LoadQuery& query, Dimension dimension,
                                                 std::size_t top) const;
  absl::StatusOr<SessionSizes> GetSessionSizes(const SizesQuery& query) const;

  // See people.h. InvalidArgument also for an unknown time zone, retention by the hour, an
  // empty user_id, and too many buckets. `leaders`: how many are listed.
  absl::StatusOr<ActiveUsers> GetActiveUsers(const PeopleQuery& query) const;
  absl::StatusOr<Retention> GetRetention(const RetentionQuery& query) const;
  absl::StatusOr<SessionsPerUser> GetSessionsPerUser(const KpiQuery& query) const;
  absl::StatusOr<Streaks> GetStreaks(const PeopleQuery& query, std::size_t leaders) const;
  absl::StatusOr<UserSummary> GetUser(const std::string& user_id, const PeopleQuery& query) const;

  KpiCacheStats cache_stats() const;

  // Period::LastDays with this calculator's clock, and a filter.
  absl::StatusOr<KpiQuery> LastDays(int days, KpiFilter filter = {}) const;

 private:
  const std::shared_ptr<Store> store_;
  const std::string region_;
  const Clock& clock_;
  const std::shared_ptr<AnswerCache> cache_;
  const std::string user_id_key_;
};

}  // namespace nerava::analytics
