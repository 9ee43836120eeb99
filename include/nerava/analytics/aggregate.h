// What a store keeps ready so that a KPI need not read events: totals and user sets by bucket.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/totals.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics {

// Stored values; never renumber.
enum class Grain : std::uint8_t {
  kMinute = 0,  // a minute by region; hub and window are empty
  kHour = 1,    // an hour by region; hub and window are empty
  kDay = 2,     // a UTC day by region; hub and window are empty
  kCell = 3,    // a UTC day by region, hub and window
};

// How long a bucket of the grain lasts. Buckets begin at multiples of it since 1970, UTC.
absl::Duration BucketWidth(Grain grain);

struct AggregateKey {
  Grain grain = Grain::kMinute;
  std::int64_t bucket = 0;  // begin of the bucket, seconds since 1970
  std::string region = {};
  std::string hub_id;     // empty: sessions without one (kCell), or all (other grains)
  std::string window_id;  // the same
  friend auto operator<=>(const AggregateKey&, const AggregateKey&) = default;
};

// A change to one aggregate: what to add to the totals, and sessions to add to users' counts.
struct AggregateDelta {
  AggregateKey key;
  Totals totals;
  std::vector<std::pair<std::string, std::int64_t>> users;  // user_id, sessions; each once
};

// Restricts a KPI; empty = all.
struct KpiFilter {
  std::string region = {};
  std::string hub_id = {};
  std::string window_id = {};
};

}  // namespace nerava::analytics
