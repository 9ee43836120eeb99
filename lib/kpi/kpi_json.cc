#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <variant>

#include "lib/event/text.h"
#include "lib/kpi/json.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

Numbers NumbersOf(const ConversionFunnel& kpi) {
  return {{"sessions_started", kpi.sessions_started},
          {"sessions_completed", kpi.sessions_completed},
          {"sessions_credited", kpi.sessions_credited},
          {"completion_rate", kpi.completion_rate},
          {"credit_rate", kpi.credit_rate},
          {"orphan_stops", kpi.orphan_stops}};
}

Numbers NumbersOf(const GreenHourUtilization& kpi) {
  return {{"active_window_sessions", kpi.active_window_sessions},
          {"total_sessions", kpi.total_sessions},
          {"utilization_rate", kpi.utilization_rate},
          {"avg_reward_usd", kpi.avg_reward_usd}};
}

Numbers NumbersOf(const StreakMetrics& kpi) {
  return {{"unique_users", static_cast<std::int64_t>(kpi.unique_users)},
          {"total_sessions", kpi.total_sessions},
          {"sessions_per_user", kpi.sessions_per_user},
          {"avg_reward_usd", kpi.avg_reward_usd}};
}

Numbers NumbersOf(const RevenueMetrics& kpi) {
  return {{"total_rewards_usd", kpi.total_rewards_usd},
          {"total_sessions", kpi.total_sessions},
          {"avg_reward_usd", kpi.avg_reward_usd},
          {"energy_kwh", kpi.energy_kwh},
          {"credited_usd", kpi.credited_usd}};
}

// Those of all groups, each once.
Numbers NumbersOf(const KpiSummary& summary) {
  Numbers all = NumbersOf(MakeConversionFunnel(summary));
  for (const Numbers& group :
       {NumbersOf(MakeGreenHourUtilization(summary)), NumbersOf(MakeStreakMetrics(summary)),
        NumbersOf(MakeRevenueMetrics(summary))}) {
    for (const Number& number : group) {
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&](const Number& n) { return n.name == number.name; });
      if (!known) all.push_back(number);
    }
  }
  return all;
}

template <typename Kpi>
std::string GroupJson(const Kpi& kpi) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddNumbers(NumbersOf(kpi), &json);
    AddPeriod(kpi.period, &json);
  });
}

// By how many percent; null from nothing to something.
std::string ChangeJson(const Numbers& current, const Numbers& previous) {
  const auto plain = [](const Number& number) {
    return std::visit([](auto value) { return static_cast<double>(value); }, number.value);
  };
  return ObjectJson([&](JsonObjectWriter& json) {
    for (std::size_t i = 0; i < current.size(); ++i) {
      const double now = plain(current[i]);
      const double before = plain(previous[i]);
      std::string change = now == 0 ? "0.0" : "null";
      if (before != 0) change = JsonOf(std::round((now - before) / before * 1e4) / 100);
      json.Json(current[i].name, change);
    }
  });
}

}  // namespace

std::string ToJson(const ConversionFunnel& kpi) { return GroupJson(kpi); }
std::string ToJson(const GreenHourUtilization& kpi) { return GroupJson(kpi); }
std::string ToJson(const StreakMetrics& kpi) { return GroupJson(kpi); }
std::string ToJson(const RevenueMetrics& kpi) { return GroupJson(kpi); }
std::string ToJson(const KpiSummary& summary) { return GroupJson(summary); }

std::string ToJson(const AllKpis& kpi) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("conversion_funnel", ToJson(kpi.conversion_funnel));
    json.Json("green_hour_utilization", ToJson(kpi.green_hour_utilization));
    json.Json("streak_metrics", ToJson(kpi.streak_metrics));
    json.Json("revenue_metrics", ToJson(kpi.revenue_metrics));
    json.Text("generated_at", FormatTimestamp(kpi.generated_at));
    json.Text("region", ValidText(kpi.region));
  });
}

std::string ToJson(const Trend& trend) {
  const absl::TimeZone zone = ZoneOrUtc(trend.time_zone);
  const auto bucket_json = [&](const TrendBucket& bucket) {
    return ObjectJson([&](JsonObjectWriter& json) {
      json.Text("bucket", LocalTimestamp(bucket.bucket.from, zone));
      json.Json("complete", JsonOf(bucket.complete));
      AddNumbers(NumbersOf(bucket.summary), &json);
      AddPeriod(bucket.summary.period, &json);
    });
  };
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("interval", NameOf(trend.interval));
    json.Text("tz", ValidText(trend.time_zone));
    AddPeriod(trend.period, &json);
    json.Json("buckets", ArrayJson(trend.buckets, bucket_json));
  });
}

std::string ToJson(const Breakdown& breakdown) {
  return BreakdownJson(breakdown, &BreakdownRow::summary,
                       [](const KpiSummary& summary, JsonObjectWriter* json) {
                         AddNumbers(NumbersOf(summary), json);
                       });
}

std::string ToJson(const Comparison& comparison) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("current", ToJson(comparison.current));
    json.Json("previous", ToJson(comparison.previous));
    json.Json("change", ChangeJson(NumbersOf(comparison.current), NumbersOf(comparison.previous)));
  });
}

}  // namespace nerava::analytics
