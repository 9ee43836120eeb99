// What a BatchWriter and its thread share. state.cc is the thread's side, batch_writer.cc the
// callers' side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/base/mutex.h"
#include "lib/projection/commit.h"
#include "lib/writer/handoff.h"
#include "nerava/analytics/batch_writer.h"

namespace nerava::analytics {

// Held by the BatchWriter and by its thread, which may outlive it when the store hangs. From the
// moment that `destroyed` is set the thread touches nothing of the host's but the store: not the
// clock, not on_error.
struct BatchWriter::State {
  using ErrorHandler = std::function<void(const absl::Status& error)>;

  State(BatchWriterOptions options_in, std::shared_ptr<Store> store_in, const Clock& clock_in);

  // The thread: commits what waits until it is told to stop.
  void Run();

  // Events accepted and done, in order of acceptance: the first Settled() ones.
  std::uint64_t Settled() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool OnWriterThread() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Makes the thread look again, and try a failed commit at once.
  void Nudge() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const BatchWriterOptions options;  // its on_error is moved to the member below
  const std::shared_ptr<Store> store;
  const Clock& clock;

  mutable Mutex mutex;
  Condition work;      // the thread waits for events, a flush, a stop, the end of a pause
  Condition room;      // Write waits for room in the queue
  Condition progress;  // Flush, Stop and the destructor wait for the thread

  std::unique_ptr<Handoff> queue ABSL_GUARDED_BY(mutex);
  BatchWriterStats stats ABSL_GUARDED_BY(mutex);  // but pending and running, see BatchWriter::stats
  // None in the queue has waited since before this.
  SteadyTime waiting_since ABSL_GUARDED_BY(mutex);
  std::uint64_t flush_target ABSL_GUARDED_BY(mutex) = 0;  // settle this many without delay
  bool nudged ABSL_GUARDED_BY(mutex) = false;

  bool started ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;   // nothing further is accepted
  bool abandoned ABSL_GUARDED_BY(mutex) = false;  // no further commit is begun
  bool destroyed ABSL_GUARDED_BY(mutex) = false;  // what was pending is dropped
  bool exited ABSL_GUARDED_BY(mutex) = false;
  bool reporting ABSL_GUARDED_BY(mutex) = false;  // the thread is inside on_error
  std::thread thread ABSL_GUARDED_BY(mutex);
  std::thread::id thread_id ABSL_GUARDED_BY(mutex);
  // Null when there is none, or once destroyed. Shared, as it may destroy the writer that calls it.
  std::shared_ptr<const ErrorHandler> on_error ABSL_GUARDED_BY(mutex);

 private:
  // The next events to commit; none when the thread must end.
  std::vector<EventPtr> AwaitBatch();
  // Commits `events`, the oldest in the queue, or, where the store refuses one of them, each half.
  // Like the others below, false when the thread must end.
  bool Settle(absl::Span<const EventPtr> events);
  bool Pause(absl::Duration* backoff);

  absl::StatusOr<CommitResult> Commit(absl::Span<const EventPtr> events, absl::Time created_at);
  bool CountCommit(const CommitResult& result, std::size_t events, absl::Time created_at);
  bool CountRefusal(const absl::Status& error);
  void CountFailure(const absl::Status& error);
  void Report(const absl::Status& error);
  void Acknowledge(std::size_t events) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // The thread's own.
  std::minstd_rand jitter_;
  std::uint64_t commits_before_batch_ = 0;
};

}  // namespace nerava::analytics
