#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <thread>

#include "fmt/format.h"
#include "lib/base/mutex.h"
#include "lib/base/out_of_memory.h"
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

absl::StatusOr<RetentionStep> TakeStep(Store& store, const Horizons& wanted,
                                       RetentionRun* run) try {
  const SteadyTime begin = SteadyNow();
  auto step = store.Retain(wanted, kStep);
  if (!step.ok()) return step;
  run->events += step->events;
  run->aggregate_days += step->aggregate_days;
  run->snapshot_days += step->snapshot_days;
  run->freed_bytes += step->freed_bytes;
  ++run->steps;
  run->longest_step = std::max(run->longest_step, absl::FromChrono(SteadyNow() - begin));
  run->kept_from = step->kept_from;
  return step;
} catch (const std::bad_alloc&) {
  return OutOfMemory();
} catch (const std::exception& error) {
  return absl::UnavailableError(fmt::format("the store threw: {}", error.what()));
} catch (...) {
  return absl::UnavailableError("the store threw something that is no std::exception");
}

absl::StatusOr<RetentionRun> ApplyRetention(Store& store, const DataRetention& retention,
                                            absl::Time now) {
  auto wanted = HorizonsAt(retention, now);
  if (!wanted.ok()) return wanted.status();
  const SteadyTime begin = SteadyNow();
  RetentionRun run;
  for (;;) {
    auto step = TakeStep(store, *wanted, &run);
    if (!step.ok()) return step.status();
    if (step->done) break;
    // A lock that is taken again at once is no chance for others.
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(kStep) / 4);
  }
  run.duration = absl::FromChrono(SteadyNow() - begin);
  return run;
}

}  // namespace nerava::analytics
