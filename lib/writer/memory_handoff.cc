#include <algorithm>

#include "fmt/format.h"
#include "lib/writer/handoff.h"

namespace nerava::analytics {

absl::Status MemoryHandoff::Offer(const EventPtr& event) {
  if (events_.size() >= capacity_) {
    return absl::ResourceExhaustedError(fmt::format("{} events wait already", capacity_));
  }
  events_.push_back(event);
  return absl::OkStatus();
}

std::vector<EventPtr> MemoryHandoff::Oldest(std::size_t n) const {
  const auto count = static_cast<std::ptrdiff_t>(std::min(n, events_.size()));
  return {events_.begin(), events_.begin() + count};
}

void MemoryHandoff::Acknowledge(std::size_t n) {
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(n));
}

}  // namespace nerava::analytics
