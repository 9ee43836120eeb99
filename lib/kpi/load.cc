#include "nerava/analytics/load.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/calendar.h"
#include "lib/kpi/groups.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "lib/kpi/weighted_values.h"
#include "lib/projection/checked_totals.h"
#include "nerava/analytics/money.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMicrosPerUnit = 1'000'000;
constexpr std::size_t kMaxHours = 25 * (Period::kMaxDays + 2);

// The hours of a period, and which of the week each one is.
struct Hours {
  std::vector<std::int64_t> bounds;  // microseconds since 1970, one more than `of_week`
  std::vector<std::size_t> of_week;

  // Of a moment within the bounds.
  std::size_t Of(std::int64_t micros) const {
    const auto next = std::upper_bound(bounds.begin(), bounds.end(), micros);
    return of_week[static_cast<std::size_t>(next - bounds.begin()) - 1];
  }
};

absl::StatusOr<Hours> HoursOf(const Period& period, const absl::TimeZone& zone) {
  auto buckets = CutByCalendar(period, Interval::kHour, zone, kMaxHours);
  if (!buckets.ok()) return buckets.status();
  Hours hours;
  hours.bounds.push_back(absl::ToUnixMicros(period.from));
  for (const Period& bucket : *buckets) {
    const absl::TimeZone::CivilInfo local = zone.At(bucket.from);
    const auto day = static_cast<std::size_t>(absl::GetWeekday(local.cs));  // Monday is 0
    hours.of_week.push_back(24 * day + static_cast<std::size_t>(local.cs.hour()));
    hours.bounds.push_back(absl::ToUnixMicros(std::min(bucket.to, period.to)));
  }
  return hours;
}

struct Asked {
  AnsweredPeriod period;
  Hours hours;
  std::int64_t now;      // microseconds since 1970
  std::int64_t longest;  // session, microseconds
};

class LoadSums {
 public:
  absl::Status Add(const Fact& fact, const Asked& asked) {
    const bool inside = fact.time >= asked.period.from;
    absl::Status added = AddChecked(fact.totals, inside ? &totals_ : &before_);
    if (added.ok() && inside) {
      added = AddChecked(fact.totals, &by_hour_[asked.hours.Of(absl::ToUnixMicros(fact.time))]);
    }
    if (added.ok()) AddRuns(fact, asked);
    return added;
  }

  absl::Status Add(LoadSums& other) {
    changes_.Add(other.changes_);
    for (const auto& [hour, totals] : other.by_hour_) {
      if (absl::Status added = AddChecked(totals, &by_hour_[hour]); !added.ok()) return added;
    }
    return AddChecked(other.totals_, &totals_);
  }

  absl::StatusOr<Totals> Total() const { return totals_; }

  // Whether a session charged at any moment of the period.
  bool Ran(const Asked& asked) {
    const Load load = Sum(asked);
    return std::any_of(load.cells.begin(), load.cells.end(),
                       [](const LoadCell& cell) { return cell.peak_concurrency > 0; });
  }

  Load Sum(const Asked& asked) {
    Load load;
    load.period = asked.period;
    for (const auto& [hour, totals] : by_hour_) {
      LoadCell& cell = load.cells[hour];
      cell.sessions_started = totals.sessions_started;
      cell.total_sessions = totals.total_sessions;
      cell.energy_kwh = RoundedRatio(totals.energy_mwh, kMicrosPerUnit);
    }
    AddConcurrency(asked, &load);
    return load;
  }

 private:
  // A started session runs on, until it is known when it stopped.
  void AddRuns(const Fact& fact, const Asked& asked) {
    const std::int64_t start = absl::ToUnixMicros(fact.time);
    const std::int64_t end = std::max(start, std::min(start + asked.longest, asked.now));
    changes_.Add(start, fact.totals.sessions_started);
    changes_.Add(end, -fact.totals.sessions_started);
    if (!fact.time_to_stop) return;
    const std::int64_t length =
        std::min(absl::ToInt64Microseconds(*fact.time_to_stop), asked.longest);
    changes_.Add(end, fact.totals.sessions_completed);
    changes_.Add(start + length, -fact.totals.sessions_completed);
  }

