// The events that wait to be committed, oldest first.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "lib/base/mutex.h"
#include "lib/journal/segment_list.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

struct QueuedEvent {
  EventPtr event;
  JournalSegment* segment = nullptr;  // null without a journal
  std::uint64_t number = 0;           // in the order of acceptance
  SteadyTime accepted_at;
};

// A ring that grows. One thread at a time.
class EventQueue {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const QueuedEvent& front() const { return ring_[first_]; }
  const QueuedEvent& operator[](std::size_t i) const { return ring_[Slot(i)]; }

  // So that events up to this many can be pushed without a failure.
  void Reserve(std::size_t capacity) {
    if (capacity <= ring_.size()) return;
    std::vector<QueuedEvent> larger(std::bit_ceil(std::max<std::size_t>(capacity, 64)));
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(ring_[Slot(i)]);
    ring_ = std::move(larger);
    first_ = 0;
  }

  void Push(QueuedEvent event) { ring_[Slot(size_++)] = std::move(event); }

  QueuedEvent Pop() {
    QueuedEvent event = std::exchange(ring_[first_], {});
    first_ = Slot(1);
    --size_;
    return event;
  }

  // Back to where it was taken from.
  void PutBack(QueuedEvent event) {
    first_ = Slot(ring_.size() - 1);
    ring_[first_] = std::move(event);
    ++size_;
  }

 private:
  std::size_t Slot(std::size_t i) const { return (first_ + i) & (ring_.size() - 1); }

  std::vector<QueuedEvent> ring_;  // a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace nerava::analytics
