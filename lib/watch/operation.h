// The alerts about the pipeline itself.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lib/watch/readings.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics {

// What the pipeline counted up to a moment.
struct OperationCounts {
  std::uint64_t events = 0;  // refused, or of which it is settled what becomes of them
  std::uint64_t lost = 0;    // of those, refused, dropped, or kept as dead letters
  std::uint64_t kpi_failures = 0;
  absl::Duration oldest_pending;
  std::string last_error;  // of the writer
};

// One thread at a time.
class Operation {
 public:
  Operation(const AlertOptions& options, absl::Duration flush_interval)
      : options_(options), flush_interval_(flush_interval) {}

  // Where counting begins.
  void Begin(const OperationCounts& counts, absl::Time now) { looks_ = {{now, counts}}; }

  // What a look at `now` shows, as watches, for an AlertBook: what is counted, and whether the store can
  // be read.
  std::vector<std::pair<Watch, Readings>> Look(const OperationCounts& counts, absl::Time now);
  static std::pair<Watch, Readings> LookAtStore(const absl::Status& readable);

  // Whether an alert about the pipeline is called so.
  static bool IsName(const std::string& name);

 private:
  const AlertOptions options_;
  const absl::Duration flush_interval_;
  // Looks within the window, and the last one before it; oldest first.
  std::deque<std::pair<absl::Time, OperationCounts>> looks_;
};

}  // namespace nerava::analytics
