// What every function that accepts an event ends with.
#pragma once

#include "capi/boundary.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics::capi {

// Runs `publish`, which gives a StatusOr<EventPtr>, and hands out the id of the event it accepted.
template <typename Publish>
nva_status Published(char** event_id, Publish&& publish) noexcept {
  return Guarded([&] {
    if (event_id != nullptr) *event_id = nullptr;
    const EventPtr event = Value(publish());
    if (event_id != nullptr) *event_id = Duplicate(event->event_id);
  });
}

}  // namespace nerava::analytics::capi
