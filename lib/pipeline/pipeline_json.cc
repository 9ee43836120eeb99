#include <nlohmann/json.hpp>

#include "nerava/analytics/pipeline.h"
#include "nerava/analytics/rejection.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

using Json = nlohmann::ordered_json;

Json RejectedByReason(const ProducerStats& stats) {
  Json reasons = Json::object();
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    const std::string_view name = RejectReasonName(static_cast<RejectReason>(i));
    reasons[std::string(name)] = stats.rejected_by_reason[i];
  }
  return reasons;
}

// Adds to what `json` holds: first the backend's keys, then further counters.
void AddStats(const PipelineStats& stats, Json* json) {
  const BatchWriterStats& writer = stats.writer;
  Json& out = *json;
  out["total_events"] = stats.stored.total;
  out["events_by_type"] = stats.stored.by_type;
  out["events_by_region"] = stats.stored.by_region;
  out["batch_size"] = writer.pending;
  out["running"] = writer.running;

  out["accepted"] = writer.accepted;
  out["committed"] = writer.committed;
  out["duplicates"] = writer.duplicates;
  out["conflicts"] = writer.conflicts;
  out["refused"] = writer.refused;
  out["dropped"] = writer.dropped;
  out["pending"] = writer.pending;
  out["overflows"] = writer.overflows;
  out["commits"] = writer.commits;
  out["failed_commits"] = writer.failed_commits;
  out["last_error"] = writer.last_error;
  out["last_commit_time"] = nullptr;
  if (writer.last_commit_time != absl::InfinitePast()) {
    out["last_commit_time"] = FormatTimestamp(writer.last_commit_time);
  }

  out["published"] = stats.producer.published;
  out["rejected"] = stats.producer.rejected;
  out["rejected_by_reason"] = RejectedByReason(stats.producer);
  out["bus"] = {{"published", stats.bus.published},
                {"refused", stats.bus.refused},
                {"deliveries", stats.bus.deliveries},
                {"handler_failures", stats.bus.handler_failures},
                {"subscribers", stats.bus.subscribers}};
}

// A store's error text need not be UTF-8; that is no reason to fail.
std::string Print(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string ToJson(const PipelineStats& stats) {
  Json json;
  AddStats(stats, &json);
  return Print(json);
}

std::string ToJson(const Health& health) {
  Json json = {{"status", health.healthy ? "healthy" : "unhealthy"},
               {"enabled", health.enabled},
               {"reason", health.reason}};
  AddStats(health.stats, &json);
  return Print(json);
}

}  // namespace nerava::analytics
