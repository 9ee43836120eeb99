// Takes a person out of a store: events, totals as wanted, and who was active.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "nerava/analytics/erasure.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

struct StoreErasure {
  std::int64_t events_removed = 0;
  std::int64_t events_anonymized = 0;
  std::int64_t sessions_removed = 0;
  std::int64_t sessions_anonymized = 0;
  std::vector<std::string> sessions = {};  // ids of those that were theirs
};

// In one transaction. Unimplemented for a store that cannot; its error otherwise. Thread-safe as the
// store is.
absl::StatusOr<StoreErasure> EraseFromStore(Store& store, std::string_view user_id,
                                            ErasedTotals totals);

// Whether the event tells of the user itself; the others of their sessions do not.
inline bool Names(const AnalyticsEvent& event, std::string_view user_id) {
  return event.user_id == user_id || event.aggregate_id == user_id;
}

}  // namespace nerava::analytics
