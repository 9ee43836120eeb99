#include "nerava/analytics/bus.h"

#include <algorithm>

#include "capi/events.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/publish.h"
#include "nerava/analytics/json.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::Bus;
using nerava::analytics::BusOptions;
using nerava::analytics::BusStats;
using nerava::analytics::EventPtr;
using nerava::analytics::Producer;
using nerava::analytics::ProducerOptions;
using nerava::analytics::ProducerStats;

nva_status nva_bus_open(const nva_bus_options* options, nva_bus** out) {
  return Guarded([&] {
    const ErrorCallback on_error = TakeOverOnError(options);
    nva_bus*& handle = Out(out);
    BusOptions all = FromStruct(options);
    ReportTo(on_error, &all);
    handle = new nva_bus{std::make_shared<Bus>(std::move(all))};
  });
}

void nva_bus_free(nva_bus* bus) { delete bus; }

nva_status nva_bus_get_stats(nva_bus* bus, nva_bus_stats* stats, uint32_t struct_size) {
  return Guarded([&] {
    const BusStats now = Require(bus, "bus").impl->stats();
    nva_bus_stats result{};
    result.published = now.published;
    result.refused = now.refused;
    result.deliveries = now.deliveries;
    result.handler_failures = now.handler_failures;
    result.subscribers = now.subscribers;
    Write(result, stats, struct_size, "stats");
  });
}

nva_status nva_bus_subscribe(nva_bus* bus, nva_string type, const nva_event_handler* handler,
                             nva_subscription** out) {
  return Guarded([&] {
    const auto [user_data, on_event, destroy] = Require(handler, "handler");
    const std::shared_ptr<void> owner = TakeOver(user_data, destroy);
    nva_subscription*& handle = Out(out);
    auto* const call = &Require(on_event, "handler->on_event");
    auto subscription = std::make_unique<nva_subscription>();
    Check(Require(bus, "bus")
              .impl->Subscribe(
                  View(type, "type"),
                  [owner, call](const EventPtr& event) {
                    const nva_event view = ViewOf(*event);
                    ClearLastError();
                    return FromCallback(call(owner.get(), &view), "the handler");
                  },
                  &subscription->impl));
    handle = subscription.release();
  });
}

void nva_subscription_free(nva_subscription* subscription) { delete subscription; }

nva_status nva_bus_recent_json(nva_bus* bus, nva_string type, nva_string aggregate_id,
                               char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    std::string array = "[";
    for (const EventPtr& event :
         Require(bus, "bus").impl->Recent(View(type, "type"), View(aggregate_id, "aggregate_id"))) {
      if (array.size() > 1) array += ',';
      array += ToJson(*event);
    }
    out = Duplicate(array + "]");
  });
}

nva_status nva_producer_open(nva_bus* bus, nva_string region, nva_producer** out) {
  return Guarded([&] {
    nva_producer*& handle = Out(out);
    ProducerOptions options;
    if (region.size != 0) options.region = Text(region, "region");
    struct WithBus {
      std::shared_ptr<Bus> bus;
      Producer producer;
    };
    const std::shared_ptr<Bus> shared = bus == nullptr ? nullptr : bus->impl;
    auto both = std::shared_ptr<WithBus>(new WithBus{shared, Producer(options, shared.get())});
    handle = new nva_producer{std::shared_ptr<Producer>(both, &both->producer), bus != nullptr};
  });
}

void nva_producer_free(nva_producer* producer) { delete producer; }

nva_status nva_producer_publish_json(nva_producer* producer, nva_string json, char** event_id) {
  return Published(event_id, [&]() -> absl::StatusOr<EventPtr> {
    if (!Require(producer, "producer").has_bus) {
      return absl::FailedPreconditionError("this producer has no bus: give nva_producer_open one");
    }
    return producer->impl->PublishJson(View(json, "json"));
  });
}

nva_status nva_producer_convert_json(nva_producer* producer, nva_string json,
                                     char** analytics_json) {
  return Guarded([&] {
    char*& out = Out(analytics_json);
    auto event = Value(nerava::analytics::ParseDomainEvent(View(json, "json")));
    const Producer& converter = *Require(producer, "producer").impl;
    out = Duplicate(ToJson(Value(converter.Convert(std::move(event)))));
  });
}

nva_status nva_producer_get_stats(nva_producer* producer, nva_producer_stats* stats,
                                  uint32_t struct_size) {
  return Guarded([&] {
    const ProducerStats now = Require(producer, "producer").impl->stats();
    static_assert(nerava::analytics::kRejectReasonCount <= NVA_REJECT_SLOTS);
    nva_producer_stats result{};
    result.published = now.published;
    result.rejected = now.rejected;
    std::copy(now.rejected_by_reason.begin(), now.rejected_by_reason.end(),
              result.rejected_by_reason);
    Write(result, stats, struct_size, "stats");
  });
}
