#include "nerava/analytics/batch_writer.h"

#include <optional>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "lib/writer/state.h"
#include "lib/writer/validate.h"

namespace nerava::analytics {
namespace {

// How long the destructor lets a commit finish before it leaves the thread behind. Long enough for
// a store that works, so that the thread is normally joined and the store freed by then.
constexpr absl::Duration kLastCommit = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<BatchWriter>> BatchWriter::Create(BatchWriterOptions options,
                                                                 std::shared_ptr<Store> store,
                                                                 const Clock& clock) {
  if (absl::Status valid = Validate(options); !valid.ok()) return valid;
  if (store == nullptr) {
    return absl::InvalidArgumentError("the batch writer needs a store; the pointer is null");
  }
  return std::unique_ptr<BatchWriter>(
      new BatchWriter(std::make_shared<State>(std::move(options), std::move(store), clock)));
}

BatchWriter::BatchWriter(std::shared_ptr<State> state) : state_(std::move(state)) {}

BatchWriter::~BatchWriter() {
  State& state = *state_;
  const SteadyTime deadline = SteadyDeadline(kLastCommit);
  std::thread thread;
  bool exited = false;
  std::size_t dropped = 0;
  std::shared_ptr<const State::ErrorHandler> on_error;
  {
    MutexLock lock(state.mutex);
    state.stopping = true;
    state.abandoned = true;
    state.Nudge();
    // on_error may destroy its own writer: then there is nothing to wait for.
    if (!state.OnWriterThread()) {
      while (state.started && !state.exited && state.progress.WaitUntil(state.mutex, deadline)) {
      }
      while (state.reporting) state.progress.Wait(state.mutex);
    }
    state.destroyed = true;
    dropped = state.queue->size();
    state.queue->Acknowledge(dropped);
    state.stats.dropped += dropped;
    thread = std::move(state.thread);
    exited = state.exited;
    on_error = std::exchange(state.on_error, nullptr);
  }
  if (thread.joinable()) exited ? thread.join() : thread.detach();

  if (dropped == 0 || on_error == nullptr) return;
  try {
    (*on_error)(absl::CancelledError(fmt::format(
        "the batch writer was destroyed with {} events not yet stored, they are lost; call Stop "
        "first, with a longer timeout",
        dropped)));
  } catch (...) {  // as the header says: nobody is left to tell
  }
}

absl::Status BatchWriter::Start() {
  MutexLock lock(state_->mutex);
  if (state_->stopping) {
    return absl::FailedPreconditionError("the batch writer was stopped; create another one");
  }
  if (state_->started) return absl::OkStatus();
  try {
    state_->thread = std::thread([state = state_] { state->Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        fmt::format("the batch writer's thread could not be started: {}", error.what()));
  }
  state_->thread_id = state_->thread.get_id();
  state_->started = true;
  return absl::OkStatus();
}

absl::Status BatchWriter::Write(EventPtr event) {
  if (event == nullptr) {
    return absl::InvalidArgumentError("there is no event to write: the pointer is null");
  }
  State& state = *state_;
  std::optional<SteadyTime> deadline;
  bool in_time = true;
  MutexLock lock(state.mutex);
  for (;;) {
    if (state.stopping) {
      return absl::FailedPreconditionError(
          "the batch writer was stopped and accepts no more events");
    }
    absl::Status offered = state.queue->Offer(event);
    if (offered.ok()) break;
    if (!absl::IsResourceExhausted(offered)) return offered;
    // Waiting on the thread that makes room would be for nothing.
    if (!in_time || state.OnWriterThread()) {
      ++state.stats.overflows;
      return absl::ResourceExhaustedError(fmt::format(
          "the event was not accepted: {}, and the store made no room within {}{}{}; try again "
          "later, or raise queue_capacity or overflow_timeout",
          std::string(offered.message()), absl::FormatDuration(state.options.overflow_timeout),
          state.stats.last_error.empty() ? "" : "; its last error: ", state.stats.last_error));
    }
    if (!deadline) deadline = SteadyDeadline(state.options.overflow_timeout);
    in_time = state.room.WaitUntil(state.mutex, *deadline);
  }
  ++state.stats.accepted;
  // The thread has something to do at the first event, when its interval begins, and at batch_size.
  const std::size_t waiting = state.queue->size();
  if (waiting == 1) state.waiting_since = SteadyNow();
  if (waiting == 1 || waiting == state.options.batch_size) state.work.NotifyOne();
  return absl::OkStatus();
}

std::size_t BatchWriter::Flush(absl::Duration timeout) {
  const SteadyTime deadline = SteadyDeadline(timeout);
  State& state = *state_;
  MutexLock lock(state.mutex);
  const std::uint64_t target = state.stats.accepted;
  if (state.Settled() < target) {
    state.flush_target = target;
    state.Nudge();
  }
  const bool can_wait = state.started && !state.OnWriterThread();
  while (can_wait && state.Settled() < target && !state.exited &&
         state.progress.WaitUntil(state.mutex, deadline)) {
  }
  const std::uint64_t settled = state.Settled();
  return settled < target ? static_cast<std::size_t>(target - settled) : 0;
}

std::size_t BatchWriter::Stop(absl::Duration timeout) {
  const SteadyTime deadline = SteadyDeadline(timeout);
  State& state = *state_;
  std::thread ended;
  std::size_t pending = 0;
  {
    MutexLock lock(state.mutex);
    state.stopping = true;
    state.Nudge();
    state.room.NotifyAll();
    const bool can_wait = state.started && !state.OnWriterThread();
    while (can_wait && !state.exited && state.progress.WaitUntil(state.mutex, deadline)) {
    }
    if (state.exited) ended = std::move(state.thread);
    pending = state.queue->size();
  }
  if (ended.joinable()) ended.join();
  return pending;
}

BatchWriterStats BatchWriter::stats() const {
  MutexLock lock(state_->mutex);
  BatchWriterStats stats = state_->stats;
  stats.pending = state_->queue->size();
  stats.running = state_->started && !state_->exited;
  return stats;
}

}  // namespace nerava::analytics
