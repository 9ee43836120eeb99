#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/pipeline/names.h"
#include "nerava/analytics/pipeline.h"
#include "nerava/analytics/rejection.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

std::string CountsJson(const std::map<std::string, std::uint64_t>& counts) {
  return ObjectJson([&](JsonObjectWriter& json) {
    for (const auto& [name, count] : counts) json.Json(ValidText(name), JsonOf(count));
  });
}

std::string RejectedByReason(const ProducerStats& stats) {
  return ObjectJson([&](JsonObjectWriter& json) {
    for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
      json.Json(RejectReasonName(static_cast<RejectReason>(i)),
                JsonOf(stats.rejected_by_reason[i]));
    }
  });
}

// Its buckets that are not empty, each with the largest value that it counts; the last one has none.
std::string HistogramJson(const Histogram& histogram) {
  std::string buckets;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram.buckets[i] == 0) continue;
    const bool last = i == Histogram::kBuckets - 1;
    buckets +=
        fmt::format("{}[{},{}]", buckets.empty() ? "" : ",",
                    last ? "null" : JsonOf((std::uint64_t{1} << i) - 1), histogram.buckets[i]);
  }
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("count", JsonOf(histogram.count));
    json.Json("sum", JsonOf(histogram.sum));
    json.Json("buckets", "[" + buckets + "]");
  });
}

std::string JournalJson(const JournalStats& journal) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("bytes", JsonOf(journal.bytes));
    json.Json("segments", JsonOf(journal.segments));
    json.Json("syncs", JsonOf(journal.syncs));
    json.Json("sync_errors", JsonOf(journal.sync_errors));
    json.Json("write_errors", JsonOf(journal.write_errors));
    json.Text("last_error", ValidText(journal.last_error));
    json.Json("adopted_segments", JsonOf(journal.adopted_segments));
    json.Json("torn_tails", JsonOf(journal.torn_tails));
    json.Json("quarantined_segments", JsonOf(journal.quarantined_segments));
  });
}

void AddTime(std::string_view name, absl::Time time, JsonObjectWriter* json) {
  time == absl::InfinitePast() ? json->Json(name, "null") : json->Text(name, FormatTimestamp(time));
}

std::string RetentionJson(const RetentionStats& retention) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("runs", JsonOf(retention.runs));
    json.Json("events", JsonOf(retention.events));
    json.Json("aggregate_days", JsonOf(retention.aggregate_days));
    json.Json("snapshot_days", JsonOf(retention.snapshot_days));
    json.Json("freed_bytes", JsonOf(retention.freed_bytes));
    AddTime("last_run", retention.last_run, &json);
    json.Text("last_error", ValidText(retention.last_error));
  });
}

std::string CacheJson(const KpiCacheStats& cache) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("hit_rate", JsonOf(cache.hit_rate()));
    json.Json("hits", JsonOf(cache.hits));
    json.Json("shared", JsonOf(cache.shared));
    json.Json("misses", JsonOf(cache.misses));
    json.Json("failures", JsonOf(cache.failures));
    json.Json("warmed", JsonOf(cache.warmed));
    json.Json("evictions", JsonOf(cache.evictions));
    json.Json("entries", JsonOf(cache.entries));
    json.Json("bytes", JsonOf(cache.bytes));
  });
}

