// Reads rows and publishes their events, all of a row or none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/common/progress.h"
#include "examples/replay/row_reader.h"
#include "examples/replay/session_rules.h"
#include "nerava/analytics/pipeline.h"

namespace nerava::examples {

struct ReplayOptions {
  SessionRules rules;
  bool strict = false;  // stop at the first bad row
  // Bad rows that are reported one by one; the rest are only counted.
  std::uint64_t max_bad_shown = 100;
  // Reading stops when it returns true.
  std::function<bool()> interrupted;
  // Takes a line for people.
  std::function<void(const std::string& message)> report;
};

struct ReplayCounts {
  std::uint64_t rows_read = 0;
  std::uint64_t rows_skipped = 0;
  std::uint64_t repaired_years = 0;
  std::uint64_t events_published = 0;
  absl::Time first = absl::InfiniteFuture();  // of the events published
  absl::Time last = absl::InfinitePast();
};

// One thread. The pipeline must outlive it.
class Replayer {
 public:
  Replayer(analytics::Pipeline* pipeline, ReplayOptions options);

  // To the end of the input. Cancelled when interrupted, Aborted at a bad row in strict mode, else
  // the reader's or the writer's error.
  absl::Status Run(RowReader* reader, const ByteSource& source, Progress* progress);

  // Waits until all that was published is stored. Unavailable when no further commit succeeded for
  // `patience`: the message says how many events are missing.
  absl::Status Flush(absl::Duration patience);

  const ReplayCounts& counts() const { return counts_; }

 private:
  absl::StatusOr<std::vector<analytics::EventPtr>> Convert(const Row& row) const;
  absl::Status Publish(std::vector<analytics::EventPtr> events);

  analytics::Pipeline& pipeline_;
  const ReplayOptions options_;
  ReplayCounts counts_;
};

}  // namespace nerava::examples
