// From a domain event to the analytics event.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/domain_event.h"

namespace nerava::analytics {

// Validates `event` and moves what it holds into `*result`, which must be a fresh one; fills in what
// is missing: id, time (`now`), region (`region`, which must be valid), aggregate. After an error
// neither is of use.
absl::Status Convert(DomainEvent& event, const std::string& region, absl::Time now,
                     AnalyticsEvent* result);

}  // namespace nerava::analytics
