#include "nerava/analytics/funnel.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/groups.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "lib/kpi/weighted_values.h"
#include "lib/projection/checked_totals.h"
#include "nerava/analytics/money.h"

namespace nerava::analytics {
namespace {

// What a query asks, as facts are held against it.
struct Limits {
  std::int64_t window_micros;  // from the start
  absl::Time running_after;    // who started then or before is not running any more
};

std::int64_t Micros(absl::Duration duration) { return absl::ToInt64Microseconds(duration); }

class FunnelSums {
 public:
  absl::Status Add(const Fact& fact, const Limits& limits) {
    const Totals& totals = fact.totals;
    if (absl::Status added = AddChecked(totals, &totals_); !added.ok()) return added;
    const std::int64_t open = totals.sessions_started - totals.sessions_completed;
    (fact.time > limits.running_after ? running_ : abandoned_) += open;
    if (fact.time_to_stop && Micros(*fact.time_to_stop) <= limits.window_micros) {
      const std::int64_t to_stop = Micros(*fact.time_to_stop);
      to_complete_.Add(to_stop, totals.sessions_completed);
      if (fact.time_to_credit && Micros(*fact.time_to_credit) <= limits.window_micros) {
        const std::int64_t from_stop = Micros(*fact.time_to_credit) - to_stop;
        to_credit_.Add(std::max<std::int64_t>(from_stop, 0), totals.sessions_credited);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Add(FunnelSums& other) {
    running_ += other.running_;
    abandoned_ += other.abandoned_;
    to_complete_.Add(other.to_complete_);
    to_credit_.Add(other.to_credit_);
    return AddChecked(other.totals_, &totals_);
  }

  absl::StatusOr<Totals> Total() const { return totals_; }

  Funnel Sum(const AnsweredPeriod& period) {
    constexpr std::int64_t kMicrosPerUnit = 1'000'000;
    Funnel funnel;
    funnel.period = period;
    funnel.sessions_started = totals_.sessions_started;
    funnel.sessions_completed = to_complete_.count();
    funnel.sessions_credited = to_credit_.count();
    funnel.sessions_late = totals_.sessions_completed - to_complete_.count();
    funnel.sessions_running = running_;
    funnel.sessions_abandoned = abandoned_;
    funnel.orphan_stops = totals_.orphan_stops;
    funnel.completion_rate = RoundedRatio(funnel.sessions_completed, funnel.sessions_started, 100);
    funnel.credit_rate = RoundedRatio(funnel.sessions_credited, funnel.sessions_completed, 100);
    funnel.median_time_to_complete = Percentile(to_complete_, 50);
    funnel.p90_time_to_complete = Percentile(to_complete_, 90);
    funnel.median_time_to_credit = Percentile(to_credit_, 50);
    funnel.p90_time_to_credit = Percentile(to_credit_, 90);
    funnel.rewards_granted_usd = RoundedRatio(totals_.reward_microusd, kMicrosPerUnit);
    funnel.rewards_owed_usd = RoundedRatio(totals_.owed_microusd, kMicrosPerUnit);
    return funnel;
  }

 private:
  static std::optional<absl::Duration> Percentile(WeightedValues& micros, int percent) {
    const auto value = micros.Percentile(percent);
    if (!value) return std::nullopt;
    return absl::Microseconds(*value);
  }

  Totals totals_;
  std::int64_t running_ = 0;
  std::int64_t abandoned_ = 0;
  WeightedValues to_complete_;  // microseconds
  WeightedValues to_credit_;
};

absl::StatusOr<Limits> CheckedLimits(const FunnelQuery& query, absl::Time now) {
  for (const auto& [name, duration] : {std::pair{"conversion_window", query.conversion_window},
                                       std::pair{"abandon_after", query.abandon_after}}) {
    if (duration < absl::ZeroDuration()) {
      return absl::InvalidArgumentError(
          fmt::format("{} is {}; it must not be negative", name, absl::FormatDuration(duration)));
    }
  }
  return Limits{Micros(query.conversion_window), now - query.abandon_after};
}

// Once nobody of the period can be running, the clock changes nothing.
Question QuestionOf(std::string_view name, const Period& period, const FunnelQuery& query,
                    const Limits& limits) {
  return Question(name)
      .Add(period)
      .Add(query.filter)
      .Add(limits.window_micros)
      .Add(std::min(limits.running_after, period.to));
}

}  // namespace

absl::StatusOr<Funnel> KpiCalculator::GetFunnel(const FunnelQuery& query) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  auto limits = CheckedLimits(query, clock_.Now());
  if (!limits.ok()) return limits.status();
  return CachedRead<Funnel>(
      *cache_, *store_, QuestionOf("funnel", *period, query, *limits),
      [&](ReadTransaction& transaction) -> absl::StatusOr<Funnel> {
        FunnelSums sums;
        Scanner scanner(transaction);
        absl::Status read =
            scanner.Facts(*period, query.filter,
                          [&](const Fact& fact, std::uint32_t) { return sums.Add(fact, *limits); });
        if (!read.ok()) return read;
        return sums.Sum(scanner.Answered(*period, query.filter, Detail::kSession));
      });
}

absl::StatusOr<FunnelBreakdown> KpiCalculator::GetFunnelBreakdown(const FunnelQuery& query,
                                                                  Dimension dimension,
                                                                  std::size_t top) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  auto limits = CheckedLimits(query, clock_.Now());
  if (!limits.ok()) return limits.status();
  return CachedRead<FunnelBreakdown>(
      *cache_, *store_,
      QuestionOf("funnel by", *period, query, *limits)
          .Add(static_cast<std::int64_t>(dimension))
          .Add(static_cast<std::int64_t>(top)),
      [&](ReadTransaction& transaction) -> absl::StatusOr<FunnelBreakdown> {
        Groups<FunnelSums> groups(dimension);
        Scanner scanner(transaction);
        absl::Status read = scanner.Facts(
            *period, query.filter,
            [&](const Fact& fact, std::uint32_t) { return groups.Of(fact).Add(fact, *limits); });
        if (!read.ok()) return read;
        auto shown = groups.Show(top);
        if (!shown.ok()) return shown.status();
        const AnsweredPeriod answered = scanner.Answered(*period, query.filter, Detail::kSession);
        FunnelBreakdown breakdown{
            answered, dimension, {}, shown->others, shown->other.Sum(answered)};
        for (const auto& [name, group] : shown->rows) {
          breakdown.rows.push_back({name, group->Sum(answered)});
        }
        return breakdown;
      });
}

}  // namespace nerava::analytics
