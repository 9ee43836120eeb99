#include "lib/writer/state.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace nerava::analytics {
namespace {

BatchWriterOptions WithoutErrorHandler(BatchWriterOptions options) {
  options.on_error = nullptr;
  return options;
}

}  // namespace

BatchWriter::State::State(BatchWriterOptions options_in, std::shared_ptr<Store> store_in,
                          const Clock& clock_in)
    : options(WithoutErrorHandler(options_in)),
      store(std::move(store_in)),
      clock(clock_in),
      queue(std::make_unique<MemoryHandoff>(options.queue_capacity)),
      jitter_(static_cast<std::minstd_rand::result_type>(SteadyNow().time_since_epoch().count())) {
  if (options_in.on_error) {
    on_error = std::make_shared<const ErrorHandler>(std::move(options_in.on_error));
  }
}

std::uint64_t BatchWriter::State::Settled() const {
  return stats.committed + stats.duplicates + stats.conflicts + stats.refused + stats.dropped;
}

bool BatchWriter::State::OnWriterThread() const {
  return started && !exited && std::this_thread::get_id() == thread_id;
}

void BatchWriter::State::Nudge() {
  nudged = true;
  work.NotifyOne();
}

void BatchWriter::State::Run() {
  for (;;) {
    const std::vector<EventPtr> batch = AwaitBatch();
    if (batch.empty() || !Settle(batch)) break;
  }
  MutexLock lock(mutex);
  exited = true;
  progress.NotifyAll();
}

std::vector<EventPtr> BatchWriter::State::AwaitBatch() {
  const auto interval = absl::ToChronoNanoseconds(options.flush_interval);
  MutexLock lock(mutex);
  for (;;) {
    if (abandoned) return {};
    const std::size_t waiting = queue->size();
    if (waiting == 0) {
      if (stopping) return {};
      work.Wait(mutex);
      continue;
    }
    const SteadyTime due = waiting_since + interval;
    if (waiting >= options.batch_size || stopping || Settled() < flush_target) break;
    if (SteadyNow() >= due) break;
    work.WaitUntil(mutex, due);
  }
  commits_before_batch_ = stats.commits;
  std::vector<EventPtr> batch = queue->Oldest(options.max_batch_size);
  // What comes from now on has waited since now. When some stay behind, they came before, and the
  // older time stays.
  if (batch.size() == queue->size()) waiting_since = SteadyNow();
  return batch;
}

bool BatchWriter::State::Settle(absl::Span<const EventPtr> events) {
  absl::Duration backoff = options.retry_initial_backoff;
  for (;;) {
    absl::Time created_at;
    {
      MutexLock lock(mutex);
      if (abandoned) return false;
      nudged = false;
      created_at = clock.Now();  // under the lock: the clock may be gone once we are abandoned
    }
    const absl::StatusOr<CommitResult> result = Commit(events, created_at);
    if (result.ok()) return CountCommit(*result, events.size(), created_at);

    if (!absl::IsInvalidArgument(result.status())) {
      CountFailure(result.status());
      Report(result.status());
      if (!Pause(&backoff)) return false;
      continue;
    }
    if (events.size() == 1) {
      Report(absl::InvalidArgumentError(
          fmt::format("event \"{}\" is given up, the store refuses it: {}", events[0]->event_id,
                      std::string(result.status().message()))));
      return CountRefusal(result.status());
    }
    CountFailure(result.status());
    const std::size_t half = events.size() / 2;
    return Settle(events.first(half)) && Settle(events.subspan(half));
  }
}

// Equal jitter: half of the pause is fixed, half random, so that processes that failed together do
// not come back together.
bool BatchWriter::State::Pause(absl::Duration* backoff) {
  const absl::Duration pause = *backoff * std::uniform_real_distribution<double>(0.5, 1.0)(jitter_);
  *backoff = std::min(*backoff * 2, options.retry_max_backoff);

  const SteadyTime deadline = SteadyDeadline(pause);
  MutexLock lock(mutex);
  while (!nudged && work.WaitUntil(mutex, deadline)) {
  }
  return !abandoned;
}

absl::StatusOr<CommitResult> BatchWriter::State::Commit(absl::Span<const EventPtr> events,
                                                        absl::Time created_at) {
  try {
    return CommitBatch(*store, events, created_at);
  } catch (const std::exception& error) {
    return absl::UnavailableError(fmt::format("the store threw: {}", error.what()));
  } catch (...) {
    return absl::UnavailableError("the store threw something that is no std::exception");
  }
}

bool BatchWriter::State::CountCommit(const CommitResult& result, std::size_t events,
                                     absl::Time created_at) {
  MutexLock lock(mutex);
  if (destroyed) return false;
  stats.committed += result.committed;
  stats.duplicates += result.duplicates;
  stats.conflicts += result.conflicts;
  ++stats.commits;
  stats.last_error.clear();
  stats.last_commit_time = created_at;
  Acknowledge(events);
  return true;
}

bool BatchWriter::State::CountRefusal(const absl::Status& error) {
  MutexLock lock(mutex);
  if (destroyed) return false;
  ++stats.refused;
  // A store that took a part of the batch works, whatever else it refused.
  stats.last_error = stats.commits > commits_before_batch_ ? "" : error.ToString();
  Acknowledge(1);
  return true;
}

void BatchWriter::State::CountFailure(const absl::Status& error) {
  MutexLock lock(mutex);
  ++stats.failed_commits;
  stats.last_error = error.ToString();
}

void BatchWriter::State::Acknowledge(std::size_t events) {
  queue->Acknowledge(events);
  room.NotifyAll();
  progress.NotifyAll();
}

void BatchWriter::State::Report(const absl::Status& error) {
  std::shared_ptr<const ErrorHandler> handler;
  {
    MutexLock lock(mutex);
    if (on_error == nullptr) return;
    handler = on_error;
    reporting = true;
  }
  try {
    (*handler)(error);
  } catch (...) {  // as the header says: nobody is left to tell
  }
  handler.reset();
  MutexLock lock(mutex);
  reporting = false;
  progress.NotifyAll();
}

}  // namespace nerava::analytics
