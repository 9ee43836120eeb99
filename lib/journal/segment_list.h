// The files that hold events which are not safely stored yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "lib/base/mutex.h"
#include "lib/journal/folder.h"
#include "nerava/analytics/journal.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// A file of this process or of a dead one. Owned by the list.
struct JournalSegment {
  const std::shared_ptr<ProcessFolder> folder;
  const std::string name;
  const std::int64_t bytes;  // on disk
  const bool own;
  const bool damaged;                     // goes to the quarantine in the end
  std::atomic<bool> complete{false};      // no further events come into it, or from it
  std::atomic<bool> stored{false};        // events of it went into the store
  std::atomic<std::uint64_t> pending{0};  // its events that are neither stored nor given up
};

// Thread-safe.
class SegmentList {
 public:
  // Valid until Trim removes it, which it does not before it is complete and nothing is pending.
  JournalSegment* Add(std::shared_ptr<ProcessFolder> folder, std::string name, std::int64_t bytes,
                      bool own, bool damaged);

  // Removes what is complete and has nothing pending: once `store` is synced, if it has events of
  // them, and of each process the oldest first, so that what is left of it has no gap. Calls
  // `quarantined` with the path of each that was damaged. One thread at a time.
  template <typename Quarantined>
  absl::Status Trim(Store& store, Quarantined quarantined);

  std::int64_t own_bytes() const;
  void AddTo(JournalStats* stats) const;

 private:
  // Those that can go.
  std::vector<JournalSegment*> Removable() const;
  absl::Status SyncStore(Store& store, const std::vector<JournalSegment*>& segments);
  void Forget(JournalSegment* segment, bool quarantined);

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<JournalSegment>> segments_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::uint64_t quarantined_ ABSL_GUARDED_BY(mutex_) = 0;
};

template <typename Quarantined>
absl::Status SegmentList::Trim(Store& store, Quarantined quarantined) {
  const std::vector<JournalSegment*> segments = Removable();
  if (segments.empty()) return absl::OkStatus();
  if (absl::Status synced = SyncStore(store, segments); !synced.ok()) return synced;
  for (JournalSegment* const segment : segments) {
    if (segment->damaged) {
      auto path = segment->folder->Quarantine(segment->name);
      if (!path.ok()) return path.status();
      quarantined(*path);
    } else if (absl::Status gone = segment->folder->file().Remove(segment->name); !gone.ok()) {
      return gone;
    }
    Forget(segment, segment->damaged);
  }
  return absl::OkStatus();
}

}  // namespace nerava::analytics
