#include "lib/retention/schedule.h"

#include <algorithm>
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

absl::Status CheckThatSomeStay(Store& store, const Horizons& wanted) {
  auto latest = ReadStore<std::optional<absl::Time>>(
      store, [](ReadTransaction& transaction) { return transaction.LatestDay(); });
  if (!latest.ok()) return latest.status();
  if (!latest->has_value() || **latest >= wanted.events) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "nothing was dropped, since every event is older than data_retention says, the latest of {}: "
      "set the clock if it is wrong; keep history longer, or switch the schedule off, if it was "
      "loaded; and call ApplyRetention if it shall go",
      FormatTimestamp(**latest).substr(0, 10)));
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
  if (absl::IsUnimplemented(done.status())) return absl::InfiniteDuration();
  {
    MutexLock lock(mutex_);
    Count(run);
    wanted_ = std::nullopt;
    if (done.ok() && !*done) {
      wanted_ = wanted;
      return absl::ZeroDuration();
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
    if (absl::Status some = CheckThatSomeStay(*store_, *at); !some.ok()) return some;
    *wanted = *at;
  }
  auto step = TakeStep(*store_, **wanted, run);
  if (!step.ok()) return step.status();
  return step->done;
}

absl::StatusOr<RetentionRun> RetentionSchedule::Apply(absl::Time now) {
  auto run = ApplyRetention(*store_, retention_, now);
  MutexLock lock(mutex_);
  if (run.ok()) Count(*run);
  Finish(now, run.status());
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
