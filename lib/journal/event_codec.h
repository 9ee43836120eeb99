// An analytics event as bytes, and back: the payload of a journal's record. docs/reliability.md has
// the format.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

// Appends the event's encoding. Never fails; `event.time` keeps its microseconds.
void EncodeEvent(const AnalyticsEvent& event, std::string* out);

// The event that was encoded. DataLoss for bytes that are no encoding, whatever they are; reads and
// allocates no more than they are long.
absl::StatusOr<AnalyticsEvent> DecodeEvent(std::string_view bytes);

}  // namespace nerava::analytics
