// Applies the retention every so often, on the thread of a pipeline's writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/base/fork.h"
#include "lib/base/mutex.h"
#include "nerava/analytics/batch_writer.h"
#include "nerava/analytics/data_retention.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// A step a call, so that batches come between. Drops nothing when every event is too old, or when those
// that are and those that are not lie further apart than events are kept: that is more likely a wrong
// clock, or history that was just loaded, than what anybody wants.
// Thread-safe. A forked child begins anew.
class RetentionSchedule final : public IdleTask, private ForkListener {
 public:
  RetentionSchedule(std::shared_ptr<Store> store, const DataRetention& retention);
  ~RetentionSchedule() override { Unwatch(); }

  absl::Duration Run(absl::Time now, Report report) override;

  // By hand: see ApplyRetention.
  absl::StatusOr<RetentionRun> Apply(absl::Time now);

  RetentionStats stats() const;

  // Events before are refused, as far as this process knows.
  absl::Time accepts_from() const {
    return absl::FromUnixMicros(accepts_from_.load(std::memory_order_relaxed));
  }
  // Reads it from the store; what cannot be read is known after the first run.
  void ReadHorizons();

 private:
  absl::StatusOr<bool> TakeScheduledStep(absl::Time now, std::optional<Horizons>* wanted,
                                         RetentionRun* run);
  void NoteHorizons(const Horizons& kept_from);
  void Count(const RetentionRun& run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Finish(absl::Time now, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Lock(); }
  void AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Unlock(); }
  void AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS override {
    stats_ = {};
    due_ = std::nullopt;
    wanted_ = std::nullopt;
    mutex_.Unlock();
  }

  const std::shared_ptr<Store> store_;
  const DataRetention retention_;

  std::atomic<std::int64_t> accepts_from_{0};  // microseconds since 1970

  mutable Mutex mutex_;  // not held while the store works
  RetentionStats stats_ ABSL_GUARDED_BY(mutex_);
  std::optional<SteadyTime> due_ ABSL_GUARDED_BY(mutex_);   // none before the first call
  std::optional<Horizons> wanted_ ABSL_GUARDED_BY(mutex_);  // while a run goes on
};

}  // namespace nerava::analytics
