// What DataRetention says at a moment, and steps towards it.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/data_retention.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// The pause after a step: a lock that is taken again at once is no chance for others.
inline constexpr absl::Duration kBetweenSteps = absl::Milliseconds(5);

// InvalidArgument for a bad `retention` or `now`.
absl::StatusOr<Horizons> HorizonsAt(const DataRetention& retention, absl::Time now);

// One call of Store::Retain, added to `run`. What the store throws becomes Unavailable.
absl::StatusOr<RetentionStep> TakeStep(Store& store, const Horizons& wanted, RetentionRun* run);

// See ApplyRetention. `run` has what was done also when an error ends it.
absl::Status RunRetention(Store& store, const DataRetention& retention, absl::Time now,
                          RetentionRun* run);

}  // namespace nerava::analytics
