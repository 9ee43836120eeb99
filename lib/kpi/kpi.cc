#include "nerava/analytics/kpi.h"

#include <cmath>
#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/summarize.h"
#include "nerava/analytics/money.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMicrosPerUnit = 1'000'000;
constexpr std::int64_t kCentsPerUnit = 100;

double AverageReward(const Totals& totals) {
  return RoundedRatio(totals.reward_microusd, totals.sessions_with_reward * kMicrosPerUnit);
}

absl::Status CheckPeriod(const Period& period) {
  const absl::Time first = absl::UnixEpoch();
  const absl::Time last = absl::FromUnixSeconds(253402300800);  // 10000-01-01
  if (period.from < first || period.to > last || period.from > period.to) {
    return absl::InvalidArgumentError(
        fmt::format("the period from {} to {} is no period; from must not be after to, and both "
                    "must lie in the years 1970 to 9999",
                    absl::FormatTime(absl::RFC3339_full, period.from, absl::UTCTimeZone()),
                    absl::FormatTime(absl::RFC3339_full, period.to, absl::UTCTimeZone())));
  }
  return absl::OkStatus();
}

// Events happen at whole microseconds: one at t is in [from, to) if and only if it is in the period
// with both bounds rounded up to them, which every store can represent.
absl::Time RoundedUp(absl::Time time) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), absl::Microseconds(1));
}

absl::StatusOr<KpiSummary> SummarizeStore(Store& store, const KpiQuery& query) try {
  KpiSummary summary;
  absl::Status status = store.Read([&](ReadTransaction& transaction) {
    auto answer = Summarize(transaction, query);
    if (!answer.ok()) return answer.status();
    summary = *std::move(answer);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return summary;
} catch (const std::exception& error) {
  return absl::UnavailableError(fmt::format("the store threw: {}", error.what()));
} catch (...) {
  return absl::UnavailableError("the store threw something that is no std::exception");
}

}  // namespace

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

KpiCalculator::KpiCalculator(std::shared_ptr<Store> store, std::string region, const Clock& clock)
    : store_(std::move(store)), region_(std::move(region)), clock_(clock) {}

absl::StatusOr<KpiSummary> KpiCalculator::Summarize(const KpiQuery& query) const {
  if (absl::Status valid = CheckPeriod(query.period); !valid.ok()) return valid;
  const Period period{RoundedUp(query.period.from), RoundedUp(query.period.to)};
  return SummarizeStore(*store_, {period, query.filter});
}

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
