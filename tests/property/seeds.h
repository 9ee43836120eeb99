// What property tests have in common: many seeds, and stores that random events go into.
//
// NERAVA_SEED=N runs one seed; NERAVA_SEEDS=N runs that many (default 300 a test).
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

inline constexpr absl::Duration kDay = absl::Hours(24);

inline void ForEachSeed(const std::function<void(std::uint64_t seed)>& body) {
  if (const char* seed = std::getenv("NERAVA_SEED"); seed != nullptr) {
    return body(std::stoull(seed));
  }
  const char* seeds = std::getenv("NERAVA_SEEDS");
  const std::uint64_t count = seeds != nullptr ? std::stoull(seeds) : 300;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    INFO("replay with NERAVA_SEED=" << seed);
    body(seed);
  }
}

inline std::shared_ptr<Store> Open(const std::string& url) {
  StoreOptions options;
  options.sqlite_partition_rows = 1000;
  auto store = OpenStore(url, options);
  REQUIRE(store.ok());
  return *store;
}

inline CommitResult Commit(Store& store, const std::vector<EventPtr>& batch) {
  auto result = CommitBatch(store, batch, absl::FromUnixSeconds(1'780'000'000));
  INFO(result.status().ToString());
  REQUIRE(result.ok());
  return *result;
}

inline Horizons KeptFrom(Store& store) {
  Horizons kept_from;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                kept_from = transaction.kept_from();
                return absl::OkStatus();
              })
              .ok());
  return kept_from;
}

inline EventCounts Count(Store& store) {
  EventCounts counts;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                auto counted = transaction.CountEvents();
                REQUIRE(counted.ok());
                counts = *counted;
                return absl::OkStatus();
              })
              .ok());
  return counts;
}

// Of each session only what happened within a day of its first event: a store that drops takes events
// for a day less than it keeps them, so that these are counted exactly.
inline std::vector<EventPtr> WithoutLongSessions(std::vector<EventPtr> events) {
  std::map<std::string, absl::Time> first;
  for (const EventPtr& event : events) {
    const auto [known, is_new] = first.emplace(event->session_id, event->time);
    known->second = std::min(known->second, event->time);
  }
  std::erase_if(events, [&](const EventPtr& event) {
    return !event->session_id.empty() && event->time > first[event->session_id] + kDay;
  });
  return events;
}

// Days that SQLite has added up, so that it is seen that some are.
inline std::int64_t DaysInBlocks(Store& store) {
  std::int64_t days = 0;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                const auto blocks = transaction.aggregates()->Blocks();
                REQUIRE(blocks.ok());
                days = (blocks->second - blocks->first) / kDay;
                if (days > 0) REQUIRE(blocks->first >= transaction.kept_from().days);
                return absl::OkStatus();
              })
              .ok());
  return days;
}

}  // namespace nerava::analytics
