#include "nerava/analytics/pipeline.h"

#include "capi/events.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/publish.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::ErasedTotals;
using nerava::analytics::ErasureReceipt;
using nerava::analytics::EventHeader;
using nerava::analytics::Options;
using nerava::analytics::Pipeline;
using nerava::analytics::RetentionRun;

namespace {

// `open` makes the pipeline of the options.
template <typename Open>
nva_status OpenPipeline(const nva_pipeline_options* options, nva_pipeline** out, Open open) {
  return Guarded([&] {
    const ErrorCallback on_error = TakeOverOnError(options);
    const AlertCallback on_alert = TakeOverOnAlert(options);
    nva_pipeline*& handle = Out(out);
    Options all = FromStruct(options);
    ReportTo(on_error, &all.bus);
    ReportTo(on_error, &all.writer);
    if (on_alert) all.alerts.on_alert = on_alert;
    auto on_error_of_http = all.writer.on_error;
    handle = new nva_pipeline{Value(open(std::move(all))), std::move(on_error_of_http)};
  });
}

template <typename Event>
EventHeader HeaderOf(const Event& event) {
  EventHeader header;
  header.event_id = Text(event.event_id, "event->event_id");
  header.region = Text(event.region, "event->region");
  header.properties = Text(event.properties, "event->properties");
  return header;
}

// A handle on a part of the pipeline, which it keeps.
template <typename Part>
std::shared_ptr<Part> Share(nva_pipeline* pipeline, Part& part) {
  return std::shared_ptr<Part>(pipeline->impl, &part);
}

RetentionRun ApplyRetention(nva_pipeline* pipeline, std::int64_t now_us) {
  std::optional<absl::Time> now;
  if (now_us != NVA_TIME_NONE) now = FromMicros(now_us);
  return Value(Require(pipeline, "pipeline").impl->ApplyRetention(now));
}

ErasureReceipt EraseUser(nva_pipeline* pipeline, nva_string user_id, std::int32_t totals,
                         std::int64_t timeout_ms) {
  Pipeline& impl = *Require(pipeline, "pipeline").impl;
  if (totals != NVA_TOTALS_KEEP && totals != NVA_TOTALS_REMOVE) {
    Fail("totals is " + std::to_string(totals) +
         "; it must be NVA_TOTALS_KEEP or NVA_TOTALS_REMOVE");
  }
  return Value(impl.EraseUser(Text(user_id, "user_id"), static_cast<ErasedTotals>(totals),
                              Timeout(timeout_ms)));
}

}  // namespace

nva_status nva_pipeline_open(const nva_pipeline_options* options, nva_pipeline** out) {
  return OpenPipeline(options, out, [](Options all) { return Pipeline::Open(std::move(all)); });
}

nva_status nva_pipeline_open_with_store(const nva_pipeline_options* options, nva_store* store,
                                        nva_pipeline** out) {
  return OpenPipeline(options, out, [&](Options all) {
    return Pipeline::Open(std::move(all), Require(store, "store").impl);
  });
}

nva_status nva_pipeline_flush(nva_pipeline* pipeline, int64_t timeout_ms, uint64_t* unsent) {
  return Guarded([&] {
    if (unsent != nullptr) *unsent = 0;
    return ReportUnsent(Require(pipeline, "pipeline").impl->Flush(Timeout(timeout_ms)), unsent);
  });
}

nva_status nva_pipeline_close(nva_pipeline* pipeline, int64_t timeout_ms, uint64_t* unsent) {
  return Guarded([&] {
    if (unsent != nullptr) *unsent = 0;
    Require(pipeline, "pipeline").closed = true;
    return ReportUnsent(pipeline->impl->Close(Timeout(timeout_ms)), unsent);
  });
}

void nva_pipeline_free(nva_pipeline* pipeline) {
  // Handles on its parts may keep the pipeline, so it is closed here.
  if (pipeline != nullptr && !pipeline->closed) pipeline->impl->Close();
  delete pipeline;
}

nva_status nva_publish_json(nva_pipeline* pipeline, nva_string json, char** event_id) {
  return Published(event_id, [&] {
    return Require(pipeline, "pipeline").impl->PublishJson(View(json, "json"));
  });
}

nva_status nva_publish_charge_started(nva_pipeline* pipeline, const nva_charge_started* event,
                                      char** event_id) {
  return Published(event_id, [&] {
    const nva_charge_started given = Read(event, "event");
    nerava::analytics::ChargeStarted started;
    started.header = HeaderOf(given);
    started.session_id = Text(given.session_id, "event->session_id");
    started.user_id = Text(given.user_id, "event->user_id");
    started.hub_id = Text(given.hub_id, "event->hub_id");
    started.window_id = Text(given.window_id, "event->window_id");
    started.started_at = FromMicros(given.started_at_us);
    return Require(pipeline, "pipeline").impl->Publish(std::move(started));
  });
}

nva_status nva_publish_charge_stopped(nva_pipeline* pipeline, const nva_charge_stopped* event,
                                      char** event_id) {
  return Published(event_id, [&] {
    const nva_charge_stopped given = Read(event, "event");
    nerava::analytics::ChargeStopped stopped;
    stopped.header = HeaderOf(given);
    stopped.session_id = Text(given.session_id, "event->session_id");
    stopped.user_id = Text(given.user_id, "event->user_id");
    stopped.hub_id = Text(given.hub_id, "event->hub_id");
    stopped.window_id = Text(given.window_id, "event->window_id");
    stopped.stopped_at = FromMicros(given.stopped_at_us);
    stopped.energy_mwh = FromAmount(given.energy_mwh);
    stopped.grid_reward_microusd = FromAmount(given.grid_reward_microusd);
    stopped.merchant_reward_microusd = FromAmount(given.merchant_reward_microusd);
    stopped.total_reward_microusd = FromAmount(given.total_reward_microusd);
    return Require(pipeline, "pipeline").impl->Publish(std::move(stopped));
  });
}

