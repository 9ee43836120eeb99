// Takes a person out of a store: events, totals as wanted, and who was active.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nerava/analytics/erasure.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

struct StoreErasure {
  std::int64_t events_removed = 0;
  std::int64_t events_anonymized = 0;
  std::int64_t sessions_removed = 0;
  std::int64_t sessions_anonymized = 0;
};

// The ids of one person, sorted.
using UserIds = std::vector<std::string>;

// In one transaction, before whose end `before_commit` is called with the sessions that were theirs; its
// error takes all back. Unimplemented for a store that cannot; its error otherwise. Thread-safe as the
// store is.
absl::StatusOr<StoreErasure> EraseFromStore(
    Store& store, const UserIds& user_ids, ErasedTotals totals,
    absl::FunctionRef<absl::Status(const std::vector<std::string>& sessions)> before_commit);

// Whether the event tells of the person itself; the others of their sessions do not.
inline bool Names(const AnalyticsEvent& event, const UserIds& user_ids) {
  return std::binary_search(user_ids.begin(), user_ids.end(), event.user_id) ||
         std::binary_search(user_ids.begin(), user_ids.end(), event.aggregate_id);
}

}  // namespace nerava::analytics
