// Random sets of events from a small world, so that everything collides: sessions with several
// starts, stops before starts, credits without sessions, equal times, times on the edges of hours
// and days, sessions that change user, hub and region between events.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/kpi.h"

namespace nerava::analytics::testing {

class RandomEvents {
 public:
  explicit RandomEvents(std::uint64_t seed) : random_(seed) {}

  // Distinct ids.
  std::vector<EventPtr> Distinct(int count);
  // `events` in random order with some repeated: as they are, with another time, or as a conflict
  // with another payload.
  std::vector<EventPtr> WithRepeats(std::vector<EventPtr> events);
  // Only in another order.
  std::vector<EventPtr> Shuffled(std::vector<EventPtr> events);
  // Cut into batches of random sizes.
  std::vector<std::vector<EventPtr>> Batches(const std::vector<EventPtr>& events);
  // A period that begins and ends anywhere, often on an edge or on an event; sometimes a filter.
  KpiQuery Query(const std::vector<EventPtr>& events);

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  bool OneIn(int n) { return Below(n) == 0; }

 private:
  absl::Time Moment();
  std::string Id();

  std::mt19937_64 random_;
};

}  // namespace nerava::analytics::testing
