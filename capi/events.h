// Events across the boundary.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "capi/nerava_analytics.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics::capi {

inline std::optional<std::int64_t> FromAmount(std::int64_t value) {
  return value == NVA_UNKNOWN ? std::nullopt : std::optional(value);
}

// Borrows the strings of `event`.
nva_event ViewOf(const AnalyticsEvent& event);

// Borrows the strings of `alert`.
nva_alert AlertView(const Alert& alert);

// Copies; checks the struct and its strings, not their meaning. Throws Failure.
AnalyticsEvent FromView(const nva_event* view);

}  // namespace nerava::analytics::capi
