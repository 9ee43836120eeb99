// What property tests have in common: many seeds, and stores that random events go into.
//
// NERAVA_SEED=N runs one seed; NERAVA_SEEDS=N runs that many (default 300 a test).
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

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

}  // namespace nerava::analytics
