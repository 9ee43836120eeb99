// What the routes of reports answer.
#include "lib/http/schema.h"
#include "lib/kpi/json.h"

namespace nerava::analytics::http {
namespace {

Members FunnelMembers() {
  const std::string rate = Number("Percent, 0 to 100.");
  const std::string seconds = OrNull(Number("Seconds."));
  const std::string dollars = Number("US dollars.");
  return {{"sessions_started", Count()},
          {"sessions_completed", Count()},
          {"sessions_credited", Count()},
          {"sessions_late", Count("Stopped after the conversion window.")},
          {"sessions_running", Count()},
          {"sessions_abandoned", Count()},
          {"orphan_stops", Count("Stops of sessions that did not start.")},
          {"completion_rate", rate},
          {"credit_rate", rate},
          {"median_time_to_complete_s", seconds},
          {"p90_time_to_complete_s", seconds},
          {"median_time_to_credit_s", seconds},
          {"p90_time_to_credit_s", seconds},
          {"rewards_granted_usd", dollars},
          {"rewards_owed_usd", dollars}};
}

Members LoadMembers() {
  return {{"cells", ArraySchema(ObjectSchema({{"weekday", Count("1 is Monday, 7 Sunday.")},
                                              {"hour", Count("Of the day, 0 to 23.")},
                                              {"sessions_started", Count()},
                                              {"total_sessions", Count("Sessions that stopped.")},
                                              {"energy_kwh", Number("Kilowatt-hours.")},
                                              {"avg_concurrency", Number("Sessions at once.")},
                                              {"peak_concurrency", Count("Sessions at once.")}}))}};
}

std::string SpreadSchema(std::string_view unit) {
  return ObjectSchema({{"sessions", Count()},
                       {"p10", Number(unit)},
                       {"median", Number(unit)},
                       {"p90", Number(unit)},
                       {"max", Number(unit)},
                       {"bin", Number(unit)},
                       {"bins", ArraySchema(Count("Sessions in the bin."))}});
}

std::string RetentionSchema() {
  const std::string bucket =
      ObjectSchema({{"bucket", Time("Its begin, in `tz`.")},
                    {"complete", Truth("Whether all of it is in the period.")},
                    {"new_users", Count()},
                    {"returning_users", Count()},
                    {"lapsed_users", Count()},
                    {"retained", ArraySchema(Count("New users seen so many buckets later."))}});
  return ObjectSchema(Join(
      {{{"interval", Choice(kIntervalNames)}, {"tz", Text("Time zone, of the IANA database.")}},
       PeriodMembers(),
       {{"buckets", ArraySchema(bucket)}}}));
}

std::string SessionsPerUserSchema() {
  return ObjectSchema(
      Join({PeriodMembers(),
            {{"users", Count()},
             {"counts", ArraySchema(ObjectSchema({{"sessions", Count()}, {"users", Count()}}))}}}));
}

std::string ActiveUsersSchema() {
  return ObjectSchema({{"at", Time("Nothing from then on counts.")},
                       {"grain", RefTo("Grain")},
                       {"dau", Count("Users of the day.")},
                       {"wau", Count("Users of 7 days.")},
                       {"mau", Count("Users of 30 days.")},
                       {"stickiness", Number("`dau` in percent of `mau`.")}});
}

std::string StreaksSchema() {
  return ObjectSchema(
      {{"at", Time("Nothing from then on counts.")},
       {"grain", RefTo("Grain")},
       {"users", Count()},
       {"max_current_streak", Count("Days.")},
       {"max_longest_streak", Count("Days.")},
       {"counts",
        ArraySchema(ObjectSchema(
            {{"days", Count()}, {"current", Count("Users.")}, {"longest", Count("Users.")}}))},
       {"leaders", ArraySchema(ObjectSchema({{"user_id", Text()},
                                             {"current_streak", Count("Days.")},
                                             {"longest_streak", Count("Days.")}}))}});
}

}  // namespace

std::vector<NamedSchema> ReportSchemas() {
  return {{"Funnel", AnyOf({ObjectSchema(Join({FunnelMembers(), PeriodMembers()})),
                            BreakdownSchema(FunnelMembers())})},
          {"Load", AnyOf({ObjectSchema(Join({PeriodMembers(), LoadMembers()})),
                          BreakdownSchema(LoadMembers())})},
          {"SessionSizes", ObjectSchema(Join({PeriodMembers(),
                                              {{"length_minutes", SpreadSchema("Minutes.")},
                                               {"energy_kwh", SpreadSchema("Kilowatt-hours.")}}}))},
          {"SessionsPerUser", SessionsPerUserSchema()},
          {"ActiveUsers", ActiveUsersSchema()},
          {"Streaks", StreaksSchema()},
          {"Retention", RetentionSchema()}};
}

}  // namespace nerava::analytics::http
