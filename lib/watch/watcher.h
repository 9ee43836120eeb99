// Looks at the watches: after commits, on a timer, and when asked to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lib/base/fork.h"
#include "lib/base/mutex.h"
#include "lib/watch/operation.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics {

// Thread-safe. Its thread begins with the first watch, or with Start when somebody is to be told. A
// forked child has the watches, no alerts yet, and a thread of its own once it commits or asks.
class Watcher final : private ForkListener {
 public:
  using Counts = std::function<OperationCounts()>;

  Watcher(AlertOptions options, absl::Duration flush_interval, std::shared_ptr<Store> store,
          std::shared_ptr<AnswerCache> cache);
  ~Watcher() override;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // `clock` and `counts` are not called any more once Stop returned.
  void Start(const Clock& clock, Counts counts);
  // No look begins after it. Waits until `deadline` for on_alert, unless it is called from it, and for
  // the look at the store, at most a second. With `last` a thread that is still in the store is left
  // behind, and touches nothing of the host's but the store.
  void Stop(SteadyTime deadline, bool last);

  absl::Status Add(analytics::Watch watch);
  absl::Status Remove(const std::string& name);
  std::vector<analytics::Watch> List() const;
  // Looks at all now, on this thread. The last error, when a KPI could not be computed.
  absl::Status Check();
  // Those of the last look; before there is a thread, what there is to say about the pipeline now.
  std::vector<Alert> Alerts();
  // There was a commit.
  void Nudge();

 private:
  struct State;

  void BeforeFork() override;
  void AfterForkInParent() override;
  void AfterForkInChild() override;

  std::shared_ptr<State> state_;  // changes only in a forked child, before fork() returns there
};

}  // namespace nerava::analytics
