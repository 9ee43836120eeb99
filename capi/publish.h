// What every function that accepts an event ends with.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "capi/boundary.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/limits.h"

namespace nerava::analytics::capi {

// Runs `publish`, which gives a StatusOr<EventPtr>, and hands out the id of the event it accepted.
template <typename Publish>
nva_status Published(char** event_id, Publish&& publish) noexcept {
  return Guarded([&] {
    if (event_id != nullptr) *event_id = nullptr;
    // Before the event is accepted: afterwards nothing may fail.
    std::unique_ptr<char, decltype(&std::free)> id(nullptr, &std::free);
    if (event_id != nullptr) id.reset(Duplicate(std::string(kMaxIdBytes, ' ')));
    const EventPtr event = Value(publish());
    if (event_id == nullptr) return;
    id.get()[event->event_id.copy(id.get(), kMaxIdBytes)] = '\0';
    *event_id = id.release();
  });
}

}  // namespace nerava::analytics::capi
