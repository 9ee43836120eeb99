// What a pipeline's writer does when no batch is due.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lib/retention/schedule.h"
#include "lib/watch/watcher.h"
#include "nerava/analytics/batch_writer.h"
#include "nerava/analytics/kpi.h"

namespace nerava::analytics {

// The retention's schedule; answers that are wanted ready, and a nudge for the watches, after each commit. May outlive the
// pipeline with a thread whose store hangs, and so has nothing of it.
class Housekeeping final : public IdleTask {
 public:
  Housekeeping(std::shared_ptr<RetentionSchedule> retention, std::shared_ptr<Watcher> watcher,
               std::shared_ptr<Store> store, std::shared_ptr<AnswerCache> cache,
               std::vector<int> warm_days)
      : retention_(std::move(retention)),
        watcher_(std::move(watcher)),
        store_(std::move(store)),
        cache_(std::move(cache)),
        warm_days_(std::move(warm_days)) {}

  absl::Duration Run(absl::Time now, Report report) override;

 private:
  void Warm(absl::Time now);

  const std::shared_ptr<RetentionSchedule> retention_;
  const std::shared_ptr<Watcher> watcher_;
  const std::shared_ptr<Store> store_;
  const std::shared_ptr<AnswerCache> cache_;
  const std::vector<int> warm_days_;
  std::optional<std::uint64_t> warmed_;  // the version of the store
};

}  // namespace nerava::analytics
