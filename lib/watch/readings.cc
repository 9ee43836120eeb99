#include "lib/watch/readings.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "fmt/format.h"
#include "lib/event/text.h"
#include "nerava/analytics/funnel.h"
#include "nerava/analytics/people.h"

namespace nerava::analytics {
namespace {

enum class Over : std::uint8_t {
  kAnything,  // a count or a sum, which is 0 over nothing
  kSample,    // a rate, an average or a percentile, which over nothing is unknown
};

// A number of an answer, and how many of what it is over.
template <typename Answer>
struct Kpi {
  std::string_view name;
  Over over;
  std::optional<double> (*value)(const Answer&);
  std::int64_t (*sample)(const Answer&);
};

template <typename Number>
std::optional<double> Value(Number number) {
  return static_cast<double>(number);
}
std::optional<double> Value(const std::optional<absl::Duration>& time) {
  if (!time) return std::nullopt;
  return absl::ToDoubleSeconds(*time);
}

// The value of a member of what `Make` makes of a summary.
template <auto Make, auto kMember>
std::optional<double> Of(const KpiSummary& summary) {
  return Value(Make(summary).*kMember);
}
template <auto kMember>
std::int64_t Total(const KpiSummary& summary) {
  return summary.totals.*kMember;
}
std::int64_t Users(const KpiSummary& summary) {
  return static_cast<std::int64_t>(summary.unique_users);
}

constexpr Kpi<KpiSummary> kOfSummary[] = {
    {"sessions_started", Over::kAnything,
     Of<MakeConversionFunnel, &ConversionFunnel::sessions_started>,
     Total<&Totals::sessions_started>},
    {"sessions_completed", Over::kAnything,
     Of<MakeConversionFunnel, &ConversionFunnel::sessions_completed>,
     Total<&Totals::sessions_started>},
    {"sessions_credited", Over::kAnything,
     Of<MakeConversionFunnel, &ConversionFunnel::sessions_credited>,
     Total<&Totals::sessions_completed>},
    {"completion_rate", Over::kSample, Of<MakeConversionFunnel, &ConversionFunnel::completion_rate>,
     Total<&Totals::sessions_started>},
    {"credit_rate", Over::kSample, Of<MakeConversionFunnel, &ConversionFunnel::credit_rate>,
     Total<&Totals::sessions_completed>},
    {"orphan_stops", Over::kAnything, Of<MakeConversionFunnel, &ConversionFunnel::orphan_stops>,
     Total<&Totals::total_sessions>},
    {"active_window_sessions", Over::kAnything,
     Of<MakeGreenHourUtilization, &GreenHourUtilization::active_window_sessions>,
     Total<&Totals::total_sessions>},
    {"total_sessions", Over::kAnything, Of<MakeRevenueMetrics, &RevenueMetrics::total_sessions>,
     Total<&Totals::total_sessions>},
    {"utilization_rate", Over::kSample,
     Of<MakeGreenHourUtilization, &GreenHourUtilization::utilization_rate>,
     Total<&Totals::total_sessions>},
    {"avg_reward_usd", Over::kSample, Of<MakeRevenueMetrics, &RevenueMetrics::avg_reward_usd>,
     Total<&Totals::sessions_with_reward>},
    {"unique_users", Over::kAnything, Of<MakeStreakMetrics, &StreakMetrics::unique_users>, Users},
    {"sessions_per_user", Over::kSample, Of<MakeStreakMetrics, &StreakMetrics::sessions_per_user>,
     Users},
    {"total_rewards_usd", Over::kAnything,
     Of<MakeRevenueMetrics, &RevenueMetrics::total_rewards_usd>, Total<&Totals::total_sessions>},
    {"energy_kwh", Over::kAnything, Of<MakeRevenueMetrics, &RevenueMetrics::energy_kwh>,
     Total<&Totals::total_sessions>},
    {"credited_usd", Over::kAnything, Of<MakeRevenueMetrics, &RevenueMetrics::credited_usd>,
     Total<&Totals::total_sessions>},
};

template <auto kMember>
std::optional<double> Step(const Funnel& funnel) {
  return Value(funnel.*kMember);
}
template <auto kMember>
std::int64_t Sessions(const Funnel& funnel) {
  return funnel.*kMember;
}

constexpr Kpi<Funnel> kOfFunnel[] = {
    {"sessions_running", Over::kAnything, Step<&Funnel::sessions_running>,
     Sessions<&Funnel::sessions_started>},
    {"sessions_abandoned", Over::kAnything, Step<&Funnel::sessions_abandoned>,
     Sessions<&Funnel::sessions_started>},
    {"median_time_to_complete_s", Over::kSample, Step<&Funnel::median_time_to_complete>,
     Sessions<&Funnel::sessions_completed>},
    {"p90_time_to_complete_s", Over::kSample, Step<&Funnel::p90_time_to_complete>,
     Sessions<&Funnel::sessions_completed>},
    {"median_time_to_credit_s", Over::kSample, Step<&Funnel::median_time_to_credit>,
     Sessions<&Funnel::sessions_credited>},
    {"p90_time_to_credit_s", Over::kSample, Step<&Funnel::p90_time_to_credit>,
     Sessions<&Funnel::sessions_credited>},
    {"rewards_granted_usd", Over::kAnything, Step<&Funnel::rewards_granted_usd>,
     Sessions<&Funnel::sessions_started>},
    {"rewards_owed_usd", Over::kAnything, Step<&Funnel::rewards_owed_usd>,
     Sessions<&Funnel::sessions_started>},
};

template <auto kMember>
std::optional<double> Active(const ActiveUsers& users) {
  return Value(users.*kMember);
}
std::int64_t Monthly(const ActiveUsers& users) { return static_cast<std::int64_t>(users.monthly); }

constexpr Kpi<ActiveUsers> kOfActiveUsers[] = {
    {"dau", Over::kAnything, Active<&ActiveUsers::daily>, Monthly},
    {"wau", Over::kAnything, Active<&ActiveUsers::weekly>, Monthly},
    {"mau", Over::kAnything, Active<&ActiveUsers::monthly>, Monthly},
    {"stickiness", Over::kSample, Active<&ActiveUsers::stickiness>, Monthly},
};

template <typename Answer, std::size_t kSize>
const Kpi<Answer>* Find(const Kpi<Answer> (&kpis)[kSize], std::string_view name) {
  const auto* const found = std::find_if(std::begin(kpis), std::end(kpis),
                                         [&](const Kpi<Answer>& kpi) { return kpi.name == name; });
  return found == std::end(kpis) ? nullptr : found;
}

AnswerGrain GrainOf(const KpiSummary& summary) { return summary.period.grain; }
AnswerGrain GrainOf(const Funnel& funnel) { return funnel.period.grain; }
AnswerGrain GrainOf(const ActiveUsers& users) { return users.grain; }

template <typename Answer>
Reading ReadingOf(const Kpi<Answer>& kpi, const Answer& answer) {
  Reading reading{kpi.value(answer), kpi.sample(answer)};
  if (kpi.over == Over::kSample && reading.sample == 0) reading.value = std::nullopt;
  // From a part, the rest of which was dropped, nothing is concluded.
  if (GrainOf(answer) == AnswerGrain::kPartial) reading.value = std::nullopt;
  return reading;
}

// By group, of what `all` answers, or of the rows of `by_group`; `kpi_of_row` is where they have it.
template <typename Answer, typename Row, typename All, typename ByGroup>
absl::StatusOr<Readings> ReadBy(const Kpi<Answer>& kpi, const Watch& watch, Answer Row::*kpi_of_row,
                                All all, ByGroup by_group) {
  Readings readings;
  if (!watch.each) {
    auto answer = all();
    if (!answer.ok()) return answer.status();
    readings[""] = ReadingOf<Answer>(kpi, *answer);
    return readings;
  }
  auto breakdown = by_group(*watch.each);
  if (!breakdown.ok()) return breakdown.status();
  for (const Row& row : breakdown->rows) {
    readings[row.name] = ReadingOf<Answer>(kpi, row.*kpi_of_row);
  }
  return readings;
}

// Over [to - period, to).
absl::StatusOr<Readings> ReadAt(const KpiCalculator& kpis, const Watch& watch, absl::Time to) {
  const Period period{to - watch.period, to};
  if (const auto* const kpi = Find(kOfSummary, watch.kpi)) {
    return ReadBy(
        *kpi, watch, &BreakdownRow::summary,
        [&] {
          return kpis.Summarize({period, watch.filter});
        },
        [&](Dimension dimension) {
          return kpis.GetBreakdown({period, watch.filter, dimension, /*top=*/0});
        });
  }
  if (const auto* const kpi = Find(kOfFunnel, watch.kpi)) {
    return ReadBy(
        *kpi, watch, &FunnelRow::funnel,
        [&] {
          return kpis.GetFunnel({period, watch.filter});
        },
        [&](Dimension dimension) {
          return kpis.GetFunnelBreakdown({period, watch.filter}, dimension, /*top=*/0);
        });
  }
  auto users = kpis.GetActiveUsers({to, watch.filter});
  if (!users.ok()) return users.status();
  return Readings{{"", ReadingOf(*Find(kOfActiveUsers, watch.kpi), *users)}};
}

bool IsRatio(const std::string& kpi) {
  const auto is = [](const auto* known) {
    return known != nullptr && known->over == Over::kSample;
  };
  return is(Find(kOfSummary, kpi)) || is(Find(kOfFunnel, kpi)) || is(Find(kOfActiveUsers, kpi));
}

// Of a group that is not in an answer, though in the other one.
Reading Nothing(const std::string& kpi, const Reading& other) {
  return IsRatio(kpi) ? Reading{} : Reading{0.0, other.sample};
}

// In percent, as a Comparison shows it. A count may fall from many to few: the sample is the larger one.
Reading Change(const std::string& kpi, const Reading& now, const Reading& before) {
  Reading change{
      {}, IsRatio(kpi) ? std::min(now.sample, before.sample) : std::max(now.sample, before.sample)};
  if (now.value && before.value && *before.value != 0) {
    change.value = std::round((*now.value - *before.value) / *before.value * 1e4) / 100;
  } else if (now.value == 0 && before.value == 0) {
    change.value = 0;
  }
  return change;
}

}  // namespace

absl::Status CheckKpi(const Watch& watch) {
  const std::string& kpi = watch.kpi;
  const bool of_users = Find(kOfActiveUsers, kpi) != nullptr;
  // Which it is the present decides, also for sessions of the period before.
  const bool by_age = kpi == "sessions_running" || kpi == "sessions_abandoned";
  if (by_age && watch.measure == WatchMeasure::kChange) {
    return absl::InvalidArgumentError(
        fmt::format("the change of {} says nothing: of the period before they are older", kpi));
  }
  if (kpi == "sessions_abandoned" && watch.period <= FunnelQuery().abandon_after) {
    return absl::InvalidArgumentError(fmt::format(
        "sessions_abandoned needs a period of more than {}: before that a session is running",
        absl::FormatDuration(FunnelQuery().abandon_after)));
  }
  if (of_users && watch.each) {
    return absl::InvalidArgumentError(
        fmt::format("{} cannot be watched for each hub, region or window; use a filter", kpi));
  }
  if (of_users || Find(kOfSummary, kpi) != nullptr || Find(kOfFunnel, kpi) != nullptr) {
    return absl::OkStatus();
  }
  std::string names;
  const auto add = [&](const auto& kpis) {
    for (const auto& known : kpis)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  };
  add(kOfSummary);
  add(kOfFunnel);
  add(kOfActiveUsers);
  return absl::InvalidArgumentError(
      fmt::format("there is no KPI {} to watch; there are {}", Quoted(kpi), names));
}

absl::StatusOr<Readings> Read(const KpiCalculator& kpis, const Watch& watch, absl::Time now) {
  auto readings = ReadAt(kpis, watch, now);
  // A group that has nothing now is only known from before.
  if (!readings.ok() || (watch.measure == WatchMeasure::kValue && !watch.each)) return readings;
  auto before = ReadAt(kpis, watch, now - watch.period);
  if (!before.ok()) return before;
  for (const auto& [group, reading] : *before) {
    readings->try_emplace(group, Nothing(watch.kpi, reading));
  }
  if (watch.measure == WatchMeasure::kValue) return readings;
  for (auto& [group, reading] : *readings) {
    const auto earlier = before->find(group);
    reading = Change(watch.kpi, reading,
                     earlier != before->end() ? earlier->second : Nothing(watch.kpi, reading));
  }
  return readings;
}

}  // namespace nerava::analytics