// First the backend's keys, then further counters.
void AddStats(const PipelineStats& stats, JsonObjectWriter* out) {
  const BatchWriterStats& writer = stats.writer;
  JsonObjectWriter& json = *out;
  json.Json("total_events", JsonOf(stats.stored.total));
  json.Json("events_by_type", CountsJson(stats.stored.by_type));
  json.Json("events_by_region", CountsJson(stats.stored.by_region));
  json.Json("batch_size", JsonOf(writer.pending));
  json.Json("running", JsonOf(writer.running));

  json.Json("accepted", JsonOf(writer.accepted));
  json.Json("recovered", JsonOf(writer.recovered));
  json.Json("committed", JsonOf(writer.committed));
  json.Json("duplicates", JsonOf(writer.duplicates));
  json.Json("conflicts", JsonOf(writer.conflicts));
  json.Json("dead_lettered", JsonOf(writer.dead_lettered));
  json.Json("dropped", JsonOf(writer.dropped));
  json.Json("dropped_oldest", JsonOf(writer.dropped_oldest));
  json.Json("dropped_unreadable", JsonOf(writer.dropped_unreadable));
  json.Json("pending", JsonOf(writer.pending));
  json.Json("oldest_pending_seconds", JsonOf(absl::ToDoubleSeconds(writer.oldest_pending_age)));
  json.Json("overflows", JsonOf(writer.overflows));
  json.Json("overflow_timeouts", JsonOf(writer.overflow_timeouts));
  json.Json("commits", JsonOf(writer.commits));
  json.Json("failed_commits", JsonOf(writer.failed_commits));
  json.Json("breaker_trips", JsonOf(writer.breaker_trips));
  json.Json("dead_letters", JsonOf(writer.dead_letters));
  json.Text("last_error", ValidText(writer.last_error));
  AddTime("last_commit_time", writer.last_commit_time, &json);
  json.Text("durability", kDurabilityNames[static_cast<std::size_t>(writer.durability)]);
  json.Json("journal", JournalJson(writer.journal));
  json.Json("histograms", ObjectJson([&](JsonObjectWriter& histograms) {
              histograms.Json("batch_size", HistogramJson(writer.batch_sizes));
              histograms.Json("commit_latency_us", HistogramJson(writer.commit_latency_us));
            }));

  json.Json("published", JsonOf(stats.producer.published));
  json.Json("rejected", JsonOf(stats.producer.rejected));
  json.Json("rejected_by_reason", RejectedByReason(stats.producer));
  json.Json("retention", RetentionJson(stats.retention));
  json.Json("kpi_cache", CacheJson(stats.kpi_cache));
  json.Json("bus", ObjectJson([&](JsonObjectWriter& bus) {
              bus.Json("published", JsonOf(stats.bus.published));
              bus.Json("refused", JsonOf(stats.bus.refused));
              bus.Json("deliveries", JsonOf(stats.bus.deliveries));
              bus.Json("handler_failures", JsonOf(stats.bus.handler_failures));
              bus.Json("subscribers", JsonOf(stats.bus.subscribers));
            }));
}

std::string JsonString(std::string_view text) {
  std::string json;
  AppendJsonString(ValidText(text), &json);
  return json;
}

}  // namespace

std::string ToJson(const PipelineStats& stats) {
  return ObjectJson([&](JsonObjectWriter& json) { AddStats(stats, &json); });
}

std::string ToJson(const Health& health) {
  std::string warnings;
  for (const std::string& warning : health.warnings) {
    warnings += (warnings.empty() ? "" : ",") + JsonString(warning);
  }
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("status", kHealthStatusNames[static_cast<std::size_t>(health.status())]);
    json.Json("enabled", JsonOf(health.enabled));
    json.Text("reason", ValidText(health.reason));
    json.Json("warnings", "[" + warnings + "]");
    json.Json("alerts", ToJson(health.alerts));
    AddStats(health.stats, &json);
  });
}

std::string ToJson(const RetentionRun& run) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("events", JsonOf(run.events));
    json.Json("aggregate_days", JsonOf(run.aggregate_days));
    json.Json("snapshot_days", JsonOf(run.snapshot_days));
    json.Json("freed_bytes", JsonOf(run.freed_bytes));
    json.Json("steps", JsonOf(run.steps));
    json.Json("longest_step_seconds", JsonOf(absl::ToDoubleSeconds(run.longest_step)));
    json.Json("seconds", JsonOf(absl::ToDoubleSeconds(run.duration)));
    AddTime("events_from", run.kept_from.events, &json);
    AddTime("aggregates_from", run.kept_from.aggregates, &json);
    AddTime("snapshots_from", run.kept_from.days, &json);
  });
}

std::string ToJson(const ErasureReceipt& receipt) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddTime("erased_at", receipt.erased_at, &json);
    json.Text("totals", kErasedTotalsNames[static_cast<std::size_t>(receipt.totals)]);
    json.Json("events_removed", JsonOf(receipt.events_removed));
    json.Json("events_anonymized", JsonOf(receipt.events_anonymized));
    json.Json("sessions_removed", JsonOf(receipt.sessions_removed));
    json.Json("sessions_anonymized", JsonOf(receipt.sessions_anonymized));
    json.Json("dead_letters", JsonOf(receipt.dead_letters));
    json.Json("unreadable_letters", JsonOf(receipt.unreadable_letters));
    json.Json("quarantined_segments", JsonOf(receipt.quarantined_segments));
  });
}

std::string ToJson(absl::Span<const DeadLetter> letters) {
  std::string array = "[";
  for (const DeadLetter& letter : letters) {
    if (array.size() > 1) array += ',';
    array += fmt::format(R"({{"time":"{}","reason":{},"event":{}}})", FormatTimestamp(letter.time),
                         JsonString(letter.reason), letter.event_json);
  }
  return array + "]";
}

}  // namespace nerava::analytics
