// Stores a batch: events, and with them every KPI, in one transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

struct CommitResult {
  std::uint64_t committed = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t conflicts = 0;
  std::vector<std::size_t> too_old = {};  // by index in the batch: refused
  absl::Time accepts_from;                // for these
};

// All or nothing; the store's error otherwise. Thread-safe as the store is.
absl::StatusOr<CommitResult> CommitBatch(Store& store, absl::Span<const EventPtr> events,
                                         absl::Time created_at);

}  // namespace nerava::analytics
