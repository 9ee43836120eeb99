#include "nerava/analytics/report.h"

#include <algorithm>
#include <utility>

#include "lib/kpi/accumulator.h"
#include "lib/kpi/bucket_sums.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/calendar.h"
#include "lib/kpi/groups.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"

namespace nerava::analytics {
namespace {

absl::StatusOr<Breakdown> BreakDown(ReadTransaction& transaction, const BreakdownQuery& query) {
  const Detail detail =
      query.dimension == Dimension::kRegion ? Detail::kRegion : Detail::kHubAndWindow;
  Groups<Accumulator> groups(query.dimension);
  Scanner scanner(transaction);
  const absl::Time bounds[] = {query.period.from, query.period.to};
  absl::Status read = scanner.Scan(
      bounds, query.filter, detail,
      [&](std::size_t, const AggregateRow& row) { return groups.Of(row).Add(row); },
      [&](std::size_t, const Fact& fact, std::uint32_t user) {
        return groups.Of(fact).Add(fact, user);
      });
  if (!read.ok()) return read;
  auto shown = groups.Show(query.top);
  if (!shown.ok()) return shown.status();

  Breakdown result;
  result.period = scanner.Answered(query.period, query.filter, detail);
  result.dimension = query.dimension;
  for (const auto& [name, group] : shown->rows) {
    auto summary = group->Sum(result.period);
    if (!summary.ok()) return summary.status();
    result.rows.push_back({name, *std::move(summary)});
  }
  result.others = shown->others;
  auto other = shown->other.Sum(result.period);
  if (!other.ok()) return other.status();
  result.other = *std::move(other);
  return result;
}

}  // namespace

absl::StatusOr<Trend> KpiCalculator::GetTrend(const TrendQuery& query) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  auto zone = FindTimeZone(query.time_zone);
  if (!zone.ok()) return zone.status();
  auto buckets = CutByCalendar(*period, query.interval, *zone, Trend::kMaxBuckets);
  if (!buckets.ok()) return buckets.status();
  return CachedRead<Trend>(
      *cache_, *store_,
      Question("trend")
          .Add(*period)
          .Add(query.filter)
          .Add(static_cast<std::int64_t>(query.interval))
          .Add(query.time_zone),
      [&](ReadTransaction& transaction) -> absl::StatusOr<Trend> {
        std::vector<absl::Time> bounds{period->from};
        for (const Period& bucket : *buckets) bounds.push_back(std::min(bucket.to, period->to));
        Scanner scanner(transaction);
        auto sums = SumByBucket(scanner, bounds, query.filter);
        if (!sums.ok()) return sums.status();

        Trend trend{{*period, CoarsestOf(scanner, bounds, query.filter)},
                    query.interval,
                    query.time_zone,
                    {}};
        for (std::size_t i = 0; i < sums->size(); ++i) {
          const Period& bucket = (*buckets)[i];
          const Period inside{bounds[i], bounds[i + 1]};
          auto summary = (*sums)[i].Sum(scanner.Answered(inside, query.filter, Detail::kRegion));
          if (!summary.ok()) return summary.status();
          const bool complete = inside.from == bucket.from && inside.to == bucket.to;
          trend.buckets.push_back({bucket, complete, *std::move(summary)});
        }
        return trend;
      });
}

absl::StatusOr<Breakdown> KpiCalculator::GetBreakdown(const BreakdownQuery& query) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  BreakdownQuery checked = query;
  checked.period = *period;
  return CachedRead<Breakdown>(
      *cache_, *store_,
      Question("breakdown")
          .Add(*period)
          .Add(query.filter)
          .Add(static_cast<std::int64_t>(query.dimension))
          .Add(static_cast<std::int64_t>(query.top)),
      [&](ReadTransaction& transaction) { return BreakDown(transaction, checked); });
}

absl::StatusOr<Comparison> KpiCalculator::Compare(const KpiQuery& query) const {
  auto current = CheckedPeriod(query.period);
  if (!current.ok()) return current.status();
  auto previous = CheckedPeriod({current->from - (current->to - current->from), current->from});
  if (!previous.ok()) return previous.status();
  return CachedRead<Comparison>(
      *cache_, *store_, Question("comparison").Add(*current).Add(query.filter),
      [&](ReadTransaction& transaction) -> absl::StatusOr<Comparison> {
        auto now = analytics::Summarize(transaction, {*current, query.filter});
        if (!now.ok()) return now.status();
        auto before = analytics::Summarize(transaction, {*previous, query.filter});
        if (!before.ok()) return before.status();
        return Comparison{*std::move(now), *std::move(before)};
      });
}

}  // namespace nerava::analytics
