// The files that hold events which are not safely stored yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
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
  // `quarantined` with the path of each that was damaged. The last error, when something could not
  // be removed; it is tried again the next time. One thread at a time.
  template <typename Quarantined>
  absl::Status Trim(Store& store, Quarantined quarantined);

  std::int64_t own_bytes() const;
  // Those that take no more, by their paths.
  std::set<std::string> Complete() const;
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
  absl::Status result;
  std::set<const ProcessFolder*> blocked;  // those where one failed: others go on
  for (JournalSegment* const segment : segments) {
    if (blocked.contains(segment->folder.get())) continue;
    std::string path;
    absl::Status gone;
    if (segment->damaged) {
      gone = segment->folder->Quarantine(segment->name, &path);
    } else {
      gone = segment->folder->file().Remove(segment->name);
    }
    if (!gone.ok()) {
      blocked.insert(segment->folder.get());
      result = std::move(gone);
      continue;
    }
    if (!path.empty()) quarantined(path);
    Forget(segment, !path.empty());
  }
  return result;
}

}  // namespace nerava::analytics
