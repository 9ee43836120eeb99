#include "nerava/analytics/batch_writer.h"

#include "capi/handles.h"
#include "capi/options.h"
#include "capi/publish.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::AnalyticsEvent;
using nerava::analytics::BatchWriter;
using nerava::analytics::BatchWriterOptions;
using nerava::analytics::BatchWriterStats;
using nerava::analytics::Bus;
using nerava::analytics::EventPtr;
using nerava::analytics::PipelineStats;
using nerava::analytics::Producer;
using nerava::analytics::ProducerOptions;
using nerava::analytics::ReadTransaction;

nva_status nva_batch_writer_open(const nva_batch_writer_options* options, nva_store* store,
                                 nva_batch_writer** out) {
  return Guarded([&] {
    const ErrorCallback on_error = TakeOverOnError(options);
    nva_batch_writer*& handle = Out(out);
    BatchWriterOptions all = FromStruct(options);
    ReportTo(on_error, &all);
    const auto& shared = Require(store, "store").impl;
    handle = new nva_batch_writer{Value(BatchWriter::Create(std::move(all), shared)), shared,
                                  std::make_shared<Producer>(ProducerOptions(), nullptr)};
  });
}

nva_status nva_batch_writer_start(nva_batch_writer* writer) {
  return Guarded([&] { return Require(writer, "writer").impl->Start(); });
}

nva_status nva_batch_writer_attach(nva_batch_writer* writer, nva_bus* bus, nva_subscription** out) {
  return Guarded([&] {
    nva_subscription*& handle = Out(out);
    const auto& shared = Require(writer, "writer").impl;
    auto subscription = std::make_unique<nva_subscription>();
    Check(Require(bus, "bus")
              .impl->Subscribe(
                  "*", [shared](const EventPtr& event) { return shared->Write(event); },
                  &subscription->impl, Bus::Delivery::kRequired));
    handle = subscription.release();
  });
}

nva_status nva_batch_writer_write_json(nva_batch_writer* writer, nva_string json, char** event_id) {
  return Published(event_id, [&]() -> absl::StatusOr<EventPtr> {
    const auto& [impl, store, converter] = Require(writer, "writer");
    EventPtr event =
        std::make_shared<const AnalyticsEvent>(Value(converter->ConvertJson(View(json, "json"))));
    Check(impl->Write(event));
    return event;
  });
}

nva_status nva_batch_writer_flush(nva_batch_writer* writer, int64_t timeout_ms, uint64_t* unsent) {
  return Guarded([&] {
    if (unsent != nullptr) *unsent = 0;
    return ReportUnsent(Require(writer, "writer").impl->Flush(Timeout(timeout_ms)), unsent);
  });
}

nva_status nva_batch_writer_stop(nva_batch_writer* writer, int64_t timeout_ms, uint64_t* unsent) {
  return Guarded([&] {
    if (unsent != nullptr) *unsent = 0;
    return ReportUnsent(Require(writer, "writer").impl->Stop(Timeout(timeout_ms)), unsent);
  });
}

void nva_batch_writer_free(nva_batch_writer* writer) { delete writer; }

nva_status nva_batch_writer_get_stats(nva_batch_writer* writer, nva_batch_writer_stats* stats,
                                      uint32_t struct_size) {
  return Guarded([&] {
    const BatchWriterStats now = Require(writer, "writer").impl->stats();
    nva_batch_writer_stats result{};
    result.running = now.running ? 1 : 0;
    result.accepted = now.accepted;
    result.recovered = now.recovered;
    result.committed = now.committed;
    result.duplicates = now.duplicates;
    result.conflicts = now.conflicts;
    result.dead_lettered = now.dead_lettered;
    result.dropped = now.dropped;
    result.dropped_oldest = now.dropped_oldest;
    result.dropped_unreadable = now.dropped_unreadable;
    result.pending = now.pending;
    result.oldest_pending_us = absl::ToInt64Microseconds(now.oldest_pending_age);
    result.overflows = now.overflows;
    result.overflow_timeouts = now.overflow_timeouts;
    result.commits = now.commits;
    result.failed_commits = now.failed_commits;
    result.breaker_trips = now.breaker_trips;
    result.dead_letters = now.dead_letters;
    result.last_commit_us = ToMicros(now.last_commit_time);
    result.durability = ToC(now.durability);
    result.journal_bytes = now.journal.bytes;
    result.journal_segments = now.journal.segments;
    result.journal_syncs = now.journal.syncs;
    result.journal_sync_errors = now.journal.sync_errors;
    result.journal_write_errors = now.journal.write_errors;
    result.journal_adopted_segments = now.journal.adopted_segments;
    result.journal_torn_tails = now.journal.torn_tails;
    result.journal_quarantined_segments = now.journal.quarantined_segments;
    Write(result, stats, struct_size, "stats");
  });
}

nva_status nva_batch_writer_stats_json(nva_batch_writer* writer, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    PipelineStats stats;
    stats.writer = Require(writer, "writer").impl->stats();
    stats.producer = writer->converter->stats();
    Check(writer->store->Read([&](ReadTransaction& transaction) {
      auto counts = transaction.CountEvents();
      if (counts.ok()) stats.stored = *std::move(counts);
      return counts.status();
    }));
    out = Duplicate(ToJson(stats));
  });
}

nva_status nva_batch_writer_dead_letters_json(nva_batch_writer* writer, uint64_t limit,
                                              char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Value(Require(writer, "writer").impl->DeadLetters(limit))));
  });
}

nva_status nva_batch_writer_replay_dead_letters(nva_batch_writer* writer, uint64_t* accepted) {
  return Guarded([&] {
    if (accepted != nullptr) *accepted = 0;
    const std::size_t count = Value(Require(writer, "writer").impl->ReplayDeadLetters());
    if (accepted != nullptr) *accepted = count;
  });
}
