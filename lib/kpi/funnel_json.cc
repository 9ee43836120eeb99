#include "lib/kpi/json.h"
#include "nerava/analytics/funnel.h"

namespace nerava::analytics {
namespace {

void AddSeconds(std::string_view name, const std::optional<absl::Duration>& duration,
                JsonObjectWriter* json) {
  json->Json(name, duration ? JsonOf(absl::ToDoubleSeconds(*duration)) : "null");
}

void AddFunnel(const Funnel& funnel, JsonObjectWriter* json) {
  AddNumbers({{"sessions_started", funnel.sessions_started},
              {"sessions_completed", funnel.sessions_completed},
              {"sessions_credited", funnel.sessions_credited},
              {"sessions_late", funnel.sessions_late},
              {"sessions_running", funnel.sessions_running},
              {"sessions_abandoned", funnel.sessions_abandoned},
              {"orphan_stops", funnel.orphan_stops},
              {"completion_rate", funnel.completion_rate},
              {"credit_rate", funnel.credit_rate}},
             json);
  AddSeconds("median_time_to_complete_s", funnel.median_time_to_complete, json);
  AddSeconds("p90_time_to_complete_s", funnel.p90_time_to_complete, json);
  AddSeconds("median_time_to_credit_s", funnel.median_time_to_credit, json);
  AddSeconds("p90_time_to_credit_s", funnel.p90_time_to_credit, json);
  AddNumbers({{"rewards_granted_usd", funnel.rewards_granted_usd},
              {"rewards_owed_usd", funnel.rewards_owed_usd}},
             json);
}

}  // namespace

std::string ToJson(const Funnel& funnel) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddFunnel(funnel, &json);
    AddPeriod(funnel.period, &json);
  });
}

std::string ToJson(const FunnelBreakdown& breakdown) {
  return BreakdownJson(breakdown, &FunnelRow::funnel, AddFunnel);
}

}  // namespace nerava::analytics
