// Events from and to JSON.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/domain_event.h"

namespace nerava::analytics {

// Parses one domain event from a JSON object with the backend's field names, checking names and
// types; ids, limits and times are checked by Producer::Convert. Numbers are read as decimals,
// never through binary floating point. Fields the type does not know go to `header.fields`, an
// object "properties" to `header.properties`; null is the same as absent. The JSON of an
// AnalyticsEvent is accepted too (its type has the prefix "analytics_"), so that an export can be
// read back. InvalidArgument with field, what it was and what it must be; ReasonOf() tells the
// counter. Thread-safe.
absl::StatusOr<DomainEvent> ParseDomainEvent(std::string_view json);

// The domain event as the backend would write it; absent fields are left out.
std::string ToJson(const DomainEvent& event);

// The backend's analytics event: base keys (event_id, event_type, timestamp, region, aggregate_id,
// version), then the domain fields, then `properties`. Absent fields are null where the backend has
// the key, so that readers may rely on it.
std::string ToJson(const AnalyticsEvent& event);

}  // namespace nerava::analytics
