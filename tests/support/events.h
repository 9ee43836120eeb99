// Events for tests that do not care what happened.
#pragma once

#include <memory>
#include <string>

#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

inline EventPtr MakeEvent(const std::string& id, const std::string& type = "analytics_test",
                          const std::string& aggregate_id = "aggregate") {
  auto event = std::make_shared<AnalyticsEvent>();
  event->event_id = id;
  event->event_type = type;
  event->time = absl::FromUnixSeconds(1'700'000'000);
  event->region = "test";
  event->aggregate_id = aggregate_id;
  return event;
}

}  // namespace nerava::analytics
