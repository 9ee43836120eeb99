// What a BatchWriter and its thread share, in one process. accept.cc is the callers' way in, state.cc
// the thread's loop, settle.cc what becomes of a batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/base/mutex.h"
#include "lib/journal/dead_letters.h"
#include "lib/journal/folder.h"
#include "lib/journal/journal.h"
#include "lib/journal/recovery.h"
#include "lib/journal/segment_list.h"
#include "lib/projection/commit.h"
#include "lib/writer/event_queue.h"
#include "nerava/analytics/batch_writer.h"

namespace nerava::analytics {

using ErrorHandler = std::function<void(const absl::Status& error)>;

// What a writer is made of, the same in a process and its children.
struct WriterConfig {
  BatchWriterOptions options;  // on_error is below
  std::shared_ptr<Store> store;
  const Clock& clock;
  std::shared_ptr<IdleTask> idle_task;           // may be null
  std::shared_ptr<const ErrorHandler> on_error;  // may be null
  Durability durability;
  std::string journal_folder;  // empty: no journal
};

// Held by the BatchWriter and by its thread, which may outlive it when the store hangs. From the
// moment that `destroyed` is set the thread touches nothing of the host's but the store: not the
// clock, not on_error.
struct BatchWriter::State : std::enable_shared_from_this<BatchWriter::State> {
  explicit State(const WriterConfig& config);

  // Opens the journal, if there is to be one and it is not open.
  absl::Status OpenJournal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // See BatchWriter::Write.
  absl::Status Accept(EventPtr event);

  std::uint64_t Pending() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Of the events accepted up to that number. What was recovered counts as older than all.
  std::uint64_t PendingUpTo(std::uint64_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool OnWriterThread() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Makes the thread look again, and try a failed commit at once.
  void Nudge() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  BatchWriterStats Stats() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Whether somebody writes the journal.
  bool appending() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return appending_; }
  // While nobody does: what comes goes into a new file, so that the present one is removed once it is
  // stored. The files that take no more.
  std::set<std::string> CompleteSegment() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool HasAny(const std::set<std::string>& files) const;

  const BatchWriterOptions options;
  const std::shared_ptr<Store> store;
  const Clock& clock;
  const std::shared_ptr<IdleTask> idle_task;
  const Durability durability;
  const std::string journal_folder;
  analytics::DeadLetters dead_letters;  // BatchWriter has a function of this name

  mutable Mutex mutex;
  Condition work;       // the thread waits for events, a flush, a stop, the end of a pause
  Condition room;       // Accept waits for room
  Condition journaled;  // Accept waits for the thread that writes the journal
  Condition progress;   // Flush, Stop and the destructor wait for the thread

  EventQueue queue ABSL_GUARDED_BY(mutex);
  // Taken from the queue by the thread. Those that are settled have no event any more.
  std::vector<QueuedEvent> batch ABSL_GUARDED_BY(mutex);
  std::size_t batch_pending ABSL_GUARDED_BY(mutex) = 0;
  std::uint64_t recoverable ABSL_GUARDED_BY(mutex) = 0;  // in files of dead processes
  std::uint64_t last_number ABSL_GUARDED_BY(mutex) = 0;  // of an accepted event
  BatchWriterStats stats ABSL_GUARDED_BY(mutex);         // see Stats() for what is left out

  // Settle everything up to this number without delay.
  std::uint64_t flush_number ABSL_GUARDED_BY(mutex) = 0;
  // Looks for dead processes that were asked for, and done.
  std::uint64_t looks_wanted ABSL_GUARDED_BY(mutex) = 0;
  std::uint64_t looks_done ABSL_GUARDED_BY(mutex) = 0;
  // So do trims of the journal.
  std::uint64_t trims_wanted ABSL_GUARDED_BY(mutex) = 0;
  std::uint64_t trims_done ABSL_GUARDED_BY(mutex) = 0;
  bool nudged ABSL_GUARDED_BY(mutex) = false;

