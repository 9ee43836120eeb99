#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "lib/pipeline/names.h"
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

// Its buckets that are not empty, each with the largest value that it counts; the last one has none.
Json HistogramJson(const Histogram& histogram) {
  Json buckets = Json::array();
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram.buckets[i] == 0) continue;
    const bool last = i == Histogram::kBuckets - 1;
    buckets.push_back({last ? Json() : Json((std::uint64_t{1} << i) - 1), histogram.buckets[i]});
  }
  return {{"count", histogram.count}, {"sum", histogram.sum}, {"buckets", std::move(buckets)}};
}

Json JournalJson(const JournalStats& journal) {
  return {{"bytes", journal.bytes},
          {"segments", journal.segments},
          {"syncs", journal.syncs},
          {"sync_errors", journal.sync_errors},
          {"write_errors", journal.write_errors},
          {"last_error", journal.last_error},
          {"adopted_segments", journal.adopted_segments},
          {"torn_tails", journal.torn_tails},
          {"quarantined_segments", journal.quarantined_segments}};
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
  out["recovered"] = writer.recovered;
  out["committed"] = writer.committed;
  out["duplicates"] = writer.duplicates;
  out["conflicts"] = writer.conflicts;
  out["dead_lettered"] = writer.dead_lettered;
  out["dropped"] = writer.dropped;
  out["dropped_oldest"] = writer.dropped_oldest;
  out["dropped_unreadable"] = writer.dropped_unreadable;
  out["pending"] = writer.pending;
  out["oldest_pending_seconds"] = absl::ToDoubleSeconds(writer.oldest_pending_age);
  out["overflows"] = writer.overflows;
  out["overflow_timeouts"] = writer.overflow_timeouts;
  out["commits"] = writer.commits;
  out["failed_commits"] = writer.failed_commits;
  out["breaker_trips"] = writer.breaker_trips;
  out["dead_letters"] = writer.dead_letters;
  out["last_error"] = writer.last_error;
  out["last_commit_time"] = nullptr;
  if (writer.last_commit_time != absl::InfinitePast()) {
    out["last_commit_time"] = FormatTimestamp(writer.last_commit_time);
  }
  out["durability"] = kDurabilityNames[static_cast<std::size_t>(writer.durability)];
  out["journal"] = JournalJson(writer.journal);
  out["histograms"] = {{"batch_size", HistogramJson(writer.batch_sizes)},
                       {"commit_latency_us", HistogramJson(writer.commit_latency_us)}};

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
  Json json = Json::object();  // not null: that cannot fail half-way for want of memory
  AddStats(stats, &json);
  return Print(json);
}

std::string ToJson(const Health& health) {
  Json json = {{"status", health.healthy ? "healthy" : "unhealthy"},
               {"enabled", health.enabled},
               {"reason", health.reason},
               {"warnings", health.warnings}};
  AddStats(health.stats, &json);
  return Print(json);
}

std::string ToJson(absl::Span<const DeadLetter> letters) {
  std::string array = "[";
  for (const DeadLetter& letter : letters) {
    if (array.size() > 1) array += ',';
    array += fmt::format(R"({{"time":"{}","reason":{},"event":{}}})", FormatTimestamp(letter.time),
                         Print(letter.reason), letter.event_json);
  }
  return array + "]";
}

}  // namespace nerava::analytics
