#include "lib/bus/recent_events.h"

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace nerava::analytics {

void RecentEvents::Add(EventPtr event) noexcept {
  if (capacity_ == 0) return;
  // The lock is released before `event`, which then holds what was overwritten, is freed.
  MutexLock lock(mutex_);
  if (ring_.size() < capacity_) {
    try {
      ring_.push_back(std::move(event));
    } catch (const std::bad_alloc&) {  // then it is not shown; it is published all the same
    }
    return;
  }
  ring_[oldest_].swap(event);
  oldest_ = (oldest_ + 1) % capacity_;
}

std::vector<EventPtr> RecentEvents::Find(std::string_view type,
                                         std::string_view aggregate_id) const {
  std::vector<EventPtr> found;
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const EventPtr& event = ring_[(oldest_ + i) % ring_.size()];
    if (!type.empty() && event->event_type != type) continue;
    if (!aggregate_id.empty() && event->AggregateId() != aggregate_id) continue;
    found.push_back(event);
  }
  return found;
}

void RecentEvents::Remove(absl::FunctionRef<bool(const AnalyticsEvent& event)> which) {
  MutexLock lock(mutex_);
  // Oldest first again: there is room behind them then.
  std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(oldest_), ring_.end());
  oldest_ = 0;
  ring_.erase(std::remove_if(ring_.begin(), ring_.end(),
                             [&](const EventPtr& event) { return which(*event); }),
              ring_.end());
}

}  // namespace nerava::analytics
