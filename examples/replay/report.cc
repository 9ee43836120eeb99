#include "examples/replay/report.h"

#include <fmt/core.h>

#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/time/clock.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::examples {
namespace {

using analytics::AllKpis;
using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kGroups{"conversion_funnel", "green_hour_utilization",
                                                  "streak_metrics", "revenue_metrics"};

std::string Number(std::int64_t number) { return WithThousands(number); }
std::string Number(std::uint64_t number) {
  return WithThousands(static_cast<std::int64_t>(number));
}
std::string Decimal(double number) {
  const std::string text = fmt::format("{:.2f}", number);
  return WithThousands(std::stoll(text)) + text.substr(text.size() - 3);
}
std::string Percent(double number) { return Decimal(number) + " %"; }

// One table with a column a period.
class Table {
 public:
  Table(const std::vector<TimedKpis>& periods, std::size_t group, std::string_view title)
      : periods_(periods), group_(group) {
    text_ = fmt::format("\n{:<26}", title);
    for (const TimedKpis& period : periods) {
      Cell(period.days == 0 ? "covered" : fmt::format("{} days", period.days));
    }
    text_ += '\n';
  }

  // `value` makes the text of a period's cell.
  template <typename Value>
  Table& Line(std::string_view name, Value value) {
    text_ += fmt::format("  {:<24}", name);
    for (const TimedKpis& period : periods_) Cell(value(period.kpis));
    text_ += '\n';
    return *this;
  }

  std::string Finish() {
    text_ += fmt::format("  {:<24}", "answered in");
    for (const TimedKpis& period : periods_) {
      Cell(fmt::format("{:.2f} ms", absl::ToDoubleMilliseconds(period.elapsed[group_])));
    }
    return text_ + '\n';
  }

 private:
  void Cell(std::string_view text) { fmt::format_to(std::back_inserter(text_), "{:>16}", text); }

  const std::vector<TimedKpis>& periods_;
  const std::size_t group_;
  std::string text_;
};

std::string Tables(const std::vector<TimedKpis>& periods) {
  std::string text;
  text += Table(periods, 0, "Conversion funnel")
              .Line("sessions started",
                    [](auto& k) { return Number(k.conversion_funnel.sessions_started); })
              .Line("sessions completed",
                    [](auto& k) { return Number(k.conversion_funnel.sessions_completed); })
              .Line("sessions credited",
                    [](auto& k) { return Number(k.conversion_funnel.sessions_credited); })
              .Line("completion rate",
                    [](auto& k) { return Percent(k.conversion_funnel.completion_rate); })
              .Line("credit rate", [](auto& k) { return Percent(k.conversion_funnel.credit_rate); })
              .Line("stops without start",
                    [](auto& k) { return Number(k.conversion_funnel.orphan_stops); })
              .Finish();
  text +=
      Table(periods, 1, "Green-hour utilization")
          .Line("sessions in a window",
                [](auto& k) { return Number(k.green_hour_utilization.active_window_sessions); })
          .Line("sessions", [](auto& k) { return Number(k.green_hour_utilization.total_sessions); })
          .Line("utilization rate",
                [](auto& k) { return Percent(k.green_hour_utilization.utilization_rate); })
          .Line("average reward, USD",
                [](auto& k) { return Decimal(k.green_hour_utilization.avg_reward_usd); })
          .Finish();
  text += Table(periods, 2, "Streak metrics")
              .Line("unique users", [](auto& k) { return Number(k.streak_metrics.unique_users); })
              .Line("sessions", [](auto& k) { return Number(k.streak_metrics.total_sessions); })
              .Line("sessions per user",
                    [](auto& k) { return Decimal(k.streak_metrics.sessions_per_user); })
              .Line("average reward, USD",
                    [](auto& k) { return Decimal(k.streak_metrics.avg_reward_usd); })
              .Finish();
  text +=
      Table(periods, 3, "Revenue metrics")
          .Line("rewards, USD",
                [](auto& k) { return Decimal(k.revenue_metrics.total_rewards_usd); })
          .Line("sessions", [](auto& k) { return Number(k.revenue_metrics.total_sessions); })
          .Line("average reward, USD",
                [](auto& k) { return Decimal(k.revenue_metrics.avg_reward_usd); })
          .Line("energy, kWh", [](auto& k) { return Decimal(k.revenue_metrics.energy_kwh); })
          .Line("credited, USD", [](auto& k) { return Decimal(k.revenue_metrics.credited_usd); })
          .Finish();
  return text;
}

Json KpisJson(const TimedKpis& timed) {
  Json json = Json::parse(analytics::ToJson(timed.kpis));
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    json["elapsed_ms"][std::string(kGroups[group])] =
        absl::ToDoubleMilliseconds(timed.elapsed[group]);
  }
  return json;
}

