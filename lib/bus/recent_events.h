// The last events, for people who look at a running system.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "lib/base/fork.h"
#include "lib/base/mutex.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

// A ring of shared events. Thread-safe; a forked child has a copy.
class RecentEvents final : private ForkListener {
 public:
  explicit RecentEvents(std::size_t capacity) : ForkListener(Order::kOther), capacity_(capacity) {
    Watch();
  }
  ~RecentEvents() override { Unwatch(); }

  void Add(EventPtr event) noexcept;

  // Oldest first; an empty argument matches all. `type` is an analytics type.
  std::vector<EventPtr> Find(std::string_view type, std::string_view aggregate_id) const;
  void Remove(absl::FunctionRef<bool(const AnalyticsEvent& event)> which);

 private:
  void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Lock(); }
  void AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Unlock(); }
  void AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Unlock(); }

  const std::size_t capacity_;
  mutable Mutex mutex_;
  std::vector<EventPtr> ring_ ABSL_GUARDED_BY(mutex_);
  std::size_t oldest_ ABSL_GUARDED_BY(mutex_) = 0;  // once the ring is full: the next to overwrite
};

}  // namespace nerava::analytics
