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
  // The world begins at a UTC day and is some days long.
  static constexpr absl::Time kBegin = absl::FromUnixSeconds(1'772'236'800);  // 2026-02-28
  explicit RandomEvents(std::uint64_t seed, absl::Time begin = kBegin, int days = 4)
      : random_(seed), begin_(begin), days_(days) {}

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

  // Often on an edge of an hour or day, or where others are.
  absl::Time Moment();

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  bool OneIn(int n) { return Below(n) == 0; }

 private:
  std::string Id();

  std::mt19937_64 random_;
  const absl::Time begin_;
  const int days_;
};

}  // namespace nerava::analytics::testing
