#include "nerava/analytics/report.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "lib/kpi/accumulator.h"
#include "lib/kpi/calendar.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"

namespace nerava::analytics {
namespace {

std::string_view NameIn(Dimension dimension, std::string_view region, std::string_view hub_id,
                        std::string_view window_id) {
  switch (dimension) {
    case Dimension::kRegion:
      return region;
    case Dimension::kHub:
      return hub_id;
    case Dimension::kWindow:
      break;
  }
  return window_id;
}

using Groups = std::map<std::string, Accumulator, std::less<>>;

absl::Status ScanGroups(ReadTransaction& transaction, const BreakdownQuery& query, Groups* groups) {
  const Detail detail =
      query.dimension == Dimension::kRegion ? Detail::kRegion : Detail::kHubAndWindow;
  const auto group_of = [&](const auto& part) -> Accumulator& {
    const auto name = NameIn(query.dimension, part.region, part.hub_id, part.window_id);
    const auto found = groups->find(name);
    return found != groups->end() ? found->second : (*groups)[std::string(name)];
  };
  const absl::Time bounds[] = {query.period.from, query.period.to};
  return Scanner(transaction)
      .Scan(
          bounds, query.filter, detail,
          [&](std::size_t, const AggregateRow& row) { return group_of(row).Add(row); },
          [&](std::size_t, const Fact& fact, std::uint32_t user) {
            return group_of(fact).Add(fact, user);
          });
}

absl::StatusOr<Breakdown> BreakDown(ReadTransaction& transaction, const BreakdownQuery& query) {
  Groups groups;
  if (absl::Status read = ScanGroups(transaction, query, &groups); !read.ok()) return read;

  Breakdown result;
  result.period = query.period;
  result.dimension = query.dimension;
  std::map<std::string_view, Accumulator*> by_name;
  for (auto& [name, group] : groups) {
    auto summary = group.Sum(query.period);
    if (!summary.ok()) return summary.status();
    // What later events took back leaves nothing.
    if (summary->totals == Totals{} && summary->unique_users == 0) continue;
    by_name[name] = &group;
    result.rows.push_back({name, *std::move(summary)});
  }
  std::sort(result.rows.begin(), result.rows.end(), [](const auto& a, const auto& b) {
    const Totals& x = a.summary.totals;
    const Totals& y = b.summary.totals;
    return std::tie(y.total_sessions, y.sessions_started, a.name) <
           std::tie(x.total_sessions, x.sessions_started, b.name);
  });

  Accumulator other;
  if (query.top > 0 && result.rows.size() > query.top) {
    for (std::size_t i = query.top; i < result.rows.size(); ++i) {
      absl::Status added = other.Add(*by_name[result.rows[i].name]);
      if (!added.ok()) return added;
    }
    result.others = result.rows.size() - query.top;
    result.rows.resize(query.top);
  }
  auto rest = other.Sum(query.period);
  if (!rest.ok()) return rest.status();
  result.other = *std::move(rest);
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
  return ReadStore<Trend>(*store_, [&](ReadTransaction& transaction) -> absl::StatusOr<Trend> {
    std::vector<absl::Time> bounds{period->from};
    for (const Period& bucket : *buckets) bounds.push_back(std::min(bucket.to, period->to));
    std::vector<Accumulator> sums(buckets->size());
    absl::Status read =
        Scanner(transaction)
            .Scan(
                bounds, query.filter, Detail::kRegion,
                [&](std::size_t i, const AggregateRow& row) { return sums[i].Add(row); },
                [&](std::size_t i, const Fact& fact, std::uint32_t user) {
                  return sums[i].Add(fact, user);
                });
    if (!read.ok()) return read;

    Trend trend{*period, query.interval, query.time_zone, {}};
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const Period& bucket = (*buckets)[i];
      const Period inside{bounds[i], bounds[i + 1]};
      auto summary = sums[i].Sum(inside);
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
  return ReadStore<Breakdown>(
      *store_, [&](ReadTransaction& transaction) { return BreakDown(transaction, checked); });
}

absl::StatusOr<Comparison> KpiCalculator::Compare(const KpiQuery& query) const {
  auto current = CheckedPeriod(query.period);
  if (!current.ok()) return current.status();
  auto previous = CheckedPeriod({current->from - (current->to - current->from), current->from});
  if (!previous.ok()) return previous.status();
  return ReadStore<Comparison>(
      *store_, [&](ReadTransaction& transaction) -> absl::StatusOr<Comparison> {
        auto now = analytics::Summarize(transaction, {*current, query.filter});
        if (!now.ok()) return now.status();
        auto before = analytics::Summarize(transaction, {*previous, query.filter});
        if (!before.ok()) return before.status();
        return Comparison{*std::move(now), *std::move(before)};
      });
}

}  // namespace nerava::analytics
