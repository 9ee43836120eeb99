// What the routes of the KPI groups, and their trend, breakdown and comparison, answer.
#include <algorithm>

#include "lib/http/schema.h"
#include "lib/kpi/json.h"

namespace nerava::analytics::http {
namespace {

constexpr char kRate[] = "Percent, 0 to 100.";

Members FunnelMembers() {
  return {{"sessions_started", Count()},
          {"sessions_completed", Count("Of those started.")},
          {"sessions_credited", Count("Of those completed.")},
          {"completion_rate", Number(kRate)},
          {"credit_rate", Number(kRate)},
          {"orphan_stops", Count("Stops of sessions that did not start.")}};
}

std::string TotalSessions() { return Count("Sessions that stopped."); }
std::string AverageReward() { return Number("US dollars a session."); }

Members GreenHourMembers() {
  return {{"active_window_sessions", Count("Sessions in an incentive window.")},
          {"total_sessions", TotalSessions()},
          {"utilization_rate", Number(kRate)},
          {"avg_reward_usd", AverageReward()}};
}

Members StreakMembers() {
  return {{"unique_users", Count()},
          {"total_sessions", TotalSessions()},
          {"sessions_per_user", Number()},
          {"avg_reward_usd", AverageReward()}};
}

Members RevenueMembers() {
  return {{"total_rewards_usd", Number("US dollars.")},
          {"total_sessions", TotalSessions()},
          {"avg_reward_usd", AverageReward()},
          {"energy_kwh", Number("Kilowatt-hours.")},
          {"credited_usd", Number("US dollars, to wallets.")}};
}

// What the parameters compare, breakdown and interval add.
Members Additions() {
  return {{"comparison", RefTo("Comparison"), true},
          {"breakdown", RefTo("Breakdown"), true},
          {"trend", RefTo("Trend"), true}};
}

std::string Group(const Members& numbers) { return ObjectSchema(Join({numbers, PeriodMembers()})); }

std::string GroupAnswer(const Members& numbers) {
  return ObjectSchema(Join({numbers, PeriodMembers(), Additions()}));
}

std::string AllGroups() {
  return ObjectSchema(Join({{{"conversion_funnel", RefTo("ConversionFunnel")},
                             {"green_hour_utilization", RefTo("GreenHourUtilization")},
                             {"streak_metrics", RefTo("StreakMetrics")},
                             {"revenue_metrics", RefTo("RevenueMetrics")},
                             {"generated_at", Time()},
                             {"region", Text("That of the pipeline's settings.")}},
                            Additions()}));
}

std::string ComparisonSchema() {
  Members changes = SummaryMembers();
  for (Member& member : changes) {
    member.schema = OrNull(Number("Percent of the previous number; null from 0 to another."));
  }
  return ObjectSchema({{"current", RefTo("Summary")},
                       {"previous", RefTo("Summary")},
                       {"change", ObjectSchema(changes)}});
}

std::string TrendSchema() {
  return ObjectSchema(Join(
      {{{"interval", Choice(kIntervalNames)}, {"tz", Text("Time zone, of the IANA database.")}},
       PeriodMembers(),
       {{"buckets", ArraySchema(ObjectSchema(
                        Join({{{"bucket", Time("Its begin, in `tz`.")},
                               {"complete", Truth("Whether all of it is in the period.")}},
                              SummaryMembers(),
                              PeriodMembers()})))}}}));
}

}  // namespace

std::string GrainSchema() { return Choice(kGrainNames); }

Members PeriodMembers() {
  return {{"from", Time()},
          {"to", Time("Not in the period.")},
          {"period_days", Number("A whole number when it is one.")},
          {"grain", RefTo("Grain")}};
}

Members SummaryMembers() {
  Members all;
  for (Member& member :
       Join({FunnelMembers(), GreenHourMembers(), StreakMembers(), RevenueMembers()})) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const Member& m) { return m.name == member.name; });
    if (!known) all.push_back(std::move(member));
  }
  return all;
}

std::string BreakdownSchema(const Members& row) {
  std::vector<std::string> rows;
  for (const std::string_view dimension : kDimensionNames) {
    rows.push_back(ObjectSchema(Join({{{dimension, OrNull(Text())}}, row})));
  }
  return ObjectSchema(Join({{{"breakdown", Choice(kDimensionNames)}},
                            PeriodMembers(),
                            {{"rows", ArraySchema(AnyOf(rows))},
                             {"others", Count("Rows that are not listed.")},
                             {"other", OrNull(ObjectSchema(row))}}}));
}

std::vector<NamedSchema> KpiSchemas() {
  return {{"Grain", GrainSchema()},
          {"Summary", Group(SummaryMembers())},
          {"ConversionFunnel", Group(FunnelMembers())},
          {"GreenHourUtilization", Group(GreenHourMembers())},
          {"StreakMetrics", Group(StreakMembers())},
          {"RevenueMetrics", Group(RevenueMembers())},
          {"Comparison", ComparisonSchema()},
          {"Breakdown", BreakdownSchema(SummaryMembers())},
          {"Trend", TrendSchema()},
          {"AllKpis", AllGroups()},
          {"ConversionFunnelAnswer", GroupAnswer(FunnelMembers())},
          {"GreenHourUtilizationAnswer", GroupAnswer(GreenHourMembers())},
          {"StreakMetricsAnswer", GroupAnswer(StreakMembers())},
          {"RevenueMetricsAnswer", GroupAnswer(RevenueMembers())}};
}

}  // namespace nerava::analytics::http
