// Events across the boundary.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "capi/nerava_analytics.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics::capi {

inline std::optional<std::int64_t> FromAmount(std::int64_t value) {
  return value == NVA_UNKNOWN ? std::nullopt : std::optional(value);
}

// Borrows the strings of `event`.
nva_event ViewOf(const AnalyticsEvent& event);

// Copies; checks the struct and its strings, not their meaning. Throws Failure.
AnalyticsEvent FromView(const nva_event* view);

}  // namespace nerava::analytics::capi