  // Goes through the hours and the changes together.
  void AddConcurrency(const Asked& asked, Load* load) {
    struct Used {
      std::int64_t micros = 0;
      absl::int128 session_micros = 0;
    };
    std::array<Used, Load::kHours> used;
    const auto& changes = changes_.Sorted();
    auto change = changes.begin();
    std::int64_t sessions = 0;
    const Hours& hours = asked.hours;
    for (std::size_t i = 0; i < hours.of_week.size(); ++i) {
      LoadCell& cell = load->cells[hours.of_week[i]];
      Used& sum = used[hours.of_week[i]];
      const std::int64_t end = std::min(hours.bounds[i + 1], asked.now);
      for (std::int64_t at = hours.bounds[i]; at < end;) {
        for (; change != changes.end() && change->first <= at; ++change) sessions += change->second;
        const std::int64_t next = change != changes.end() ? std::min(change->first, end) : end;
        cell.peak_concurrency = std::max(cell.peak_concurrency, sessions);
        sum.micros += next - at;
        sum.session_micros += absl::int128(sessions) * (next - at);
        at = next;
      }
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (used[i].micros == 0) continue;
      const absl::int128 hundredths =
          (used[i].session_micros * 200 / used[i].micros + 1) / 2;  // half away from zero
      load->cells[i].avg_concurrency =
          static_cast<double>(static_cast<std::int64_t>(hundredths)) / 100;
    }
  }

  std::map<std::size_t, Totals> by_hour_;  // of the week; most groups have few
  Totals totals_;                          // of the period
  Totals before_;                          // of what began before it
  WeightedValues changes_;                 // of the number of sessions, by microseconds since 1970
};

absl::StatusOr<Asked> CheckedLoad(const LoadQuery& query, absl::Time now) {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  if (query.longest_session < absl::ZeroDuration() || query.longest_session > 7 * absl::Hours(24)) {
    return absl::InvalidArgumentError(
        fmt::format("longest_session is {}; it must be from 0 to 7 days",
                    absl::FormatDuration(query.longest_session)));
  }
  auto zone = FindTimeZone(query.time_zone);
  if (!zone.ok()) return zone.status();
  auto hours = HoursOf(*period, *zone);
  if (!hours.ok()) return hours.status();
  return Asked{{*period},
               *std::move(hours),
               absl::ToUnixMicros(now),
               absl::ToInt64Microseconds(query.longest_session)};
}

// And says how exactly asked->period is answered.
absl::Status ScanLoad(ReadTransaction& transaction, const KpiFilter& filter, Asked* asked,
                      AggregateTable::FactSink sink) {
  // Sessions that began before it may run on into the period.
  const absl::Time from = asked->period.from - absl::Microseconds(asked->longest);
  Scanner scanner(transaction);
  const Period read{std::max(from, absl::UnixEpoch()), asked->period.to};
  asked->period.grain = scanner.GrainOf(read, filter, Detail::kSession);
  return scanner.Facts(read, filter, sink);
}

// After the period the clock changes nothing.
Question QuestionOf(std::string_view name, const Asked& asked, const LoadQuery& query) {
  return Question(name)
      .Add(asked.period)
      .Add(query.filter)
      .Add(query.time_zone)
      .Add(asked.longest)
      .Add(std::min(asked.now, absl::ToUnixMicros(asked.period.to)));
}

}  // namespace

absl::StatusOr<Load> KpiCalculator::GetLoad(const LoadQuery& query) const {
  auto asked = CheckedLoad(query, clock_.Now());
  if (!asked.ok()) return asked.status();
  return CachedRead<Load>(*cache_, *store_, QuestionOf("load", *asked, query),
                          [&](ReadTransaction& transaction) -> absl::StatusOr<Load> {
                            LoadSums sums;
                            absl::Status read = ScanLoad(transaction, query.filter, &*asked,
                                                         [&](const Fact& fact, std::uint32_t) {
                                                           return sums.Add(fact, *asked);
                                                         });
                            if (!read.ok()) return read;
                            return sums.Sum(*asked);
                          });
}

absl::StatusOr<LoadBreakdown> KpiCalculator::GetLoadBreakdown(const LoadQuery& query,
                                                              Dimension dimension,
                                                              std::size_t top) const {
  auto asked = CheckedLoad(query, clock_.Now());
  if (!asked.ok()) return asked.status();
  return CachedRead<LoadBreakdown>(
      *cache_, *store_,
      QuestionOf("load by", *asked, query)
          .Add(static_cast<std::int64_t>(dimension))
          .Add(static_cast<std::int64_t>(top)),
      [&](ReadTransaction& transaction) -> absl::StatusOr<LoadBreakdown> {
        Groups<LoadSums> groups(dimension);
        absl::Status read = ScanLoad(
            transaction, query.filter, &*asked,
            [&](const Fact& fact, std::uint32_t) { return groups.Of(fact).Add(fact, *asked); });
        if (!read.ok()) return read;
        auto shown = groups.Show(top, [&](LoadSums& group) { return !group.Ran(*asked); });
        if (!shown.ok()) return shown.status();
        LoadBreakdown breakdown{
            asked->period, dimension, {}, shown->others, shown->other.Sum(*asked)};
        for (const auto& [name, group] : shown->rows) {
          breakdown.rows.push_back({name, group->Sum(*asked)});
        }
        return breakdown;
      });
}

}  // namespace nerava::analytics
