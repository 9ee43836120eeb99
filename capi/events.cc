#include "capi/events.h"

#include "capi/boundary.h"
#include "nerava/analytics/json.h"

namespace nerava::analytics::capi {
namespace {

std::int64_t ToAmount(const std::optional<std::int64_t>& value) {
  return value.value_or(NVA_UNKNOWN);
}

}  // namespace

nva_event ViewOf(const AnalyticsEvent& event) {
  nva_event view{};
  view.struct_size = sizeof view;
  view.version = event.version;
  view.time_us = ToMicros(event.time);
  view.event_id = Borrow(event.event_id);
  view.event_type = Borrow(event.event_type.name());
  view.region = Borrow(event.region);
  view.aggregate_id = Borrow(event.AggregateId());
  view.session_id = Borrow(event.session_id);
  view.user_id = Borrow(event.user_id);
  view.hub_id = Borrow(event.hub_id);
  view.window_id = Borrow(event.window_id);
  view.energy_mwh = ToAmount(event.energy_mwh);
  view.grid_reward_microusd = ToAmount(event.grid_reward_microusd);
  view.merchant_reward_microusd = ToAmount(event.merchant_reward_microusd);
  view.total_reward_microusd = ToAmount(event.total_reward_microusd);
  view.amount_cents = ToAmount(event.amount_cents);
  view.new_balance_cents = ToAmount(event.new_balance_cents);
  view.fields = Borrow(event.fields);
  view.properties = Borrow(event.properties);
  return view;
}

AnalyticsEvent FromView(const nva_event* in) {
  const nva_event view = Read(in, "event");
  AnalyticsEvent event;
  event.event_id = Text(view.event_id, "event->event_id");
  event.event_type = Text(view.event_type, "event->event_type");
  event.version = view.version;
  event.time = FromMicros(view.time_us);
  event.region = Text(view.region, "event->region");
  event.aggregate_id = Text(view.aggregate_id, "event->aggregate_id");
  event.session_id = Text(view.session_id, "event->session_id");
  event.user_id = Text(view.user_id, "event->user_id");
  event.hub_id = Text(view.hub_id, "event->hub_id");
  event.window_id = Text(view.window_id, "event->window_id");
  event.energy_mwh = FromAmount(view.energy_mwh);
  event.grid_reward_microusd = FromAmount(view.grid_reward_microusd);
  event.merchant_reward_microusd = FromAmount(view.merchant_reward_microusd);
  event.total_reward_microusd = FromAmount(view.total_reward_microusd);
  event.amount_cents = FromAmount(view.amount_cents);
  event.new_balance_cents = FromAmount(view.new_balance_cents);
  event.fields = Text(view.fields, "event->fields");
  event.properties = Text(view.properties, "event->properties");
  return event;
}

}  // namespace nerava::analytics::capi

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace

nva_status nva_event_init(nva_event* event, uint32_t struct_size) {
  return Guarded([&] {
    nva_event empty = ViewOf({});
    empty.time_us = NVA_TIME_NONE;
    Write(empty, event, struct_size, "event");
  });
}

nva_status nva_event_to_json(const nva_event* event, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(nerava::analytics::ToJson(FromView(event)));
  });
}

nva_status nva_charge_started_init(nva_charge_started* event, uint32_t struct_size) {
  return Guarded([&] {
    nva_charge_started empty{};
    empty.started_at_us = NVA_TIME_NONE;
    Write(empty, event, struct_size, "event");
  });
}

nva_status nva_charge_stopped_init(nva_charge_stopped* event, uint32_t struct_size) {
  return Guarded([&] {
    nva_charge_stopped empty{};
    empty.stopped_at_us = NVA_TIME_NONE;
    empty.energy_mwh = NVA_UNKNOWN;
    empty.grid_reward_microusd = NVA_UNKNOWN;
    empty.merchant_reward_microusd = NVA_UNKNOWN;
    empty.total_reward_microusd = NVA_UNKNOWN;
    Write(empty, event, struct_size, "event");
  });
}

nva_status nva_wallet_credited_init(nva_wallet_credited* event, uint32_t struct_size) {
  return Guarded([&] {
    nva_wallet_credited empty{};
    empty.amount_cents = NVA_UNKNOWN;
    empty.new_balance_cents = NVA_UNKNOWN;
    empty.credited_at_us = NVA_TIME_NONE;
    Write(empty, event, struct_size, "event");
  });
}
