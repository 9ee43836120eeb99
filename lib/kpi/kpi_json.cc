#include <nlohmann/json.hpp>

#include "nerava/analytics/kpi.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

using Json = nlohmann::ordered_json;

void AddPeriod(const Period& period, Json* json) {
  (*json)["from"] = FormatTimestamp(period.from);
  (*json)["to"] = FormatTimestamp(period.to);
  // A whole number of days is written as one: clients compare it to the days they asked for.
  const double days = period.days();
  const auto whole = static_cast<std::int64_t>(days);
  if (static_cast<double>(whole) == days) {
    (*json)["period_days"] = whole;
  } else {
    (*json)["period_days"] = days;
  }
}

Json AsJson(const ConversionFunnel& kpi) {
  Json json = {{"sessions_started", kpi.sessions_started},
               {"sessions_completed", kpi.sessions_completed},
               {"sessions_credited", kpi.sessions_credited},
               {"completion_rate", kpi.completion_rate},
               {"credit_rate", kpi.credit_rate},
               {"orphan_stops", kpi.orphan_stops}};
  AddPeriod(kpi.period, &json);
  return json;
}

Json AsJson(const GreenHourUtilization& kpi) {
  Json json = {{"active_window_sessions", kpi.active_window_sessions},
               {"total_sessions", kpi.total_sessions},
               {"utilization_rate", kpi.utilization_rate},
               {"avg_reward_usd", kpi.avg_reward_usd}};
  AddPeriod(kpi.period, &json);
  return json;
}

Json AsJson(const StreakMetrics& kpi) {
  Json json = {{"unique_users", kpi.unique_users},
               {"total_sessions", kpi.total_sessions},
               {"sessions_per_user", kpi.sessions_per_user},
               {"avg_reward_usd", kpi.avg_reward_usd}};
  AddPeriod(kpi.period, &json);
  return json;
}

Json AsJson(const RevenueMetrics& kpi) {
  Json json = {{"total_rewards_usd", kpi.total_rewards_usd},
               {"total_sessions", kpi.total_sessions},
               {"avg_reward_usd", kpi.avg_reward_usd},
               {"energy_kwh", kpi.energy_kwh},
               {"credited_usd", kpi.credited_usd}};
  AddPeriod(kpi.period, &json);
  return json;
}

}  // namespace

std::string ToJson(const ConversionFunnel& kpi) { return AsJson(kpi).dump(); }
std::string ToJson(const GreenHourUtilization& kpi) { return AsJson(kpi).dump(); }
std::string ToJson(const StreakMetrics& kpi) { return AsJson(kpi).dump(); }
std::string ToJson(const RevenueMetrics& kpi) { return AsJson(kpi).dump(); }

std::string ToJson(const AllKpis& kpi) {
  return Json{{"conversion_funnel", AsJson(kpi.conversion_funnel)},
              {"green_hour_utilization", AsJson(kpi.green_hour_utilization)},
              {"streak_metrics", AsJson(kpi.streak_metrics)},
              {"revenue_metrics", AsJson(kpi.revenue_metrics)},
              {"generated_at", FormatTimestamp(kpi.generated_at)},
              {"region", kpi.region}}  // A filter may be any text, and so no UTF-8.
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nerava::analytics
