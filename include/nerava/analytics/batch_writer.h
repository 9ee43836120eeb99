// Takes accepted events and commits them in batches, on a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

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
  // How long Write waits for room in a full queue before it refuses. Default 5 s; 0 refuses at
  // once.
  absl::Duration overflow_timeout = absl::Seconds(5);
  // Pause before a failed commit is tried again; doubled each time up to the maximum, with jitter.
  absl::Duration retry_initial_backoff = absl::Milliseconds(50);
  absl::Duration retry_max_backoff = absl::Seconds(10);

  // Told about every commit that failed for the store's sake, and every event given up. Called on
  // the writer's thread, without locks; may be empty. What it throws is swallowed. Events that the
  // destructor drops are reported once, with their number, on the destroying thread.
  std::function<void(const absl::Status& error)> on_error = {};
};

// At any instant: accepted = committed + duplicates + conflicts + refused + dropped + pending.
struct BatchWriterStats {
  std::uint64_t accepted = 0;    // Write returned OK
  std::uint64_t committed = 0;   // stored, and in the KPIs
  std::uint64_t duplicates = 0;  // event_id known before, same payload
  std::uint64_t conflicts = 0;   // event_id known before, another payload
  std::uint64_t refused = 0;     // the store refused the event itself; reported through on_error
  std::uint64_t dropped = 0;     // given up when the writer was destroyed before they were stored
  std::uint64_t pending = 0;     // waiting or in a running commit
  std::uint64_t overflows = 0;   // Write refused because the queue stayed full; never accepted
  std::uint64_t commits = 0;     // successful transactions
  std::uint64_t failed_commits = 0;  // transactions that failed and were tried again
  bool running = false;
  // Of the last failed commit; empty once one succeeded after it. When the store refused some events
  // of a batch but not all, empty too: those are in `refused`.
  std::string last_error;
  absl::Time last_commit_time = absl::InfinitePast();  // wall clock; InfinitePast(): none yet
};

// Thread-safe.
class BatchWriter {
 public:
  // InvalidArgument when an option is out of its range. The clock must outlive the writer, the
  // store is shared. The writer does not run yet, but already accepts.
  static absl::StatusOr<std::unique_ptr<BatchWriter>> Create(BatchWriterOptions options,
                                                             std::shared_ptr<Store> store,
                                                             const Clock& clock = Clock::System());

  // Bounded: lets a running commit finish for at most 1 s, leaves the thread behind when the store
  // hangs, and drops what is pending. Call Stop with a deadline first. Waits for a running on_error,
  // and may be called from inside it.
  ~BatchWriter();
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  // Starts the thread. No effect when it runs; FailedPrecondition after Stop.
  absl::Status Start();

  // Accepts an event. Waits up to overflow_timeout when the queue is full, then ResourceExhausted;
  // FailedPrecondition after Stop.
  absl::Status Write(EventPtr event);

  // A barrier: waits until everything accepted before the call is stored (or refused), at most
  // `timeout`. How many of those are still pending: 0 means that the KPIs hold them all. Tries a
  // failed commit at once. Does not wait before Start, nor on the writer's own thread (on_error).
  std::size_t Flush(absl::Duration timeout);

  // Accepts nothing further, stores what waits, and ends the thread; at most `timeout`, even when
  // the store hangs (its thread is then left behind, holding what it needs). How many events are
  // still pending. Further calls wait again for what is left: the thread goes on until the writer is
  // destroyed. A writer that was never started stores nothing.
  std::size_t Stop(absl::Duration timeout);

  BatchWriterStats stats() const;

 private:
  struct State;
  explicit BatchWriter(std::shared_ptr<State> state);
  const std::shared_ptr<State> state_;
};

}  // namespace nerava::analytics