  bool wanted ABSL_GUARDED_BY(mutex) = false;  // the thread
  bool started ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;   // nothing further is accepted
  bool abandoned ABSL_GUARDED_BY(mutex) = false;  // no further commit is begun
  bool destroyed ABSL_GUARDED_BY(mutex) = false;  // what was pending is given up, or the journal's
  bool exited ABSL_GUARDED_BY(mutex) = false;
  bool reporting ABSL_GUARDED_BY(mutex) = false;  // the thread is inside on_error
  std::thread thread ABSL_GUARDED_BY(mutex);
  std::thread::id thread_id ABSL_GUARDED_BY(mutex);
  // Null when there is none, or once destroyed. Shared, as it may destroy the writer that calls it.
  std::shared_ptr<const ErrorHandler> on_error ABSL_GUARDED_BY(mutex);

 private:
  // An event on its way into the journal. Lives on its publisher's stack.
  struct Ticket {
    const EventPtr* event;
    const std::string* record;
    Ticket* next = nullptr;
    bool done = false;
    absl::Status status = {};
  };
  // How long a publisher has waited for room.
  struct Wait {
    std::optional<SteadyTime> deadline;
    bool in_time = true;
  };
  // The store's refusal of an event of the batch.
  struct Refusal {
    std::size_t index;
    std::string reason;
    bool too_old = false;  // which never is the store's fault
  };
  enum class Settled : std::uint8_t {
    kYes,      // or refused, and noted
    kTooMany,  // refusals: the rest of the batch is put off
    kEnded,    // the thread must end
  };

  // accept.cc
  absl::Status AwaitRoomInQueue(Wait* wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status AwaitRoom(Wait* wait, const std::string& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status AppendToJournal(const EventPtr& event, const std::string& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void AppendTickets() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<JournalSegment*> Append(absl::Span<const std::string* const> records);
  void Enqueue(EventPtr event, JournalSegment* segment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // state.cc
  void Run();
  bool RunOnce();
  bool AwaitBatch();
  bool Pause(absl::Duration* backoff);
  void RunIdleTask();
  void LookForTheDead();
  void LookForErasures();
  void TakeRecovered();
  void PutBackBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void TrimJournal();
  void FinishJournal();
  void NoteTrouble(absl::Status trouble);
  void ReportTroubles();
  void Report(const absl::Status& error);

  // settle.cc
  bool SettleBatch();
  // Commits a part of the batch or, where the store refuses one of its events, each half.
  Settled Settle(absl::Span<const EventPtr> events, std::size_t first);
  bool PutOff(std::size_t batch_size);
  bool BuryRefused(absl::Span<const EventPtr> events);
  absl::StatusOr<CommitResult> Commit(absl::Span<const EventPtr> events, absl::Time created_at);
  bool CountCommit(const CommitResult& result, absl::Span<const EventPtr> events, std::size_t first,
                   absl::Time created_at, absl::Duration latency);
  std::size_t Faults() const;
  void CountFailure(const absl::Status& error);
  void SettleEvent(std::size_t index, bool stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  Ticket* first_ticket_ ABSL_GUARDED_BY(mutex) = nullptr;
  Ticket** last_ticket_ ABSL_GUARDED_BY(mutex) = &first_ticket_;
  bool appending_ ABSL_GUARDED_BY(mutex) = false;
  std::size_t reserved_ ABSL_GUARDED_BY(mutex) = 0;  // places in the queue for tickets
  std::vector<absl::Status> troubles_ ABSL_GUARDED_BY(mutex);
  std::size_t recovering_ ABSL_GUARDED_BY(mutex) = 0;  // events on their way from a journal
  SteadyTime recover_again_ ABSL_GUARDED_BY(mutex);    // not before
  std::uint64_t unreported_drops_ ABSL_GUARDED_BY(mutex) = 0;

  // The thread's own.
  std::minstd_rand jitter_;
  SteadyTime next_look_;
  SteadyTime next_idle_run_;
  std::vector<Refusal> refusals_;
  std::optional<std::int64_t> erasures_;  // seen in the store
  absl::Duration put_off_;                // the next pause after a batch with too many refusals

  // Last, since a thread of the journal's uses all of the above.
  SegmentList segments_;
  std::shared_ptr<ProcessFolder> folder_ ABSL_GUARDED_BY(mutex);
  std::unique_ptr<Journal> journal_;    // set once, under the lock; null: none, or not open yet
  std::unique_ptr<Recovery> recovery_;  // set with it
};

}  // namespace nerava::analytics
