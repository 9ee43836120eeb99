// What becomes of a batch: it is committed; or tried again; or, where the store refuses single
// events, these are buried as dead letters and the others committed.
#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "lib/event/validate.h"
#include "lib/writer/state.h"

namespace nerava::analytics {
namespace {

// A store that refuses more than a twentieth of a batch is taken to be at fault itself. Of small
// batches it may refuse a few more, so that these do not wait for a larger one.
constexpr std::size_t kRefusedShare = 20;
constexpr std::size_t kAlwaysRefusable = 5;

std::size_t MostRefusals(std::size_t batch) {
  return std::max(kAlwaysRefusable, batch / kRefusedShare);
}

}  // namespace

bool BatchWriter::State::SettleBatch() {
  std::vector<EventPtr> events;
  {
    MutexLock lock(mutex);
    events.reserve(batch.size());
    for (const QueuedEvent& queued : batch) events.push_back(queued.event);
  }
  if (events.empty()) return true;
  refusals_.clear();
  switch (Settle(events, 0)) {
    case Settled::kYes:
      next_idle_run_ = SteadyTime();
      put_off_ = options.retry_initial_backoff;
      return BuryRefused(events);
    case Settled::kTooMany:
      return PutOff(events.size());
    case Settled::kEnded:
      return false;
  }
  return false;
}

BatchWriter::State::Settled BatchWriter::State::Settle(absl::Span<const EventPtr> events,
                                                       std::size_t first) {
  absl::Duration backoff = options.retry_initial_backoff;
  for (;;) {
    absl::Time created_at;
    std::size_t batch_size = 0;
    {
      MutexLock lock(mutex);
      if (abandoned) return Settled::kEnded;
      nudged = false;
      created_at = clock.Now();  // under the lock: the clock may be gone once we are abandoned
      batch_size = batch.size();
    }
    const SteadyTime begin = SteadyNow();
    const absl::StatusOr<CommitResult> result = Commit(events, created_at);
    if (result.ok()) {
      const absl::Duration latency = absl::FromChrono(SteadyNow() - begin);
      return CountCommit(*result, events, first, created_at, latency) ? Settled::kYes
                                                                      : Settled::kEnded;
    }
    if (!absl::IsInvalidArgument(result.status())) {
      CountFailure(result.status());
      Report(result.status());
      if (!Pause(&backoff)) return Settled::kEnded;
      continue;
    }
    if (events.size() == 1) {
      refusals_.push_back({first, std::string(result.status().message())});
      return Faults() > MostRefusals(batch_size) ? Settled::kTooMany : Settled::kYes;
    }
    CountFailure(result.status());
    const std::size_t half = events.size() / 2;
    const Settled settled = Settle(events.first(half), first);
    return settled == Settled::kYes ? Settle(events.subspan(half), first + half) : settled;
  }
}

// Refusals that may be the store's fault.
std::size_t BatchWriter::State::Faults() const {
  return static_cast<std::size_t>(std::count_if(
      refusals_.begin(), refusals_.end(), [](const Refusal& refusal) { return !refusal.too_old; }));
}

// The rest of the batch waits, in front of all others, and is tried again with what has come by then.
bool BatchWriter::State::PutOff(std::size_t batch_size) {
  const std::string& reason = refusals_.back().reason;
  const absl::Status error = absl::FailedPreconditionError(fmt::format(
      "the store refuses more than {} of {} events, so that it seems to be at fault and not they; "
      "they are kept and tried again. The last refusal: {}",
      MostRefusals(batch_size), batch_size, reason));
  {
    MutexLock lock(mutex);
    if (destroyed) return false;
    PutBackBatch();
    ++stats.breaker_trips;
    stats.last_error = error.ToString();
  }
  Report(error);
  return Pause(&put_off_);
}

bool BatchWriter::State::BuryRefused(absl::Span<const EventPtr> events) {
  for (const Refusal& refusal : refusals_) {
    const AnalyticsEvent& event = *events[refusal.index];
    absl::Duration backoff = options.retry_initial_backoff;
    for (;;) {
      absl::Time now;
      {
        MutexLock lock(mutex);
        if (abandoned) return false;
        now = clock.Now();
      }
      absl::Status buried = dead_letters.Add(event, refusal.reason, now);
      if (buried.ok()) break;
      CountFailure(buried);
      Report(buried);
      if (!Pause(&backoff)) return false;
    }
    Report(absl::InvalidArgumentError(
        fmt::format("event \"{}\" is kept as a dead letter, the store refuses it: {}",
                    event.event_id, refusal.reason)));
    MutexLock lock(mutex);
    if (destroyed) return false;
    ++stats.dead_lettered;
    SettleEvent(refusal.index, /*stored=*/false);
    // A store that took the others works.
    const bool took_none = Faults() == events.size();
    stats.last_error = took_none ? refusal.reason : "";
  }
  return true;
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

bool BatchWriter::State::CountCommit(const CommitResult& result, absl::Span<const EventPtr> events,
                                     std::size_t first, absl::Time created_at,
                                     absl::Duration latency) {
  for (const std::size_t i : result.too_old) {
    const absl::Status refusal = RefuseTooOld(events[i]->time, result.accepts_from);
    refusals_.push_back({first + i, std::string(refusal.message()), /*too_old=*/true});
  }
  MutexLock lock(mutex);
  if (destroyed) return false;
  stats.committed += result.committed;
  stats.duplicates += result.duplicates;
  stats.conflicts += result.conflicts;
  ++stats.commits;
  stats.batch_sizes.Add(events.size());
  stats.commit_latency_us.Add(static_cast<std::uint64_t>(absl::ToInt64Microseconds(latency)));
  stats.last_error.clear();
  stats.last_commit_time = created_at;
  auto too_old = result.too_old.begin();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (too_old != result.too_old.end() && *too_old == i) {
      ++too_old;
    } else {
      SettleEvent(first + i, /*stored=*/true);
    }
  }
  return true;
}

void BatchWriter::State::CountFailure(const absl::Status& error) {
  MutexLock lock(mutex);
  ++stats.failed_commits;
  stats.last_error = error.ToString();
}

void BatchWriter::State::SettleEvent(std::size_t index, bool stored) {
  QueuedEvent& settled = batch[index];
  settled.event = nullptr;
  if (JournalSegment* const segment = settled.segment; segment != nullptr) {
    if (stored) segment->stored = true;
    --segment->pending;
  }
  if (--batch_pending == 0) batch.clear();
  room.NotifyAll();
  progress.NotifyAll();
}

}  // namespace nerava::analytics
