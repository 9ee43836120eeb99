#include "lib/journal/journal.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <new>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "lib/base/out_of_memory.h"
#include "lib/base/thread.h"

namespace nerava::analytics {
namespace {

std::uint64_t RandomSalt() {
  std::random_device random;
  return static_cast<std::uint64_t>(random()) << 32 | random();
}

}  // namespace

Journal::Journal(std::shared_ptr<ProcessFolder> folder, const JournalOptions& options,
                 Durability durability, SegmentList& segments, Trouble trouble)
    : folder_(std::move(folder)),
      options_(options),
      durability_(durability),
      segments_(segments),
      trouble_(std::move(trouble)) {}

Journal::~Journal() { Finish(); }

std::size_t Journal::max_bytes() const {
  return static_cast<std::size_t>(options_.segment_bytes) / 2;
}

absl::StatusOr<JournalSegment*> Journal::Append(absl::Span<const std::string* const> payloads) {
  absl::Status written = Write(payloads);
  if (written.ok()) {
    segment_->pending += payloads.size();
    return segment_;
  }
  if (absl::IsResourceExhausted(written)) return written;  // that there is no room
  bool is_new = false;
  {
    MutexLock lock(mutex_);
    ++stats_.write_errors;
    is_new = stats_.last_error != written.message();
    stats_.last_error = std::string(written.message());
  }
  // Another thread's own: it shares nothing with the one that is returned.
  if (is_new) trouble_(absl::Status(written.code(), written.message()));
  return written;
}

absl::Status Journal::Write(absl::Span<const std::string* const> payloads) {
  std::int64_t size = 0;
  for (const std::string* payload : payloads) {
    size += static_cast<std::int64_t>(kRecordHeaderBytes + payload->size());
  }
  Current current = current_segment();
  if (current.file == nullptr || current.broken || offset_ + size > options_.segment_bytes) {
    if (absl::Status rotated = Rotate(current); !rotated.ok()) return rotated;
    current = current_segment();
  }

  buffer_.clear();
  std::uint64_t sequence = next_sequence_;
  for (const std::string* payload : payloads) {
    AppendRecord(id_, sequence++, current.synced, *payload, &buffer_);
  }
  absl::Status status;
  try {
    status = current.file->WriteAt(buffer_, offset_);
  } catch (const std::bad_alloc&) {  // for the message
    status = OutOfMemory();
  }
  if (status.ok() && durability_ == Durability::kPower) status = Sync(*current.file, sequence);
  if (!status.ok()) {
    TakeBack(*current.file);
    return status;
  }
  offset_ += size;
  next_sequence_ = sequence;
  MutexLock lock(mutex_);
  if (synced_ == written_) changed_.NotifyOne();
  written_ = sequence;
  stats_.last_error.clear();
  return absl::OkStatus();
}

void Journal::TakeBack(File& file) {
  Break();
  // Nobody will be told that they are accepted, so nobody may find them. The next segment begins
  // with their sequence numbers, which voids them; and should the process die before, there is no
  // record at their place.
  constexpr std::array<char, kRecordHeaderBytes> kNoRecord{};
  if (!file.WriteAt({kNoRecord.data(), kNoRecord.size()}, offset_).ok()) {
    file.Truncate(offset_).IgnoreError();
  }
}

void Journal::Break() {
  MutexLock lock(mutex_);
  broken_ = true;
}

absl::Status Journal::Rotate(const Current& last) {
  if (segments_.own_bytes() + options_.segment_bytes > options_.max_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the journal in \"{}\" has reached {} bytes (journal_max_bytes)",
                    folder_->path(), options_.max_bytes));
  }
  if (absl::Status started = StartSyncing(); !started.ok()) return started;
  const bool is_first = last.file == nullptr;
  if (!is_first) {
    // That there is a next segment tells who reads them that this one was synced whole.
    if (last.synced < last.written) {
      absl::Status synced = Sync(*last.file, last.written);
      if (!synced.ok()) trouble_(std::move(synced));
    }
    // From here on it takes no more, whatever fails below: a file of the next one may stay behind,
    // and voids all that has its numbers.
    CompleteSegment();
    // Two may not begin with the same number.
    if (id_.first == next_sequence_) {
      if (absl::Status gone = folder_->file().Remove(SegmentName(id_)); !gone.ok()) return gone;
    }
  }

  const SegmentId id{next_sequence_, RandomSalt()};
  const std::string name = SegmentName(id);
  auto file = folder_->Open(name, O_RDWR | O_CREAT | O_EXCL);
  if (!file.ok()) return file.status();
  std::string header;
  AppendSegmentHeader(id, &header);
  absl::Status status = (*file)->Preallocate(options_.segment_bytes);
  if (status.ok()) status = (*file)->WriteAt(header, 0);
  if (status.ok()) status = is_first ? folder_->Sync() : folder_->file().Sync();
  if (!status.ok()) {
    folder_->file().Remove(name).IgnoreError();
    return status;
  }
  segment_ = segments_.Add(folder_, name, options_.segment_bytes, /*own=*/true, /*damaged=*/false);
  id_ = id;
  offset_ = static_cast<std::int64_t>(header.size());
  MutexLock lock(mutex_);
  file_ = *std::move(file);
  broken_ = false;
  return absl::OkStatus();
}