double EventsPerSecond(const Report& report) {
  const double seconds = absl::ToDoubleSeconds(report.duration);
  return seconds > 0 ? static_cast<double>(report.counts.events_published) / seconds : 0;
}

}  // namespace

absl::StatusOr<TimedKpis> Measure(const analytics::Pipeline& pipeline,
                                  const analytics::KpiQuery& query, int days) {
  TimedKpis timed;
  timed.days = days;
  timed.kpis.generated_at = absl::Now();
  const std::string& region = query.filter.region;
  timed.kpis.region = region.empty() ? pipeline.options().region : region;
  absl::Status status;
  const auto time = [&](std::size_t group, auto get, auto* kpi) {
    if (!status.ok()) return;
    const auto begin = std::chrono::steady_clock::now();
    auto answer = (pipeline.kpis().*get)(query);
    timed.elapsed[group] = absl::FromChrono(std::chrono::steady_clock::now() - begin);
    if (answer.ok()) *kpi = *std::move(answer);
    status = answer.status();
  };
  using analytics::KpiCalculator;
  time(0, &KpiCalculator::GetConversionFunnel, &timed.kpis.conversion_funnel);
  time(1, &KpiCalculator::GetGreenHourUtilization, &timed.kpis.green_hour_utilization);
  time(2, &KpiCalculator::GetStreakMetrics, &timed.kpis.streak_metrics);
  time(3, &KpiCalculator::GetRevenueMetrics, &timed.kpis.revenue_metrics);
  if (!status.ok()) return status;
  return timed;
}

std::string ToText(const Report& report) {
  const ReplayCounts& counts = report.counts;
  std::string text = fmt::format(
      "Replayed {} into {} ({})\n"
      "  rows      {} read, {} skipped\n"
      "  events    {} published, {} stored, {} known before, {} in conflict, {} refused\n"
      "  time      {:.2f} s, {} events/s\n",
      report.input, report.store, report.outcome, Number(counts.rows_read),
      Number(counts.rows_skipped), Number(counts.events_published), Number(report.writer.committed),
      Number(report.writer.duplicates), Number(report.writer.conflicts),
      Number(report.writer.dead_lettered), absl::ToDoubleSeconds(report.duration),
      Number(static_cast<std::int64_t>(EventsPerSecond(report))));
  if (report.periods.empty()) return text + "  no event, so no KPIs\n";

  const analytics::Period& covered = report.periods.front().kpis.conversion_funnel.period;
  text += fmt::format("  covered   {} to {} UTC\n", analytics::FormatSqlTimestamp(covered.from),
                      analytics::FormatSqlTimestamp(covered.to));
  const auto add_filter = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("  only      {} {}\n", name, value);
  };
  add_filter("region", report.filter.region);
  add_filter("hub", report.filter.hub_id);
  add_filter("window", report.filter.window_id);
  return text + Tables(report.periods);
}

std::string ToJson(const Report& report) {
  const ReplayCounts& counts = report.counts;
  Json json;
  json["input"] = report.input;
  json["store"] = report.store;
  json["outcome"] = report.outcome;
  json["rows_read"] = counts.rows_read;
  json["rows_skipped"] = counts.rows_skipped;
  json["years_repaired"] = counts.repaired_years;
  json["events_published"] = counts.events_published;
  json["events_committed"] = report.writer.committed;
  json["events_duplicate"] = report.writer.duplicates;
  json["events_conflicting"] = report.writer.conflicts;
  json["events_refused"] = report.writer.dead_lettered;
  json["events_pending"] = report.writer.pending;
  json["duration_seconds"] = absl::ToDoubleSeconds(report.duration);
  json["events_per_second"] = EventsPerSecond(report);
  json["kpis"] = nullptr;
  json["rolling"] = Json::array();
  for (const TimedKpis& period : report.periods) {
    if (period.days == 0) {
      json["kpis"] = KpisJson(period);
    } else {
      json["rolling"].push_back({{"days", period.days}, {"kpis", KpisJson(period)}});
    }
  }
  // What is no UTF-8 (a file's name, say) is shown as such.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nerava::examples
