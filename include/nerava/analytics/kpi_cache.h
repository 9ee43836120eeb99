// Answers that were given before, for as long as nothing changes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"

namespace nerava::analytics {

struct KpiCacheOptions {
  // Of all answers kept, about; the least recently asked for go first. 0: none are kept. Default
  // 16 MiB; up to 1 GiB.
  std::int64_t max_bytes = 16 << 20;
  // A pipeline's writer asks for the four KPI groups over each of these numbers of days after its
  // commits, so that who asks next need not wait. Default: none; up to 20, each as in
  // Period::LastDays.
  std::vector<int> warm_days = {};

  // InvalidArgument naming the first option that is out of its range.
  absl::Status Validate() const;
};

// Of a process; a forked child begins at 0.
struct KpiCacheStats {
  std::uint64_t hits = 0;    // answered from the cache
  std::uint64_t shared = 0;  // ... from an answer that another thread was just computing
  std::uint64_t misses = 0;  // computed
  // ... in vain, for the store's sake. Not those that were asked for wrongly.
  std::uint64_t failures = 0;
  std::uint64_t warmed = 0;  // computed before anybody asked
  std::uint64_t evictions = 0;
  std::uint64_t entries = 0;  // kept now
  std::int64_t bytes = 0;

  // Hits and shared ones, in percent of all that were asked for; 0 before the first.
  double hit_rate() const;
};

}  // namespace nerava::analytics
