// Lets transactions through, and holds them back over a fork(), so that a child finds a store as it
// is between two of them.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "lib/base/fork.h"
#include "lib/base/mutex.h"

namespace nerava::analytics {

// Thread-safe.
class ForkGate final : public ForkListener {
 public:
  // `when_idle` runs before each fork, on the forking thread, when nobody is inside. It must not use
  // the gate.
  explicit ForkGate(std::function<void()> when_idle = {});
  ~ForkGate() override;  // waits for a fork under way

  // Inside while it lives. Waits for a fork under way, unless its thread is inside already.
  class Pass {
   public:
    explicit Pass(ForkGate& gate) : gate_(gate) { gate_.Enter(); }
    ~Pass() { gate_.Leave(); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    ForkGate& gate_;
  };

  // Whether this process was forked while somebody was inside: a fork waits for that 2 s, and not at
  // all for its own thread. What the gate guards is then half-changed and its locks may be taken, in
  // this process for ever.
  bool broken() const { return broken_.load(std::memory_order_relaxed); }

  // Whether a fork is about to happen, and waits for whoever is inside.
  const std::atomic<bool>& fork_waits() const { return closed_; }

 private:
  void Enter();
  void Leave();
  bool IsInside(std::thread::id thread) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void BeforeFork() override;
  void AfterForkInParent() override;
  void AfterForkInChild() override;

  const std::function<void()> when_idle_;
  std::atomic<bool> broken_{false};

  Mutex mutex_;  // held during a fork
  Condition changed_;
  std::atomic<bool> closed_{false};                              // changes under the mutex
  std::vector<std::thread::id> inside_ ABSL_GUARDED_BY(mutex_);  // once for each Pass
};

}  // namespace nerava::analytics
