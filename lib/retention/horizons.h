// What DataRetention says at a moment, and steps towards it.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/data_retention.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// InvalidArgument for a bad `retention` or `now`.
absl::StatusOr<Horizons> HorizonsAt(const DataRetention& retention, absl::Time now);

// One call of Store::Retain, added to `run`. What the store throws becomes Unavailable.
absl::StatusOr<RetentionStep> TakeStep(Store& store, const Horizons& wanted, RetentionRun* run);

}  // namespace nerava::analytics
