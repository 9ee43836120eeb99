// The heart: new events, and what was known of their sessions before, become changes to aggregates.
// Pure: no database, no clock, no state.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

// `added` are events stored now for the first time; `earlier` are the start, stop and credit events
// stored before of the sessions that `added` speaks of (those of other sessions change nothing).
// Adding the deltas, in any order, to the aggregates of the earlier events gives those of all.
std::vector<AggregateDelta> Project(absl::Span<const EventPtr> added,
                                    absl::Span<const AnalyticsEvent> earlier);

}  // namespace nerava::analytics
