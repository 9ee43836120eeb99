// What the routes of the pipeline answer, and all routes when something is wrong.
#include <array>

#include "lib/http/schema.h"
#include "lib/kpi/json.h"
#include "lib/pipeline/names.h"
#include "lib/watch/names.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics::http {
namespace {

std::string AlertSchema() {
  return ObjectSchema({{"watch", Text("Its name.")},
                       {"group", Text("The region, hub or window of a watch for each.")},
                       {"state", Choice(kAlertStateNames)},
                       {"value", OrNull(Number("In the unit of the KPI."))},
                       {"threshold", Number("In the unit of the KPI.")},
                       {"sample", Count()},
                       {"since", Time()},
                       {"at", Time()},
                       {"message", Text()}});
}

std::string WatchSchema() {
  return ObjectSchema({{"name", Text()},
                       {"kpi", Text("Whose value, or change, is watched.")},
                       {"relation", Choice(kWatchRelationNames)},
                       {"measure", Choice(kWatchMeasureNames)},
                       {"threshold", Number("In the unit of the KPI; of a change, percent.")},
                       {"hysteresis", Number("How far back an alert resolves.")},
                       {"period_s", Number("Seconds.")},
                       {"hold_for_s", Number("Seconds.")},
                       {"min_sample", Count()},
                       {"region", OrNull(Text("Only of this one."))},
                       {"hub", OrNull(Text("Only of this one."))},
                       {"window", OrNull(Text("Only of this one."))},
                       {"each", OrNull(Choice(kDimensionNames))}});
}

std::string HistogramSchema() {
  return ObjectSchema(
      {{"count", Count()},
       {"sum", Count()},
       {"buckets",
        ArraySchema(ArraySchema(OrNull(Count("First the largest value that the bucket counts, null "
                                             "for the last; then how many."))))}});
}

Members Counts(std::initializer_list<std::string_view> names) {
  Members members;
  for (const std::string_view name : names) members.push_back({name, Count()});
  return members;
}

std::string JournalSchema() {
  return ObjectSchema(Join({Counts({"bytes", "segments", "syncs", "sync_errors", "write_errors",
                                    "adopted_segments", "torn_tails", "quarantined_segments"}),
                            {{"last_error", Text()}}}));
}

std::string RetentionStatsSchema() {
  return ObjectSchema(
      Join({Counts({"runs", "events", "aggregate_days", "snapshot_days", "freed_bytes"}),
            {{"last_run", OrNull(Time())}, {"last_error", Text()}}}));
}

std::string CacheSchema() {
  return ObjectSchema(Join(
      {Counts({"hits", "shared", "misses", "failures", "warmed", "evictions", "entries", "bytes"}),
       {{"hit_rate", Number("Percent, 0 to 100.")}}}));
}

std::string RejectionsSchema() {
  Members members;
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    members.push_back({RejectReasonName(static_cast<RejectReason>(i)), Count()});
  }
  return ObjectSchema(members);
}

Members StatsMembers() {
  return Join(
      {Counts({"total_events", "batch_size"}),
       {{"events_by_type", MapSchema(Count())},
        {"events_by_region", MapSchema(Count())},
        {"running", Truth()}},
       Counts({"accepted", "recovered", "committed", "duplicates", "conflicts", "dead_lettered",
               "dropped", "dropped_oldest", "dropped_unreadable", "pending", "overflows",
               "overflow_timeouts", "commits", "failed_commits", "breaker_trips", "dead_letters"}),
       {{"oldest_pending_seconds", Number()},
        {"last_error", Text()},
        {"last_commit_time", OrNull(Time())},
        {"durability", Choice(kDurabilityNames)},
        {"journal", JournalSchema()},
        {"histograms", ObjectSchema({{"batch_size", HistogramSchema()},
                                     {"commit_latency_us", HistogramSchema()}})}},
       Counts({"published", "rejected"}),
       {{"rejected_by_reason", RejectionsSchema()},
        {"retention", RetentionStatsSchema()},
        {"kpi_cache", CacheSchema()},
        {"bus", ObjectSchema(Counts(
                    {"published", "refused", "deliveries", "handler_failures", "subscribers"}))}}});
}

std::string HealthSchema() {
  return ObjectSchema(Join({{{"status", Choice(kHealthStatusNames)},
                             {"enabled", Truth()},
                             {"reason", Text()},
                             {"warnings", ArraySchema(Text())},
                             {"alerts", ArraySchema(RefTo("Alert"))}},
                            StatsMembers()}));
}

std::string ProblemsSchema() {
  const std::string problem = ObjectSchema(
      {{"type", Text("A word for programs.")}, {"loc", ArraySchema(Text())}, {"msg", Text()}});
  return ObjectSchema({{"detail", ArraySchema(problem)}});
}

std::string EventResultSchema() {
  constexpr std::array<std::string_view, 1> kAccepted{"accepted"};
  constexpr std::array<std::string_view, 1> kRejected{"rejected"};
  constexpr std::array<std::string_view, 1> kUnavailable{"unavailable"};
  std::vector<std::string_view> reasons;
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    reasons.push_back(RejectReasonName(static_cast<RejectReason>(i)));
  }
  return AnyOf(
      {ObjectSchema({{"status", Choice(kAccepted)}, {"event_id", Text()}}),
       ObjectSchema(
           {{"status", Choice(kRejected)}, {"reason", Choice(reasons)}, {"detail", Text()}}),
       ObjectSchema({{"status", Choice(kUnavailable)}})});
}

Members ResultsMembers() {
  return Join({Counts({"accepted", "rejected"}), {{"results", ArraySchema(RefTo("EventResult"))}}});
}

}  // namespace

std::vector<NamedSchema> PipelineSchemas() {
  constexpr std::array<std::string_view, 1> kAlive{"alive"};
  constexpr std::array<std::string_view, 2> kReadiness{"ready", "not ready"};
  return {
      {"Stats", ObjectSchema(StatsMembers())},
      {"Health", HealthSchema()},
      {"Alert", AlertSchema()},
      {"Watch", WatchSchema()},
      {"Watches", ObjectSchema({{"watches", ArraySchema(RefTo("Watch"))},
                                {"alerts", ArraySchema(RefTo("Alert"))}})},
      {"OpenApi", R"({"type":"object","description":"An OpenAPI 3.1 document."})"},
      {"Metrics", Text()},
      {"Change", ObjectSchema({{"event", Text("message, which is not sent"), true},
                               {"id", Text("A number that grows.")},
                               {"data", Text("The same.")},
                               {"retry", Count("Milliseconds.")}})},
      {"Alive", ObjectSchema({{"status", Choice(kAlive)}})},
      {"Ready", ObjectSchema({{"status", Choice(kReadiness)}, {"reason", Text()}})},
      {"Event",
       R"({"type":"object","description":"Beside these: its fields, null when they are absent.",)"
       R"("required":["event_id","event_type","timestamp","region","aggregate_id","version","properties"]})"},
      {"EventPage", ObjectSchema({{"events", ArraySchema(RefTo("Event"))},
                                  {"next", Text("`after` of the next page.")},
                                  {"more", Truth("Whether there are further events now.")}})},
      {"EventResult", EventResultSchema()},
      {"Results", ObjectSchema(ResultsMembers())},
      {"NotAllAccepted", ObjectSchema(Join({{{"detail", Text()}}, ResultsMembers()}))},
      {"Error", ObjectSchema({{"detail", Text()}})},
      {"Problems", ProblemsSchema()}};
}

}  // namespace nerava::analytics::http
