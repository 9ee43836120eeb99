// Takes accepted events, keeps them safe, and commits them in batches, on a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/histogram.h"
#include "nerava/analytics/journal.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// What Write does when there is no room: in the queue, or in the journal.
enum class Overflow : std::uint8_t {
  kBlock = 0,   // waits up to overflow_timeout, then refuses
  kReject = 1,  // refuses at once
  // Gives up the oldest event that is not being committed, counts it as dropped, and accepts. A full
  // journal is waited for as with kBlock, since dropping frees no space in it at once.
  kDropOldest = 2,
};

struct BatchWriterOptions {
  // A commit begins as soon as this many events wait. Default 100; 1..1,000,000. Smaller is
  // fresher, larger is cheaper an event.
  std::size_t batch_size = 100;
  // ... or when the oldest has waited this long. Default 30 s; 1 ms..1 day.
  absl::Duration flush_interval = absl::Seconds(30);
  // A commit takes all that waits, up to this many. Default 10,000; at least batch_size.
  std::size_t max_batch_size = 10'000;
  // Events that may wait, those of a running commit included. Default 100,000; at least
  // max_batch_size. About 500 bytes each.
  std::size_t queue_capacity = 100'000;
  // Default kBlock.
  Overflow overflow = Overflow::kBlock;
  // How long Write waits for room before it refuses. Default 5 s; 0 refuses at once.
  absl::Duration overflow_timeout = absl::Seconds(5);
  // Pause before a failed commit is tried again; doubled each time up to the maximum, with jitter.
  absl::Duration retry_initial_backoff = absl::Milliseconds(50);
  absl::Duration retry_max_backoff = absl::Seconds(10);
  // What survives a crash.
  JournalOptions journal = {};

  // Told about every commit that failed for the store's sake, every event given up, and what is
  // wrong with a journal. Called on the writer's thread, without locks; may be empty. What it throws
  // is swallowed. Events that the destructor leaves behind are reported once, with their number, on
  // the destroying thread.
  std::function<void(const absl::Status& error)> on_error = {};
};

// At any instant: accepted = committed + duplicates + conflicts + dead_lettered + dropped + pending.
// All count for this process; a forked child begins at 0.
struct BatchWriterStats {
  std::uint64_t accepted = 0;       // Write returned OK, or recovered
  std::uint64_t recovered = 0;      // of those, accepted by a process that died before storing them
  std::uint64_t committed = 0;      // stored, and in the KPIs
  std::uint64_t duplicates = 0;     // event_id known before, same payload
  std::uint64_t conflicts = 0;      // event_id known before, another payload
  std::uint64_t dead_lettered = 0;  // the store refused the event itself: see DeadLetters()
  std::uint64_t dropped = 0;        // given up: the next two
  std::uint64_t dropped_oldest = 0;  // to make room, as Overflow::kDropOldest says
  // Found in the journal of a dead process, which then was removed or changed by somebody.
  std::uint64_t dropped_unreadable = 0;
  std::uint64_t pending = 0;  // waiting or in a running commit

  // Never accepted, Write returned an error:
  std::uint64_t overflows = 0;          // no room, at once (kReject) or within overflow_timeout
  std::uint64_t overflow_timeouts = 0;  // of those, after waiting

  std::uint64_t commits = 0;         // successful transactions
  std::uint64_t failed_commits = 0;  // transactions that failed and were tried again: retries
  std::uint64_t breaker_trips = 0;   // batches put off because the store refused too many of them
  std::uint64_t dead_letters = 0;    // kept now, of all processes
  bool running = false;
  // Of the last failed commit; empty once one succeeded after it. When the store refused some events
  // of a batch but not all, empty too: those are in `dead_lettered`.
  std::string last_error;
  absl::Time last_commit_time = absl::InfinitePast();  // wall clock; InfinitePast(): none yet
  absl::Duration oldest_pending_age;                   // 0: nothing is pending
  Histogram batch_sizes;                               // events of each successful transaction
  Histogram commit_latency_us;                         // its duration
  Durability durability = Durability::kMemory;
  JournalStats journal;
};

