// Erasing a person from what a pipeline keeps: the right to erasure of the GDPR, article 17.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace nerava::analytics {

// What becomes of the totals that a person's sessions are in. Who was active, how many were, and
// streaks forget the person in either case.
enum class ErasedTotals : std::uint8_t {
  // They stay as nobody's: sessions, rewards and energy are what they were.
  kKeep = 0,
  // They go, as if there had never been these sessions: of all sessions whose raw events are there.
  // Those of which some were dropped for their age stay as nobody's, see data_retention.h.
  kRemove = 1,
};

// What was erased. It does not name the person, so that it can be kept.
struct ErasureReceipt {
  absl::Time erased_at;
  ErasedTotals totals = ErasedTotals::kKeep;
  std::int64_t events_removed = 0;
  std::int64_t events_anonymized = 0;    // stay without user, further fields and properties
  std::int64_t sessions_removed = 0;     // from the totals
  std::int64_t sessions_anonymized = 0;  // that stopped, and stay in the totals
  std::int64_t dead_letters = 0;         // removed
  // Dead letters that this version cannot read, which were kept, and damaged files of the journal, kept
  // aside for somebody to look at: what they hold of the person nobody knows. Delete them once they
  // were looked at.
  std::int64_t unreadable_letters = 0;
  std::int64_t quarantined_segments = 0;
};

std::string ToJson(const ErasureReceipt& receipt);

}  // namespace nerava::analytics
