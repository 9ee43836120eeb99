// Writes accepted events into files, which are removed when the store has them for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "lib/base/mutex.h"
#include "lib/journal/file.h"
#include "lib/journal/folder.h"
#include "lib/journal/segment.h"
#include "lib/journal/segment_list.h"
#include "nerava/analytics/journal.h"

namespace nerava::analytics {

// One thread at a time appends; the rest is thread-safe. With kProcess a thread of its own syncs. A
// forked child must leave it alone, also not destroy it: its files close by themselves there.
class Journal {
 public:
  // Told about a sync that failed, on any thread.
  using Trouble = std::function<void(absl::Status)>;

  // `folder` is this process's. `segments`, in which its files are listed, must outlive it.
  Journal(std::shared_ptr<ProcessFolder> folder, const JournalOptions& options,
          Durability durability, SegmentList& segments, Trouble trouble);
  // Finish()es and leaves the files.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // What one Append may take, all payloads together.
  std::size_t max_bytes() const;

  // Writes the payloads as one: when it returns, they are as safe as the durability says, and
  // `(*segment)->pending` counts them. On an error none is in the journal: ResourceExhausted when it
  // has reached max_bytes of the options, else that of the file.
  absl::StatusOr<JournalSegment*> Append(absl::Span<const std::string* const> payloads);

  // The current segment takes no more. The appending thread's.
  void CompleteSegment();

  // The current segment is complete, nothing is appended after this, and the thread has ended.
  void Finish();

  void AddTo(JournalStats* stats) const;

 private:
  struct Current {
    std::shared_ptr<File> file;
    std::uint64_t written;
    std::uint64_t synced;
    bool broken;
  };

  absl::Status Write(absl::Span<const std::string* const> payloads);
  void TakeBack(File& file);
  void Break();  // the current segment takes no more
  // Begins the next segment.
  absl::Status Rotate(const Current& last);
  Current current_segment() const;
  absl::Status Sync(File& file, std::uint64_t written);
  absl::Status StartSyncing();
  void KeepSyncing();
  bool AwaitUnsynced();  // false at the end

  const std::shared_ptr<ProcessFolder> folder_;
  const JournalOptions options_;
  const Durability durability_;
  SegmentList& segments_;
  const Trouble trouble_;

  // The appending thread's own.
  SegmentId id_;
  JournalSegment* segment_ = nullptr;  // the current one
  std::int64_t offset_ = 0;            // in it
  std::uint64_t next_sequence_ = 1;
  std::string buffer_;

  mutable Mutex mutex_;
  Condition changed_;
  std::shared_ptr<File> file_ ABSL_GUARDED_BY(mutex_);  // of the current segment
  // Sequence numbers below these are in the file, and on the disk.
  std::uint64_t written_ ABSL_GUARDED_BY(mutex_) = 1;
  std::uint64_t synced_ ABSL_GUARDED_BY(mutex_) = 1;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  // the current segment takes no more
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  JournalStats stats_ ABSL_GUARDED_BY(mutex_);  // its share of them
  std::thread syncer_;
};

}  // namespace nerava::analytics
