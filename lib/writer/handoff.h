// What stands between BatchWriter::Write() and the thread that commits.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

// A queue that forgets an event only once it is acknowledged as safely done. Not thread-safe: the
// writer calls it under its lock, so that what waits and what is counted never disagree.
class Handoff {
 public:
  virtual ~Handoff() = default;

  // Appends. ResourceExhausted when there is no room now; nothing is kept then.
  virtual absl::Status Offer(const EventPtr& event) = 0;

  // The oldest events, at most `n`, oldest first. They stay, and the next call gives them again.
  virtual std::vector<EventPtr> Oldest(std::size_t n) const = 0;

  // The oldest `n` are done, `n` <= size().
  virtual void Acknowledge(std::size_t n) = 0;

  // Events that are not acknowledged.
  virtual std::size_t size() const = 0;
};

// Keeps them in memory: gone with the process.
class MemoryHandoff final : public Handoff {
 public:
  explicit MemoryHandoff(std::size_t capacity) : capacity_(capacity) {}

  absl::Status Offer(const EventPtr& event) override;
  std::vector<EventPtr> Oldest(std::size_t n) const override;
  void Acknowledge(std::size_t n) override;
  std::size_t size() const override { return events_.size(); }

 private:
  const std::size_t capacity_;
  std::deque<EventPtr> events_;
};

}  // namespace nerava::analytics
