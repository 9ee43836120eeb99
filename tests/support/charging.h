// Events of charging sessions, in one line each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics::testing {

inline std::shared_ptr<AnalyticsEvent> ChargingEvent(std::string id, std::string type,
                                                     std::string session, absl::Time time) {
  auto event = std::make_shared<AnalyticsEvent>();
  event->event_id = std::move(id);
  event->event_type = std::move(type);
  event->time = time;
  event->region = "default";
  event->user_id = "user of " + session;
  event->aggregate_id = session.empty() ? event->user_id : session;
  event->session_id = std::move(session);
  return event;
}

inline std::shared_ptr<AnalyticsEvent> Started(std::string id, std::string session,
                                               absl::Time time) {
  return ChargingEvent(std::move(id), "analytics_charge_started", std::move(session), time);
}

inline std::shared_ptr<AnalyticsEvent> Stopped(
    std::string id, std::string session, absl::Time time,
    std::optional<std::int64_t> reward_microusd = std::nullopt) {
  auto event = ChargingEvent(std::move(id), "analytics_charge_stopped", std::move(session), time);
  event->total_reward_microusd = reward_microusd;
  return event;
}

inline std::shared_ptr<AnalyticsEvent> Credited(std::string id, std::string session,
                                                absl::Time time, std::int64_t cents) {
  auto event = ChargingEvent(std::move(id), "analytics_wallet_credited", std::move(session), time);
  event->aggregate_id = event->user_id;
  event->amount_cents = cents;
  return event;
}

}  // namespace nerava::analytics::testing
