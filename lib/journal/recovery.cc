#include "lib/journal/recovery.h"

#include <fcntl.h>

#include <algorithm>
#include <new>
#include <utility>

#include "fmt/format.h"
#include "lib/base/out_of_memory.h"
#include "lib/journal/event_codec.h"

namespace nerava::analytics {
namespace {

absl::StatusOr<std::string> ReadFile(ProcessFolder& folder, const SegmentId& id) {
  auto file = folder.Open(SegmentName(id), O_RDONLY);
  if (!file.ok()) return file.status();
  return (*file)->Read(0, kMaxSegmentBytes);
}

// Those of a process, oldest first.
absl::StatusOr<std::vector<SegmentId>> ListSegments(ProcessFolder& folder) {
  auto names = folder.file().List();
  if (!names.ok()) return names.status();
  std::vector<SegmentId> ids;
  for (const std::string& name : *names) {
    if (const auto id = ParseSegmentName(name)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end(), [](const SegmentId& a, const SegmentId& b) {
    return a.first != b.first ? a.first < b.first : a.salt < b.salt;
  });
  return ids;
}

}  // namespace

Recovery::Recovery(std::shared_ptr<File> folder, SegmentList& segments, Trouble trouble)
    : folder_(std::move(folder)), segments_(segments), trouble_(std::move(trouble)) {}

void Recovery::Report(const absl::Status& trouble) {
  if (reported_.insert(trouble.ToString()).second) trouble_(trouble);
}

void Recovery::Adopt() {
  const auto names = folder_->List();
  if (!names.ok()) return Report(names.status());
  for (const std::string& name : *names) {
    if (!ProcessFolder::IsName(name)) continue;
    const auto folder = ProcessFolder::Adopt(folder_, name);
    if (!folder.ok()) {
      Report(folder.status());
    } else if (*folder != nullptr) {
      AdoptFolder(*folder);
    }
  }
}

void Recovery::AdoptFolder(const std::shared_ptr<ProcessFolder>& folder) {
  const auto ids = ListSegments(*folder);
  if (!ids.ok()) return Report(ids.status());
  for (auto id = ids->begin(); id != ids->end(); ++id) {
    // Of two that begin with the same number, one has no records.
    const auto next = std::find_if(id, ids->end(),
                                   [&](const SegmentId& other) { return other.first > id->first; });
    try {
      AdoptSegment(folder, *id, next != ids->end() ? std::optional(next->first) : std::nullopt);
    } catch (const std::bad_alloc&) {  // left for the next time, as what cannot be read
      Report(OutOfMemory());
    }
  }
}

void Recovery::AdoptSegment(const std::shared_ptr<ProcessFolder>& folder, const SegmentId& id,
                            std::optional<std::uint64_t> next_first) {
  const std::string name = SegmentName(id);
  const std::string path = fmt::format("{}/{}", folder->path(), name);
  const auto bytes = ReadFile(*folder, id);
  // The lock ends with the folder's last segment, and then somebody may try again.
  if (!bytes.ok()) return Report(bytes.status());
  const SegmentContents contents = ReadSegment(*bytes, id, next_first);
  if (contents.end == SegmentContents::End::kOtherVersion) {
    return Report(absl::FailedPreconditionError(fmt::format(
        "\"{}\" was written by another version of this library, and its events are not stored yet: "
        "open the store with that version",
        path)));
  }
  const auto undecodable =
      std::count_if(contents.payloads.begin(), contents.payloads.end(),
                    [](std::string_view payload) { return !DecodeEvent(payload).ok(); });
  const std::uint64_t events = contents.payloads.size() - static_cast<std::size_t>(undecodable);
  const bool damaged = contents.end == SegmentContents::End::kDamaged || undecodable > 0;
  if (damaged) {
    Report(absl::DataLossError(fmt::format(
        "\"{}\" is damaged: {} events of it were read and will be stored; the file is kept in the "
        "quarantine folder beside it for what else may be found in it",
        path, events)));
  }
  // All of it or nothing, should memory run out.
  found_.push_back({nullptr, id, next_first, events});
  try {
    found_.back().segment = segments_.Add(folder, name, static_cast<std::int64_t>(bytes->size()),
                                          /*own=*/false, damaged);
  } catch (const std::bad_alloc&) {
    found_.pop_back();
    throw;
  }
  new_events_ += events;
  ++adopted_segments_;
  if (contents.end == SegmentContents::End::kTorn) ++torn_tails_;
  if (events > 0) return;
  found_.back().segment->complete = true;
  found_.pop_back();
}

absl::Status Recovery::Open(const Found& found) {
  auto bytes = ReadFile(*found.segment->folder, found.id);
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) {
    return absl::UnavailableError(bytes.status().message());
  }
  bytes_ = bytes.ok() ? *std::move(bytes) : std::string();
  payloads_ = ReadSegment(bytes_, found.id, found.next_first).payloads;
  next_ = 0;
  open_ = true;
  return absl::OkStatus();
}

absl::StatusOr<Recovery::Events> Recovery::Next(std::size_t n) {
  Events result;
  if (found_.empty()) return result;
  Found& found = found_.front();
  if (!open_) {
    if (absl::Status opened = Open(found); !opened.ok()) {
      std::rotate(found_.begin(), found_.begin() + 1, found_.end());
      return opened;
    }
  }
  result.segment = found.segment;
  std::size_t next = next_;
  while (result.events.size() < std::min<std::uint64_t>(n, found.events) &&
         next < payloads_.size()) {
    absl::StatusOr<AnalyticsEvent> event = DecodeEvent(payloads_[next++]);
    if (!event.ok()) continue;
    result.events.push_back(std::make_shared<const AnalyticsEvent>(*std::move(event)));
  }
  // Only now that nothing can fail any more: memory may have run out before.
  next_ = next;
  found.events -= result.events.size();
  found.segment->pending += result.events.size();
  if (found.events == 0 || next_ == payloads_.size()) {
    result.gone = found.events;
    found.segment->complete = true;
    found_.pop_front();
    open_ = false;
    payloads_.clear();
    bytes_.clear();
  }
  return result;
}

void Recovery::AddTo(JournalStats* stats) const {
  stats->adopted_segments = adopted_segments_;
  stats->torn_tails = torn_tails_;
}

}  // namespace nerava::analytics
