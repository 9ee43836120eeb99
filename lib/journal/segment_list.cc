#include "lib/journal/segment_list.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "fmt/format.h"

namespace nerava::analytics {

JournalSegment* SegmentList::Add(std::shared_ptr<ProcessFolder> folder, std::string name,
                                 std::int64_t bytes, bool own, bool damaged) {
  std::unique_ptr<JournalSegment> segment(
      new JournalSegment{std::move(folder), std::move(name), bytes, own, damaged});
  MutexLock lock(mutex_);
  segments_.push_back(std::move(segment));
  return segments_.back().get();
}

std::vector<JournalSegment*> SegmentList::Removable() const {
  std::vector<JournalSegment*> removable;
  std::set<const ProcessFolder*> blocked;
  MutexLock lock(mutex_);
  for (const auto& segment : segments_) {
    const ProcessFolder* const folder = segment->folder.get();
    if (blocked.contains(folder)) continue;
    if (segment->complete && segment->pending == 0) {
      removable.push_back(segment.get());
    } else {
      blocked.insert(folder);
    }
  }
  return removable;
}

absl::Status SegmentList::SyncStore(Store& store, const std::vector<JournalSegment*>& segments) {
  const bool stored =
      std::any_of(segments.begin(), segments.end(), [](const auto* s) { return s->stored.load(); });
  if (!stored) return absl::OkStatus();
  try {
    return store.Sync();
  } catch (const std::exception& error) {
    return absl::UnavailableError(fmt::format("the store's Sync threw: {}", error.what()));
  } catch (...) {
    return absl::UnavailableError("the store's Sync threw something that is no std::exception");
  }
}

void SegmentList::Forget(JournalSegment* segment, bool quarantined) {
  // Its folder, removed with the last segment, is freed after the lock is released.
  std::unique_ptr<JournalSegment> freed;
  MutexLock lock(mutex_);
  const auto found = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const auto& other) { return other.get() == segment; });
  freed = std::move(*found);
  segments_.erase(found);
  if (quarantined) ++quarantined_;
}

std::set<std::string> SegmentList::Complete() const {
  std::set<std::string> paths;
  MutexLock lock(mutex_);
  for (const auto& segment : segments_) {
    if (segment->complete) paths.insert(segment->folder->path() + '/' + segment->name);
  }
  return paths;
}

std::int64_t SegmentList::own_bytes() const {
  MutexLock lock(mutex_);
  std::int64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment->own ? segment->bytes : 0;
  return bytes;
}

void SegmentList::AddTo(JournalStats* stats) const {
  stats->bytes = static_cast<std::uint64_t>(own_bytes());
  MutexLock lock(mutex_);
  for (const auto& segment : segments_) stats->segments += segment->own ? 1 : 0;
  stats->quarantined_segments = quarantined_;
}

}  // namespace nerava::analytics
