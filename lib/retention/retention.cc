#include <algorithm>
#include <string>
#include <thread>

#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/base/mutex.h"
#include "lib/retention/horizons.h"
#include "nerava/analytics/data_retention.h"

namespace nerava::analytics {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kShortestEvents = absl::Hours(48);
constexpr absl::Duration kShortestInterval = absl::Seconds(1);

// So long about is a step: a commit that waits for it is not late, and its overhead is small.
constexpr absl::Duration kStep = absl::Milliseconds(20);

std::string Days(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return "for ever";
  return fmt::format("{} days", absl::FDivDuration(duration, kDay));
}

absl::Time HorizonOf(absl::Duration kept, absl::Time now) {
  if (kept == absl::InfiniteDuration()) return absl::InfinitePast();
  return absl::UnixEpoch() + absl::Floor(now - kept - absl::UnixEpoch(), kDay);
}

}  // namespace

absl::Status DataRetention::Validate() const {
  if (events < kShortestEvents) {
    return absl::InvalidArgumentError(
        fmt::format("data_retention.events is {}; it must be at least {}", Days(events),
                    Days(kShortestEvents)));
  }
  if (aggregates < events) {
    return absl::InvalidArgumentError(fmt::format(
        "data_retention.aggregates is {}; it must not be shorter than events, which is {}",
        Days(aggregates), Days(events)));
  }
  if (snapshots < aggregates) {
    return absl::InvalidArgumentError(fmt::format(
        "data_retention.snapshots is {}; it must not be shorter than aggregates, which is {}",
        Days(snapshots), Days(aggregates)));
  }
  if (interval < kShortestInterval || interval > kDay) {
    return absl::InvalidArgumentError(fmt::format(
        "data_retention.interval is {}; it must be from {} to {}", absl::FormatDuration(interval),
        absl::FormatDuration(kShortestInterval), absl::FormatDuration(kDay)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Horizons> HorizonsAt(const DataRetention& retention, absl::Time now) {
  if (absl::Status valid = retention.Validate(); !valid.ok()) return valid;
  if (now < absl::UnixEpoch() || now > absl::FromUnixSeconds(253402300800)) {  // 10000-01-01
    return absl::InvalidArgumentError("now must lie in the years 1970 to 9999");
  }
  return Horizons{HorizonOf(retention.events, now), HorizonOf(retention.aggregates, now),
                  HorizonOf(retention.snapshots, now)};
}

absl::StatusOr<RetentionStep> TakeStep(Store& store, const Horizons& wanted, RetentionRun* run) {
  const SteadyTime begin = SteadyNow();
  auto step = GuardedFromStore([&] { return store.Retain(wanted, kStep); });
  if (!step.ok()) return step;
  run->events += step->events;
  run->aggregate_days += step->aggregate_days;
  run->snapshot_days += step->snapshot_days;
  run->freed_bytes += step->freed_bytes;
  ++run->steps;
  run->longest_step = std::max(run->longest_step, absl::FromChrono(SteadyNow() - begin));
  run->kept_from = step->kept_from;
  return step;
}

absl::Status RunRetention(Store& store, const DataRetention& retention, absl::Time now,
                          RetentionRun* run) {
  auto wanted = HorizonsAt(retention, now);
  if (!wanted.ok()) return wanted.status();
  const SteadyTime begin = SteadyNow();
  for (;;) {
    auto step = TakeStep(store, *wanted, run);
    run->duration = absl::FromChrono(SteadyNow() - begin);
    if (!step.ok() || step->done) return step.status();
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(kBetweenSteps));
  }
}

absl::StatusOr<RetentionRun> ApplyRetention(Store& store, const DataRetention& retention,
                                            absl::Time now) {
  RetentionRun run;
  if (absl::Status status = RunRetention(store, retention, now, &run); !status.ok()) return status;
  return run;
}

}  // namespace nerava::analytics
