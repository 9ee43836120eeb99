// How an event gets in: room in the queue, then the journal, then the queue.
#include <time.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "lib/base/out_of_memory.h"
#include "lib/journal/event_codec.h"
#include "lib/writer/state.h"

namespace nerava::analytics {
namespace {

// Events that one write takes into the journal.
constexpr std::size_t kMostAtOnce = 64;

// Of the steady clock, some milliseconds behind and a quarter of the cost.
SteadyTime CoarseNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return SteadyTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

absl::Status BatchWriter::State::Accept(EventPtr event) {
  std::string record;
  if (!journal_folder.empty()) EncodeEvent(*event, &record);
  Wait wait;
  MutexLock lock(mutex);
  // In a forked child it may have failed before, for what has passed since.
  if (wanted && !started && !stopping) StartThread().IgnoreError();
  for (;;) {
    if (absl::Status room_made = AwaitRoomInQueue(&wait); !room_made.ok()) return room_made;
    // From here on nothing must fail for want of memory.
    queue.Reserve(queue.size() + batch.size() + recovering_ + reserved_ + 1);
    if (journal_folder.empty()) {
      Enqueue(std::move(event), nullptr);
      return absl::OkStatus();
    }
    absl::Status appended = AppendToJournal(event, record);
    if (!absl::IsResourceExhausted(appended)) return appended;
    // What is in the store needs the journal no more.
    ++trims_wanted;
    flush_number = last_number;
    work.NotifyOne();
    absl::Status room_made = AwaitRoom(&wait, std::string(appended.message()));
    if (!room_made.ok()) return room_made;
  }
}

absl::Status BatchWriter::State::AwaitRoomInQueue(Wait* wait) {
  for (;;) {
    if (stopping) {
      return absl::FailedPreconditionError(
          "the batch writer was stopped and accepts no more events");
    }
    if (queue.size() + batch_pending + reserved_ < options.queue_capacity) return absl::OkStatus();
    if (options.overflow == Overflow::kDropOldest && !queue.empty()) {
      DropOldest();
      continue;
    }
    absl::Status room_made =
        AwaitRoom(wait, fmt::format("{} events wait already", options.queue_capacity));
    if (!room_made.ok()) return room_made;
  }
}

absl::Status BatchWriter::State::AwaitRoom(Wait* wait, const std::string& why) {
  // Waiting on the thread that makes room would be for nothing.
  const bool may_wait = options.overflow != Overflow::kReject && !OnWriterThread();
  if (may_wait && wait->in_time) {
    if (!wait->deadline) wait->deadline = SteadyDeadline(options.overflow_timeout);
    wait->in_time = room.WaitUntil(mutex, *wait->deadline);
    return absl::OkStatus();
  }
  ++stats.overflows;
  if (may_wait) ++stats.overflow_timeouts;
  return absl::ResourceExhaustedError(
      fmt::format("the event was not accepted: {}{}{}{}; try again later, or raise queue_capacity, "
                  "journal_max_bytes or overflow_timeout",
                  why,
                  may_wait ? fmt::format(", and the store made no room within {}",
                                         absl::FormatDuration(options.overflow_timeout))
                           : std::string(),
                  stats.last_error.empty() ? "" : "; its last error: ", stats.last_error));
}

void BatchWriter::State::DropOldest() {
  const QueuedEvent oldest = queue.Pop();
  if (oldest.segment != nullptr) --oldest.segment->pending;
  ++stats.dropped;
  ++stats.dropped_oldest;
  if (unreported_drops_++ == 0) work.NotifyOne();
}

absl::Status BatchWriter::State::AppendToJournal(const EventPtr& event, const std::string& record) {
  if (absl::Status opened = OpenJournal(); !opened.ok()) return opened;
  if (record.size() + kRecordHeaderBytes > journal_->max_bytes()) {
    return absl::InvalidArgumentError(
        fmt::format("event \"{}\" takes {} bytes in the journal, which takes events of up to {}; "
                    "raise journal_segment_bytes",
                    event->event_id, record.size(), journal_->max_bytes() - kRecordHeaderBytes));
  }
  Ticket ticket{&event, &record};
  *last_ticket_ = &ticket;
  last_ticket_ = &ticket.next;
  ++reserved_;
  // Whoever finds nobody writing writes for all that wait. So there is one write, and one sync, for
  // many events, and nobody holds the lock meanwhile.
  while (!ticket.done) {
    if (appending_) {
      journaled.Wait(mutex);
    } else {
      AppendTickets();
    }
  }
  return ticket.status;
}

void BatchWriter::State::AppendTickets() {
  std::array<Ticket*, kMostAtOnce> group;
  std::array<const std::string*, kMostAtOnce> records;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (; first_ticket_ != nullptr && count < kMostAtOnce; ++count) {
    bytes += first_ticket_->record->size() + kRecordHeaderBytes;
    if (bytes > journal_->max_bytes()) break;
    group[count] = first_ticket_;
    records[count] = first_ticket_->record;
    first_ticket_ = first_ticket_->next;
  }
  if (first_ticket_ == nullptr) last_ticket_ = &first_ticket_;
  appending_ = true;

  mutex.Unlock();
  const absl::StatusOr<JournalSegment*> segment = Append({records.data(), count});
  mutex.Lock();

  appending_ = false;
  reserved_ -= count;
  for (std::size_t i = 0; i < count; ++i) {
    Ticket& ticket = *group[i];
    if (segment.ok()) {
      Enqueue(*ticket.event, *segment);
    } else {
      ticket.status = segment.status();
    }
    ticket.done = true;
  }
  journaled.NotifyAll();
  if (stopping) work.NotifyOne();
}

absl::StatusOr<JournalSegment*> BatchWriter::State::Append(
    absl::Span<const std::string* const> records) {
  try {
    return journal_->Append(records);
  } catch (...) {  // nothing else throws
    return OutOfMemory();
  }
}

void BatchWriter::State::Enqueue(EventPtr event, JournalSegment* segment) {
  // Of the first one exactly, since its interval begins now.
  const SteadyTime now = queue.empty() ? SteadyNow() : CoarseNow();
  queue.Push({std::move(event), segment, ++last_number, now});
  ++stats.accepted;
  // The thread has something to do at the first event, when its interval begins, and at batch_size.
  if (queue.size() == 1 || queue.size() == options.batch_size) work.NotifyOne();
}

}  // namespace nerava::analytics
