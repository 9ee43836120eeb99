#include "nerava/analytics/watch.h"

#include <utility>

#include "capi/events.h"
#include "capi/handles.h"
#include "capi/options.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::Alert;
using nerava::analytics::AlertState;
using nerava::analytics::Dimension;
using nerava::analytics::Watch;
using nerava::analytics::WatchMeasure;
using nerava::analytics::WatchRelation;

namespace {

template <typename Enum>
Enum OneOf(std::int32_t value, std::int32_t most, const char* name) {
  if (value < 0 || value > most) {
    Fail(std::string(name) + " is " + std::to_string(value) + "; it must be one of its constants");
  }
  return static_cast<Enum>(value);
}

Watch FromStruct(const nva_watch* in) {
  const nva_watch given = Read(in, "watch");
  Watch watch;
  watch.name = Text(given.name, "watch->name");
  watch.kpi = Text(given.kpi, "watch->kpi");
  watch.relation = OneOf<WatchRelation>(given.relation, NVA_WATCH_BELOW, "watch->relation");
  watch.measure = OneOf<WatchMeasure>(given.measure, NVA_WATCH_CHANGE, "watch->measure");
  watch.threshold = given.threshold;
  watch.hysteresis = given.hysteresis;
  watch.period = absl::Milliseconds(given.period_ms);
  watch.hold_for = absl::Milliseconds(given.hold_for_ms);
  watch.min_sample = given.min_sample;
  watch.filter = {Text(given.region, "watch->region"), Text(given.hub_id, "watch->hub_id"),
                  Text(given.window_id, "watch->window_id")};
  if (given.each != NVA_EACH_NONE) {
    watch.each = OneOf<Dimension>(given.each, NVA_DIMENSION_WINDOW, "watch->each");
  }
  return watch;
}

Alert FromView(const nva_alert* view) {
  const nva_alert given = Read(view, "alert");
  Alert alert;
  alert.watch = Text(given.watch, "alert->watch");
  alert.group = Text(given.group, "alert->group");
  alert.state = OneOf<AlertState>(given.state, NVA_ALERT_RESOLVED, "alert->state");
  if (given.has_value != 0) alert.value = given.value;
  alert.threshold = given.threshold;
  alert.sample = given.sample;
  alert.since = FromMicros(given.since_us);
  alert.at = FromMicros(given.at_us);
  alert.message = Text(given.message, "alert->message");
  return alert;
}

}  // namespace

namespace nerava::analytics::capi {

nva_alert AlertView(const Alert& alert) {
  nva_alert view{};
  view.struct_size = sizeof view;
  view.state = static_cast<std::int32_t>(alert.state);
  view.watch = Borrow(alert.watch);
  view.group = Borrow(alert.group);
  view.message = Borrow(alert.message);
  view.value = alert.value.value_or(0);
  view.has_value = alert.value.has_value() ? 1 : 0;
  view.threshold = alert.threshold;
  view.sample = alert.sample;
  view.since_us = ToMicros(alert.since);
  view.at_us = ToMicros(alert.at);
  return view;
}

}  // namespace nerava::analytics::capi

nva_status nva_watch_init(nva_watch* watch, uint32_t struct_size) {
  return Guarded([&] {
    const Watch defaults;
    nva_watch all{};
    all.each = NVA_EACH_NONE;
    all.period_ms = absl::ToInt64Milliseconds(defaults.period);
    Write(all, watch, struct_size, "watch");
  });
}

nva_status nva_pipeline_add_watch(nva_pipeline* pipeline, const nva_watch* watch) {
  return Guarded([&] { return Require(pipeline, "pipeline").impl->AddWatch(FromStruct(watch)); });
}

nva_status nva_pipeline_remove_watch(nva_pipeline* pipeline, nva_string name) {
  return Guarded(
      [&] { return Require(pipeline, "pipeline").impl->RemoveWatch(Text(name, "name")); });
}

nva_status nva_pipeline_check_watches(nva_pipeline* pipeline) {
  return Guarded([&] { return Require(pipeline, "pipeline").impl->CheckWatches(); });
}

nva_status nva_pipeline_watches_json(nva_pipeline* pipeline, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Require(pipeline, "pipeline").impl->watches()));
  });
}

nva_status nva_pipeline_alerts_json(nva_pipeline* pipeline, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Require(pipeline, "pipeline").impl->alerts()));
  });
}

nva_status nva_alert_to_json(const nva_alert* alert, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(FromView(alert)));
  });
}
