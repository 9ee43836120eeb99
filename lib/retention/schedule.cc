#include "lib/retention/schedule.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/read.h"
#include "lib/retention/horizons.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

// A process that ends sooner has better things to do.
constexpr absl::Duration kBeforeFirst = absl::Minutes(1);

// A clock that jumped ahead by more than events are kept leaves a gap of that length before the events
// that came since, if any did.
absl::Status CheckClock(Store& store, const Horizons& wanted, absl::Duration events_kept) {
  auto days = ReadStore<DaysAround>(store, [&](ReadTransaction& transaction) {
    return transaction.EventDaysAround(wanted.events);
  });
  if (!days.ok()) return days.status();
  if (!days->before) return absl::OkStatus();
  if (days->from && *days->from - *days->before <= events_kept) return absl::OkStatus();
  const std::string day = FormatTimestamp(*days->before).substr(0, 10);
  return absl::FailedPreconditionError(fmt::format(
      "nothing was dropped, since {}: set the clock if it is wrong; keep history longer, or switch "
      "the schedule off, if it was loaded; and call ApplyRetention if it shall go",
      days->from
          ? fmt::format("after a pause that is longer than events are kept all up to {} would go",
                        day)
          : fmt::format("every event is older than data_retention says, the latest of {}", day)));
}

}  // namespace

RetentionSchedule::RetentionSchedule(std::shared_ptr<Store> store, const DataRetention& retention)
    : ForkListener(Order::kOther), store_(std::move(store)), retention_(retention) {
  Watch();
}

absl::Duration RetentionSchedule::Run(absl::Time now, Report report) {
  if (!retention_.enabled) return absl::InfiniteDuration();
  std::optional<Horizons> wanted;
  {
    MutexLock lock(mutex_);
    if (!due_) due_ = SteadyDeadline(std::min(kBeforeFirst, retention_.interval));
    const auto left = *due_ - SteadyNow();
    if (left > left.zero()) return absl::FromChrono(left);
    wanted = wanted_;
  }
  RetentionRun run;
  const absl::StatusOr<bool> done = TakeScheduledStep(now, &wanted, &run);
  {
    MutexLock lock(mutex_);
    Count(run);
    wanted_ = std::nullopt;
    if (absl::IsUnimplemented(done.status())) {
      due_ = SteadyTime::max();
      return absl::InfiniteDuration();
    }
    if (done.ok() && !*done) {
      wanted_ = wanted;
      due_ = SteadyDeadline(kBetweenSteps);
      return kBetweenSteps;
    }
    Finish(now, done.status());
    due_ = SteadyDeadline(retention_.interval);
  }
  if (!done.ok()) report(done.status());
  return retention_.interval;
}

absl::StatusOr<bool> RetentionSchedule::TakeScheduledStep(absl::Time now,
                                                          std::optional<Horizons>* wanted,
                                                          RetentionRun* run) {
  if (!*wanted) {
    auto at = HorizonsAt(retention_, now);
    if (!at.ok()) return at.status();
    absl::Status plausible = CheckClock(*store_, *at, retention_.events);
    if (!plausible.ok()) return plausible;
    *wanted = *at;
  }
  auto step = TakeStep(*store_, **wanted, run);
  if (!step.ok()) return step.status();
  return step->done;
}

absl::StatusOr<RetentionRun> RetentionSchedule::Apply(absl::Time now) {
  RetentionRun run;
  absl::Status status = RunRetention(*store_, retention_, now, &run);
  MutexLock lock(mutex_);
  Count(run);
  // What cannot be asked for is the caller's matter.
  if (!absl::IsInvalidArgument(status) && !absl::IsUnimplemented(status)) Finish(now, status);
  if (!status.ok()) return status;
  return run;
}

void RetentionSchedule::ReadHorizons() {
  auto kept_from =
      ReadStore<Horizons>(*store_, [](ReadTransaction& transaction) -> absl::StatusOr<Horizons> {
        return transaction.kept_from();
      });
  if (kept_from.ok()) NoteHorizons(*kept_from);
}

void RetentionSchedule::NoteHorizons(const Horizons& kept_from) {
  const absl::Time from = std::max(kept_from.accepts_from(), absl::UnixEpoch());
  accepts_from_.store(absl::ToUnixMicros(from), std::memory_order_relaxed);
}

void RetentionSchedule::Count(const RetentionRun& run) {
  if (run.steps > 0) NoteHorizons(run.kept_from);
  stats_.events += run.events;
  stats_.aggregate_days += run.aggregate_days;
  stats_.snapshot_days += run.snapshot_days;
  stats_.freed_bytes += run.freed_bytes;
}

void RetentionSchedule::Finish(absl::Time now, const absl::Status& status) {
  ++stats_.runs;
  stats_.last_run = now;
  stats_.last_error = std::string(status.message());
}

RetentionStats RetentionSchedule::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

}  // namespace nerava::analytics