// An event that the store refused for what it is, kept with the reason.
struct DeadLetter {
  absl::Time time;         // when it was refused
  std::string reason;      // what the store said
  std::string event_json;  // the analytics event, see ToJson
};

struct RemovedLetters {
  std::size_t removed = 0;
  std::size_t unreadable = 0;  // kept: by another version, or damaged
};

// What the writer's thread does when no batch is due.
class IdleTask {
 public:
  virtual ~IdleTask() = default;

  // A short piece of it, as commits wait meanwhile. Returns after how long it wants to be called again:
  // 0 is at once, after a batch that is due by then. Called after every commit, too. `report` tells on_error. Called without locks, and
  // in a forked child too; must not call the writer.
  using Report = absl::FunctionRef<void(const absl::Status& error)>;
  virtual absl::Duration Run(absl::Time now, Report report) = 0;
};

// Thread-safe. After fork() a child has a queue, a thread and a journal of its own, made when it
// first uses the writer; what was pending stays with the parent.
class BatchWriter {
 public:
  // Opens the journal, if there is to be one. InvalidArgument when an option is out of its range,
  // FailedPrecondition when the journal's folder cannot be used. The clock must outlive the writer,
  // the store and the task are shared. The writer does not run yet, but already accepts.
  static absl::StatusOr<std::unique_ptr<BatchWriter>> Create(
      BatchWriterOptions options, std::shared_ptr<Store> store,
      const Clock& clock = Clock::System(), std::shared_ptr<IdleTask> idle_task = nullptr);

  // Bounded: lets a running commit finish for at most 1 s, leaves the thread behind when the store
  // hangs, and gives up what is pending unless the journal has it. Call Stop with a deadline first.
  // Waits for a running on_error, and may be called from inside it.
  ~BatchWriter();
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  // Starts the thread, which begins with what dead processes left in the journal. No effect when it
  // runs; FailedPrecondition after Stop.
  absl::Status Start();

  // Accepts an event: when it returns OK, the event is as safe as JournalOptions::durability says.
  // ResourceExhausted when there is no room, see Overflow, and Unavailable when the journal cannot
  // be written; FailedPrecondition after Stop. An event that is not accepted is never stored.
  absl::Status Write(EventPtr event);

  // A barrier: waits until everything accepted before the call is stored (or dead-lettered), at most
  // `timeout`; what dead processes left is taken over first. How many of those are still pending: 0
  // means that the KPIs hold them all. Tries a failed commit at once. Does not wait before Start,
  // nor on the writer's own thread (on_error).
  std::size_t Flush(absl::Duration timeout);

  // Accepts nothing further, stores what waits, and ends the thread; at most `timeout`, even when
  // the store hangs (its thread is then left behind, holding what it needs). How many events are
  // still pending. Further calls wait again for what is left: the thread goes on until the writer is
  // destroyed. A writer that was never started stores nothing. When nothing is pending, the store is
  // synced and the journal removed.
  std::size_t Stop(absl::Duration timeout);

  // The dead letters kept, of all processes that share the journal's folder, oldest first, at most
  // `limit`. Without a journal those of this writer, at most the last 10,000. Unavailable when they
  // cannot be read.
  absl::StatusOr<std::vector<DeadLetter>> DeadLetters(std::size_t limit = 1000) const;
  // Accepts all dead letters again, for when the store has learned to take them; one refused again
  // becomes a dead letter again. How many were accepted; those that were not stay.
  absl::StatusOr<std::size_t> ReplayDeadLetters();

  // Removes the dead letters of events that `which` says.
  absl::StatusOr<RemovedLetters> RemoveDeadLetters(
      absl::FunctionRef<bool(const AnalyticsEvent& event)> which);
  // Removes all files of the journal with events accepted before the call, once these are stored. Waits
  // at most `timeout`, but not on the writer's own thread. Unavailable when one is left.
  absl::Status RenewJournal(absl::Duration timeout);
  // Damaged files that are kept aside, of all processes.
  std::size_t QuarantinedSegments() const;

  BatchWriterStats stats() const;

 private:
  struct State;
  struct Process;
  explicit BatchWriter(std::unique_ptr<Process> process);
  const std::unique_ptr<Process> process_;
};

}  // namespace nerava::analytics
