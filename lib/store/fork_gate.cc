#include "lib/store/fork_gate.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace nerava::analytics {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);

}  // namespace

ForkGate::ForkGate(std::function<void()> when_idle)
    : ForkListener(Order::kStore), when_idle_(std::move(when_idle)) {
  Watch();
}

ForkGate::~ForkGate() { Unwatch(); }

bool ForkGate::IsInside(std::thread::id thread) const {
  return std::find(inside_.begin(), inside_.end(), thread) != inside_.end();
}

void ForkGate::Enter() {
  const std::thread::id self = std::this_thread::get_id();
  MutexLock lock(mutex_);
  // Who is inside is waited for, and must not wait in turn.
  while (closed_ && !IsInside(self)) changed_.Wait(mutex_);
  inside_.push_back(self);
}

void ForkGate::Leave() {
  MutexLock lock(mutex_);
  // Not there when this process was forked meanwhile.
  const auto found = std::find(inside_.begin(), inside_.end(), std::this_thread::get_id());
  if (found != inside_.end()) inside_.erase(found);
  if (closed_ && inside_.empty()) changed_.NotifyAll();
}

void ForkGate::BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  mutex_.Lock();
  closed_ = true;
  const SteadyTime deadline = SteadyDeadline(kPatience);
  while (!inside_.empty() && !IsInside(std::this_thread::get_id()) &&
         changed_.WaitUntil(mutex_, deadline)) {
  }
  if (inside_.empty() && !broken() && when_idle_) when_idle_();
}

void ForkGate::AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  closed_ = false;
  changed_.NotifyAll();
  mutex_.Unlock();
}

void ForkGate::AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!inside_.empty()) broken_.store(true, std::memory_order_relaxed);
  inside_.clear();
  closed_ = false;
  // The parent's waiters are remembered in it, and would be waited for when it is destroyed.
  std::construct_at(&changed_);
  mutex_.Unlock();
}

}  // namespace nerava::analytics
