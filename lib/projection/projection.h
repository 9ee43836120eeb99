// The heart: new events, and what was known of their sessions before, become changes to facts and
// aggregates.
// Pure: no database, no clock, no state.
#pragma once

#include "absl/types/span.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

// `added` are events stored now for the first time; `earlier` are the start, stop and credit events
// stored before of the sessions that `added` speaks of (those of other sessions change nothing).
// Added, in any order, to the facts and aggregates of the earlier events they give those of all. The
// views in the result point into the events.
Changes Project(absl::Span<const EventPtr> added, absl::Span<const AnalyticsEvent> earlier);

// What takes the facts of these events, all of their sessions, out again.
Changes ProjectRemoval(absl::Span<const AnalyticsEvent> removed);

}  // namespace nerava::analytics
