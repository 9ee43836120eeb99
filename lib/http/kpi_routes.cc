// The KPI groups that the backend's clients read.
#include <utility>

#include "lib/event/json_writer.h"
#include "lib/http/questions.h"
#include "lib/http/routes.h"

namespace nerava::analytics::http {
namespace {

constexpr const Parameter* kParameters[] = {&kDays,      &kFrom, &kTo,      &kTimeZone,
                                            &kRegion,    &kHub,  &kWindow,  &kCompare,
                                            &kBreakdown, &kTop,  &kInterval};

// Without the times that move on with every request to a rolling period.
template <typename Group>
Group Timeless(Group kpi) {
  kpi.period.from = kpi.period.to = absl::UnixEpoch();
  return kpi;
}

AllKpis Timeless(AllKpis kpi) {
  kpi.conversion_funnel = Timeless(kpi.conversion_funnel);
  kpi.green_hour_utilization = Timeless(kpi.green_hour_utilization);
  kpi.streak_metrics = Timeless(kpi.streak_metrics);
  kpi.revenue_metrics = Timeless(kpi.revenue_metrics);
  kpi.generated_at = absl::UnixEpoch();
  return kpi;
}

// What is asked for beside the group.
struct Additions {
  bool compare;
  std::optional<Split> split;
  std::optional<Interval> interval;
};

absl::Status Add(const Additions& additions, const Call& call, const Question& question,
                 JsonObjectWriter* json) {
  const auto& [query, time_zone] = question;
  if (additions.compare) {
    auto comparison = call.kpis().Compare(query);
    if (!comparison.ok()) return comparison.status();
    json->Json("comparison", analytics::ToJson(*comparison));
  }
  if (additions.split) {
    auto breakdown = call.kpis().GetBreakdown(
        {query.period, query.filter, additions.split->dimension, additions.split->top});
    if (!breakdown.ok()) return breakdown.status();
    json->Json("breakdown", analytics::ToJson(*breakdown));
  }
  if (additions.interval) {
    auto trend = call.kpis().GetTrend({query.period, query.filter, *additions.interval, time_zone});
    if (!trend.ok()) return trend.status();
    json->Json("trend", analytics::ToJson(*trend));
  }
  return absl::OkStatus();
}

template <auto Get>
absl::StatusOr<Answer> AnswerGroup(Call& call) {
  const Question question = TakeQuestion(&call);
  const Additions additions{call.parameters.Choice(kCompare).has_value(), TakeSplit(&call),
                            TakeInterval(&call)};
  if (!call.parameters.Check()) return Answer{};
  auto kpi = (call.kpis().*Get)(question.query);
  if (!kpi.ok()) return kpi.status();
  absl::Status status;
  const std::string added =
      ObjectJson([&](JsonObjectWriter& json) { status = Add(additions, call, question, &json); });
  if (!status.ok()) return status;
  Answer answer;
  answer.version = analytics::ToJson(Timeless(*kpi)) + added;
  answer.body = ObjectJson([&](JsonObjectWriter& json) {
    json.MembersOf(analytics::ToJson(*kpi));
    json.MembersOf(added);
  });
  return answer;
}

constexpr int kStreakDays = 30;

constexpr Route kRoutes[] = {
    {"GET",
     "/v1/analytics/kpis",
     "All four groups of KPIs.",
     kParameters,
     &AnswerGroup<&KpiCalculator::GetAllKpis>,
     {"AllKpis"}},
    {"GET",
     "/v1/analytics/kpis/conversion-funnel",
     "Sessions started, completed and credited.",
     kParameters,
     &AnswerGroup<&KpiCalculator::GetConversionFunnel>,
     {"ConversionFunnelAnswer"}},
    {"GET",
     "/v1/analytics/kpis/green-hour-utilization",
     "Sessions in an incentive window.",
     kParameters,
     &AnswerGroup<&KpiCalculator::GetGreenHourUtilization>,
     {"GreenHourUtilizationAnswer"}},
    {"GET",
     "/v1/analytics/kpis/streak-metrics",
     "Users, and how often they charge.",
     kParameters,
     &AnswerGroup<&KpiCalculator::GetStreakMetrics>,
     {"StreakMetricsAnswer"},
     kStreakDays},
    {"GET",
     "/v1/analytics/kpis/revenue-metrics",
     "Rewards, energy and credits.",
     kParameters,
     &AnswerGroup<&KpiCalculator::GetRevenueMetrics>,
     {"RevenueMetricsAnswer"}},
};

}  // namespace

absl::Span<const Route> KpiRoutes() { return kRoutes; }

}  // namespace nerava::analytics::http
