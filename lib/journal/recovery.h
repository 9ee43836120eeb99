// Takes over the events that dead processes accepted and did not store.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/journal/folder.h"
#include "lib/journal/segment.h"
#include "lib/journal/segment_list.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/journal.h"

namespace nerava::analytics {

// One thread at a time, but for AddTo. What it finds is told as it is: `trouble` hears of every file
// that is not as it was written or cannot be read.
class Recovery {
 public:
  using Trouble = std::function<void(absl::Status)>;

  // `folder` is the store's. Its files are listed in `segments`, which must outlive it.
  Recovery(std::shared_ptr<File> folder, SegmentList& segments, Trouble trouble);

  // Looks for dead processes, and locks and checks what they left. What cannot be read now is left
  // for the next time.
  void Adopt();
  // How many events were found since the last call, all of which Next() will give.
  std::uint64_t TakeFound() { return std::exchange(new_events_, 0); }

  struct Events {
    JournalSegment* segment = nullptr;  // whose `pending` counts them already
    std::vector<EventPtr> events;       // at most `n`; none when there are no more
    std::uint64_t gone = 0;  // events that Adopt() counted and that cannot be read any more
  };
  // Unavailable when a file cannot be read now; ask again later. Other files then come first.
  absl::StatusOr<Events> Next(std::size_t n);

  void AddTo(JournalStats* stats) const;

 private:
  // A segment whose events were counted.
  struct Found {
    JournalSegment* segment;
    SegmentId id;
    std::optional<std::uint64_t> next_first;
    std::uint64_t events;
  };

  // Once for each that is new: what cannot be read is met again at every look.
  void Report(const absl::Status& trouble);
  void AdoptFolder(const std::shared_ptr<ProcessFolder>& folder);
  void AdoptSegment(const std::shared_ptr<ProcessFolder>& folder, const SegmentId& id,
                    std::optional<std::uint64_t> next_first);
  absl::Status Open(const Found& found);

  const std::shared_ptr<File> folder_;
  SegmentList& segments_;
  const Trouble trouble_;
  std::set<std::string> reported_;

  std::deque<Found> found_;  // the first is the one that is open
  std::uint64_t new_events_ = 0;
  std::string bytes_;  // of the open one
  std::vector<std::string_view> payloads_;
  std::size_t next_ = 0;
  bool open_ = false;
  std::atomic<std::uint64_t> adopted_segments_{0};
  std::atomic<std::uint64_t> torn_tails_{0};
};

}  // namespace nerava::analytics
