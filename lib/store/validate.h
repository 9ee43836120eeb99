// The ranges of StoreOptions.
#pragma once

#include "absl/status/status.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// InvalidArgument naming the first option that is out of its range.
absl::Status Validate(const StoreOptions& options);

}  // namespace nerava::analytics