nva_status nva_publish_wallet_credited(nva_pipeline* pipeline, const nva_wallet_credited* event,
                                       char** event_id) {
  return Published(event_id, [&] {
    const nva_wallet_credited given = Read(event, "event");
    nerava::analytics::WalletCredited credited;
    credited.header = HeaderOf(given);
    credited.user_id = Text(given.user_id, "event->user_id");
    credited.session_id = Text(given.session_id, "event->session_id");
    credited.amount_cents = FromAmount(given.amount_cents);
    credited.new_balance_cents = FromAmount(given.new_balance_cents);
    credited.credited_at = FromMicros(given.credited_at_us);
    return Require(pipeline, "pipeline").impl->Publish(std::move(credited));
  });
}

nva_status nva_pipeline_stats_json(nva_pipeline* pipeline, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Value(Require(pipeline, "pipeline").impl->stats())));
  });
}

nva_status nva_pipeline_health_json(nva_pipeline* pipeline, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Require(pipeline, "pipeline").impl->health()));
  });
}

nva_status nva_pipeline_dead_letters_json(nva_pipeline* pipeline, uint64_t limit, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Value(Require(pipeline, "pipeline").impl->writer().DeadLetters(limit))));
  });
}

nva_status nva_pipeline_replay_dead_letters(nva_pipeline* pipeline, uint64_t* accepted) {
  return Guarded([&] {
    if (accepted != nullptr) *accepted = 0;
    const std::size_t count =
        Value(Require(pipeline, "pipeline").impl->writer().ReplayDeadLetters());
    if (accepted != nullptr) *accepted = count;
  });
}

nva_status nva_pipeline_apply_retention(nva_pipeline* pipeline, int64_t now_us,
                                        nva_retention_run* run, uint32_t struct_size) {
  return Guarded([&] {
    const RetentionRun done = ApplyRetention(pipeline, now_us);
    nva_retention_run result{};
    result.events = done.events;
    result.aggregate_days = done.aggregate_days;
    result.snapshot_days = done.snapshot_days;
    result.freed_bytes = done.freed_bytes;
    result.steps = done.steps;
    result.longest_step_us = absl::ToInt64Microseconds(done.longest_step);
    result.duration_us = absl::ToInt64Microseconds(done.duration);
    result.events_from_us = ToMicros(done.kept_from.events);
    result.aggregates_from_us = ToMicros(done.kept_from.aggregates);
    result.snapshots_from_us = ToMicros(done.kept_from.days);
    Write(result, run, struct_size, "run");
  });
}

nva_status nva_pipeline_apply_retention_json(nva_pipeline* pipeline, int64_t now_us, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(ApplyRetention(pipeline, now_us)));
  });
}

nva_status nva_pipeline_erase_user(nva_pipeline* pipeline, nva_string user_id, int32_t totals,
                                   int64_t timeout_ms, nva_erasure_receipt* receipt,
                                   uint32_t struct_size) {
  return Guarded([&] {
    nva_erasure_receipt result{};
    Write(result, receipt, struct_size, "receipt");  // before what cannot be undone
    const ErasureReceipt erased = EraseUser(pipeline, user_id, totals, timeout_ms);
    result.totals = totals;
    result.erased_at_us = ToMicros(erased.erased_at);
    result.events_removed = erased.events_removed;
    result.events_anonymized = erased.events_anonymized;
    result.sessions_removed = erased.sessions_removed;
    result.sessions_anonymized = erased.sessions_anonymized;
    result.dead_letters = erased.dead_letters;
    result.unreadable_letters = erased.unreadable_letters;
    result.quarantined_segments = erased.quarantined_segments;
    Write(result, receipt, struct_size, "receipt");
  });
}

nva_status nva_pipeline_erase_user_json(nva_pipeline* pipeline, nva_string user_id, int32_t totals,
                                        int64_t timeout_ms, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(EraseUser(pipeline, user_id, totals, timeout_ms)));
  });
}

nva_status nva_pipeline_bus(nva_pipeline* pipeline, nva_bus** out) {
  return Guarded([&] {
    nva_bus*& handle = Out(out);
    handle = new nva_bus{Share(pipeline, Require(pipeline, "pipeline").impl->bus())};
  });
}

nva_status nva_pipeline_producer(nva_pipeline* pipeline, nva_producer** out) {
  return Guarded([&] {
    nva_producer*& handle = Out(out);
    handle =
        new nva_producer{Share(pipeline, Require(pipeline, "pipeline").impl->producer()), true};
  });
}

nva_status nva_pipeline_batch_writer(nva_pipeline* pipeline, nva_batch_writer** out) {
  return Guarded([&] {
    nva_batch_writer*& handle = Out(out);
    Pipeline& owner = *Require(pipeline, "pipeline").impl;
    handle = new nva_batch_writer{Share(pipeline, owner.writer()), owner.store(),
                                  Share(pipeline, owner.producer())};
  });
}

nva_status nva_pipeline_store(nva_pipeline* pipeline, nva_store** out) {
  return Guarded([&] {
    nva_store*& handle = Out(out);
    handle = new nva_store{Require(pipeline, "pipeline").impl->store()};
  });
}

nva_status nva_pipeline_kpi(nva_pipeline* pipeline, nva_kpi** out) {
  return Guarded([&] {
    nva_kpi*& handle = Out(out);
    handle = new nva_kpi{Share(pipeline, Require(pipeline, "pipeline").impl->kpis())};
  });
}
