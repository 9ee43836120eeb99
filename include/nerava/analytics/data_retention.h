// How long a store keeps what, and what drops the rest. (Which users come back: people.h.)
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// Of each, whole UTC days: what happened on one is dropped once the day ended so long ago.
struct DataRetention {
  // Whether a pipeline drops by itself, a minute after it was opened and then every `interval`.
  // ApplyRetention does in any case. Default true.
  bool enabled = true;
  // Raw events: what the view `analytics_events` shows, and what tells duplicates and late events
  // apart. No KPI needs them. Default 90 days; at least 2 days.
  absl::Duration events = absl::Hours(24 * 90);
  // Facts, and aggregates finer than a day: what makes KPIs exact to the microsecond, by hub and
  // window too. Default 731 days, 2 years; at least `events`.
  absl::Duration aggregates = absl::Hours(24 * 731);
  // The KPIs of each UTC day and region, and who was active. Default 1,827 days, 5 years; at least
  // `aggregates`. absl::InfiniteDuration(), for this and the others, is for ever.
  absl::Duration snapshots = absl::Hours(24 * 1827);
  // How often a pipeline looks. Default 1 h; 1 s..1 day.
  absl::Duration interval = absl::Hours(1);

  // InvalidArgument naming the first that is out of its range.
  absl::Status Validate() const;
};

// What was dropped, and what it took.
struct RetentionRun {
  std::int64_t events = 0;
  std::int64_t aggregate_days = 0;  // of facts and aggregates
  std::int64_t snapshot_days = 0;
  std::int64_t freed_bytes = 0;  // given back to the file system
  std::int64_t steps = 0;        // transactions
  absl::Duration longest_step;   // so long at most a commit had to wait
  absl::Duration duration;
  Horizons kept_from;  // afterwards
};

std::string ToJson(const RetentionRun& run);

// Drops what `retention` does not keep at `now`, in short transactions with pauses between them, so
// that others write meanwhile; then gives free disk space back. What an earlier call left undone (its
// process was killed, the disk was full) the next one does. Errors: the store's; Unimplemented for a
// store that cannot drop; InvalidArgument for a bad `retention` or `now`. Thread-safe as the store is.
absl::StatusOr<RetentionRun> ApplyRetention(Store& store, const DataRetention& retention,
                                            absl::Time now);

// Of a process, over all runs of its pipeline's thread and by hand.
struct RetentionStats {
  std::uint64_t runs = 0;
  std::int64_t events = 0;  // dropped, as in RetentionRun
  std::int64_t aggregate_days = 0;
  std::int64_t snapshot_days = 0;
  std::int64_t freed_bytes = 0;
  absl::Time last_run = absl::InfinitePast();
  std::string last_error;  // of the last run, or why it did not drop; empty: all is well
};

}  // namespace nerava::analytics
