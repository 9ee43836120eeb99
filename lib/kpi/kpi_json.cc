#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "lib/kpi/calendar.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"
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

// Every number of the groups, each once.
Json Numbers(const KpiSummary& summary) {
  Json json = Json::object();
  for (const Json& group :
       {AsJson(MakeConversionFunnel(summary)), AsJson(MakeGreenHourUtilization(summary)),
        AsJson(MakeStreakMetrics(summary)), AsJson(MakeRevenueMetrics(summary))}) {
    for (const auto& [name, value] : group.items()) {
      if (name != "from" && name != "to" && name != "period_days") json[name] = value;
    }
  }
  return json;
}

Json AsJson(const KpiSummary& summary) {
  Json json = Numbers(summary);
  AddPeriod(summary.period, &json);
  return json;
}

// By how many percent.
Json Change(const Json& current, const Json& previous) {
  Json change = Json::object();
  for (const auto& [name, value] : current.items()) {
    const auto now = value.get<double>();
    const auto before = previous.at(name).get<double>();
    if (before != 0) {
      change[name] = std::round((now - before) / before * 1e4) / 100;
    } else {
      change[name] = now == 0 ? Json(0) : Json(nullptr);
    }
  }
  return change;
}

constexpr std::array<std::string_view, 4> kIntervals = {"hour", "day", "week", "month"};
constexpr std::array<std::string_view, 3> kDimensions = {"region", "hub", "window"};

// Names may be any text, and so no UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string ToJson(const KpiSummary& summary) { return AsJson(summary).dump(); }

std::string ToJson(const Trend& trend) {
  Json json = {{"interval", kIntervals.at(static_cast<std::size_t>(trend.interval))},
               {"tz", trend.time_zone}};
  AddPeriod(trend.period, &json);
  const auto zone = FindTimeZone(trend.time_zone);
  Json& buckets = json["buckets"] = Json::array();
  for (const TrendBucket& bucket : trend.buckets) {
    Json row = {{"bucket", absl::FormatTime("%Y-%m-%dT%H:%M:%S%Ez", bucket.bucket.from,
                                            zone.ok() ? *zone : absl::UTCTimeZone())},
                {"complete", bucket.complete}};
    row.update(AsJson(bucket.summary));
    buckets.push_back(std::move(row));
  }
  return Dump(json);
}

std::string ToJson(const Breakdown& breakdown) {
  const std::string dimension(kDimensions.at(static_cast<std::size_t>(breakdown.dimension)));
  Json json = {{"breakdown", dimension}};
  AddPeriod(breakdown.period, &json);
  Json& rows = json["rows"] = Json::array();
  for (const BreakdownRow& row : breakdown.rows) {
    Json numbers = {{dimension, row.name.empty() ? Json(nullptr) : Json(row.name)}};
    numbers.update(Numbers(row.summary));
    rows.push_back(std::move(numbers));
  }
  json["others"] = breakdown.others;
  json["other"] = breakdown.others == 0 ? Json(nullptr) : Numbers(breakdown.other);
  return Dump(json);
}

std::string ToJson(const Comparison& comparison) {
  return Json{{"current", AsJson(comparison.current)},
              {"previous", AsJson(comparison.previous)},
              {"change", Change(Numbers(comparison.current), Numbers(comparison.previous))}}
      .dump();
}

std::string ToJson(const ConversionFunnel& kpi) { return AsJson(kpi).dump(); }
std::string ToJson(const GreenHourUtilization& kpi) { return AsJson(kpi).dump(); }
std::string ToJson(const StreakMetrics& kpi) { return AsJson(kpi).dump(); }
std::string ToJson(const RevenueMetrics& kpi) { return AsJson(kpi).dump(); }

std::string ToJson(const AllKpis& kpi) {
  return Dump({{"conversion_funnel", AsJson(kpi.conversion_funnel)},
               {"green_hour_utilization", AsJson(kpi.green_hour_utilization)},
               {"streak_metrics", AsJson(kpi.streak_metrics)},
               {"revenue_metrics", AsJson(kpi.revenue_metrics)},
               {"generated_at", FormatTimestamp(kpi.generated_at)},
               {"region", kpi.region}});
}

}  // namespace nerava::analytics
