#include "nerava/analytics/kpi.h"

#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "nerava/analytics/money.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMicrosPerUnit = 1'000'000;
constexpr std::int64_t kCentsPerUnit = 100;

double AverageReward(const Totals& totals) {
  return RoundedRatio(totals.reward_microusd, totals.sessions_with_reward * kMicrosPerUnit);
}

}  // namespace

absl::StatusOr<Period> CheckedPeriod(const Period& period) {
  const absl::Time first = absl::UnixEpoch();
  const absl::Time last = absl::FromUnixSeconds(253402300800);  // 10000-01-01
  if (period.from < first || period.to > last || period.from > period.to) {
    return absl::InvalidArgumentError(
        fmt::format("the period from {} to {} is no period; from must not be after to, and both "
                    "must lie in the years 1970 to 9999",
                    absl::FormatTime(absl::RFC3339_full, period.from, absl::UTCTimeZone()),
                    absl::FormatTime(absl::RFC3339_full, period.to, absl::UTCTimeZone())));
  }
  const auto rounded_up = [](absl::Time time) {
    return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), absl::Microseconds(1));
  };
  return Period{rounded_up(period.from), rounded_up(period.to)};
}

absl::StatusOr<Period> Period::LastDays(int days, absl::Time now) {
  if (days < 1 || days > kMaxDays) {
    return absl::InvalidArgumentError(
        fmt::format("days is {}; it must be from 1 to {}", days, kMaxDays));
  }
  return Period{now - days * absl::Hours(24), now};
}

double Period::days() const {
  return std::round(absl::FDivDuration(to - from, absl::Hours(24)) * 1e6) / 1e6;
}

ConversionFunnel MakeConversionFunnel(const KpiSummary& summary) {
  const Totals& totals = summary.totals;
  ConversionFunnel kpi;
  kpi.period = summary.period;
  kpi.sessions_started = totals.sessions_started;
  kpi.sessions_completed = totals.sessions_completed;
  kpi.sessions_credited = totals.sessions_credited;
  kpi.orphan_stops = totals.orphan_stops;
  kpi.completion_rate = RoundedRatio(totals.sessions_completed, totals.sessions_started, 100);
  kpi.credit_rate = RoundedRatio(totals.sessions_credited, totals.sessions_completed, 100);
  return kpi;
}

GreenHourUtilization MakeGreenHourUtilization(const KpiSummary& summary) {
  const Totals& totals = summary.totals;
  GreenHourUtilization kpi;
  kpi.period = summary.period;
  kpi.active_window_sessions = totals.active_window_sessions;
  kpi.total_sessions = totals.total_sessions;
  kpi.utilization_rate = RoundedRatio(totals.active_window_sessions, totals.total_sessions, 100);
  kpi.avg_reward_usd = AverageReward(totals);
  return kpi;
}

StreakMetrics MakeStreakMetrics(const KpiSummary& summary) {
  const Totals& totals = summary.totals;
  StreakMetrics kpi;
  kpi.period = summary.period;
  kpi.unique_users = summary.unique_users;
  kpi.total_sessions = totals.total_sessions;
  kpi.sessions_per_user =
      RoundedRatio(totals.sessions_with_user, static_cast<std::int64_t>(summary.unique_users));
  kpi.avg_reward_usd = AverageReward(totals);
  return kpi;
}

RevenueMetrics MakeRevenueMetrics(const KpiSummary& summary) {
  const Totals& totals = summary.totals;
  RevenueMetrics kpi;
  kpi.period = summary.period;
  kpi.total_rewards_usd = RoundedRatio(totals.reward_microusd, kMicrosPerUnit);
  kpi.total_sessions = totals.total_sessions;
  kpi.avg_reward_usd = AverageReward(totals);
  kpi.energy_kwh = RoundedRatio(totals.energy_mwh, kMicrosPerUnit);
  kpi.credited_usd = RoundedRatio(totals.credited_cents, kCentsPerUnit);
  return kpi;
}

KpiCalculator::KpiCalculator(std::shared_ptr<Store> store, std::string region, const Clock& clock,
                             const KpiCacheOptions& cache)
    : KpiCalculator(std::move(store), std::move(region), clock,
                    std::make_shared<AnswerCache>(cache.max_bytes), "") {}

KpiCalculator::KpiCalculator(std::shared_ptr<Store> store, std::string region, const Clock& clock,
                             std::shared_ptr<AnswerCache> cache, std::string user_id_key)
    : store_(std::move(store)),
      region_(std::move(region)),
      clock_(clock),
      cache_(std::move(cache)),
      user_id_key_(std::move(user_id_key)) {}

absl::StatusOr<KpiSummary> KpiCalculator::Summarize(const KpiQuery& query) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  return CachedSummary(*cache_, *store_, {*period, query.filter}, AnswerCache::Purpose::kAnswer);
}

KpiCacheStats KpiCalculator::cache_stats() const { return cache_->stats(); }

absl::StatusOr<ConversionFunnel> KpiCalculator::GetConversionFunnel(const KpiQuery& query) const {
  auto summary = Summarize(query);
  if (!summary.ok()) return summary.status();
  return MakeConversionFunnel(*summary);
}

absl::StatusOr<GreenHourUtilization> KpiCalculator::GetGreenHourUtilization(
    const KpiQuery& query) const {
  auto summary = Summarize(query);
  if (!summary.ok()) return summary.status();
  return MakeGreenHourUtilization(*summary);
}

absl::StatusOr<StreakMetrics> KpiCalculator::GetStreakMetrics(const KpiQuery& query) const {
  auto summary = Summarize(query);
  if (!summary.ok()) return summary.status();
  return MakeStreakMetrics(*summary);
}

absl::StatusOr<RevenueMetrics> KpiCalculator::GetRevenueMetrics(const KpiQuery& query) const {
  auto summary = Summarize(query);
  if (!summary.ok()) return summary.status();
  return MakeRevenueMetrics(*summary);
}

absl::StatusOr<AllKpis> KpiCalculator::GetAllKpis(const KpiQuery& query) const {
  auto summary = Summarize(query);
  if (!summary.ok()) return summary.status();
  AllKpis all;
  all.conversion_funnel = MakeConversionFunnel(*summary);
  all.green_hour_utilization = MakeGreenHourUtilization(*summary);
  all.streak_metrics = MakeStreakMetrics(*summary);
  all.revenue_metrics = MakeRevenueMetrics(*summary);
  all.generated_at = clock_.Now();
  all.region = query.filter.region.empty() ? region_ : query.filter.region;
  return all;
}

absl::StatusOr<KpiQuery> KpiCalculator::LastDays(int days, KpiFilter filter) const {
  auto period = Period::LastDays(days, clock_.Now());
  if (!period.ok()) return period.status();
  return KpiQuery{*period, std::move(filter)};
}

}  // namespace nerava::analytics
