// Events that the store refused for what they are, kept for people, and for another try.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/base/mutex.h"
#include "lib/journal/file.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/batch_writer.h"

namespace nerava::analytics {

// One JSON object a line, {"time":...,"reason":...,"event":{...}}: in dead_letters.ndjson in the
// store's journal folder, which all processes share, or in memory. Thread-safe.
class DeadLetters {
 public:
  // `folder`: empty for letters in memory, the last 10,000.
  explicit DeadLetters(std::string folder) : folder_(std::move(folder)) {}

  // When it returns OK, the letter is on the disk.
  absl::Status Add(const AnalyticsEvent& event, const std::string& reason, absl::Time time);

  // Oldest first.
  absl::StatusOr<std::vector<DeadLetter>> List(std::size_t limit) const;
  std::uint64_t count() const;

  // Offers each event to `accept`, and forgets those that it takes; how many. The rest stay. The
  // error of the last that was not taken, if none was.
  absl::StatusOr<std::size_t> Replay(absl::FunctionRef<absl::Status(EventPtr)> accept);
  // Forgets those that `which` says, and unfinished lines.
  absl::StatusOr<RemovedLetters> Remove(absl::FunctionRef<bool(const AnalyticsEvent&)> which);

 private:
  void Count(File& file, std::uint64_t inode) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<std::string>> Lines() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Forget(std::multiset<std::string> gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Rewrite(
      absl::FunctionRef<std::vector<std::string>(const std::vector<std::string>&)> remaining)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string folder_;
  mutable Mutex mutex_;
  std::deque<std::string> in_memory_ ABSL_GUARDED_BY(mutex_);  // lines
  // What count() found in the file so far: only what was added is looked at the next time.
  struct Counted {
    std::uint64_t letters = 0;
    std::uint64_t file = 0;  // its inode
    std::int64_t end = 0;    // behind the last whole line
    std::string last_line;   // tells whether it still is that file
  };
  mutable Counted counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nerava::analytics