void Journal::CompleteSegment() {
  Break();
  if (segment_ != nullptr) segment_->complete = true;
  segment_ = nullptr;  // from now on somebody may remove it
}

void Journal::Finish() {
  CompleteSegment();
  {
    MutexLock lock(mutex_);
    finished_ = true;
    changed_.NotifyOne();
  }
  if (syncer_.joinable()) syncer_.join();
}

Journal::Current Journal::current_segment() const {
  MutexLock lock(mutex_);
  return {file_, written_, synced_, broken_};
}

absl::Status Journal::Sync(File& file, std::uint64_t written) {
  absl::Status synced;
  try {
    synced = file.Sync();
  } catch (const std::bad_alloc&) {  // for the message
    synced = OutOfMemory();
  }
  MutexLock lock(mutex_);
  if (synced.ok()) {
    ++stats_.syncs;
    synced_ = std::max(synced_, written);
  } else {
    // The kernel may have given up what it could not write, and say nothing the next time.
    broken_ = true;
    ++stats_.sync_errors;
    stats_.last_error = std::string(synced.message());
  }
  return synced;
}

absl::Status Journal::StartSyncing() {
  // Not before there is something to sync: most processes of a host never publish.
  if (durability_ != Durability::kProcess || syncer_.joinable()) return absl::OkStatus();
  try {
    syncer_ = StartThread([this] { KeepSyncing(); });
    return absl::OkStatus();
  } catch (const std::system_error& error) {
    return absl::UnavailableError(
        fmt::format("the journal's thread could not be started: {}", error.what()));
  }
}

void Journal::KeepSyncing() {
  bool more = true;
  while (more) {
    more = AwaitUnsynced();
    const Current current = current_segment();
    if (current.synced >= current.written) continue;
    try {
      absl::Status synced = Sync(*current.file, current.written);
      if (!synced.ok()) trouble_(std::move(synced));
    } catch (const std::bad_alloc&) {  // it is counted, only not told
    }
  }
}

bool Journal::AwaitUnsynced() {
  MutexLock lock(mutex_);
  while (!finished_ && synced_ >= written_) changed_.Wait(mutex_);
  const SteadyTime due = SteadyNow() + absl::ToChronoNanoseconds(options_.sync_interval);
  while (!finished_ && changed_.WaitUntil(mutex_, due)) {
  }
  return !finished_;
}

void Journal::AddTo(JournalStats* stats) const {
  MutexLock lock(mutex_);
  stats->syncs = stats_.syncs;
  stats->sync_errors = stats_.sync_errors;
  stats->write_errors = stats_.write_errors;
  stats->last_error = stats_.last_error;
}

}  // namespace nerava::analytics
