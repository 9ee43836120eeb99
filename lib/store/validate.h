// What stores check alike.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// InvalidArgument naming the first option that is out of its range.
absl::Status Validate(const StoreOptions& options);

// OutOfRange for one that is after the last that the store gave, see ReadTransaction::EventsAfter.
absl::Status CheckPosition(std::int64_t position, std::int64_t last);

}  // namespace nerava::analytics
