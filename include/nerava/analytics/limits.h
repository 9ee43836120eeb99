// Limits that every event is checked against at the door. One place, so that the C ABI, Python and
// the documentation can quote the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace nerava::analytics {

inline constexpr std::size_t kMaxTypeBytes = 100;    // event types, with or without "analytics_"
inline constexpr std::size_t kMaxIdBytes = 100;      // every *_id field
inline constexpr std::size_t kMaxRegionBytes = 50;   // regions
inline constexpr std::size_t kMaxTextBytes = 1000;   // other text: labels, e-mail addresses, ...
inline constexpr std::size_t kMaxJsonBytes = 65536;  // one event as JSON
inline constexpr int kMaxJsonDepth = 32;             // nesting of that JSON, the event itself is 1

// Largest amount one event may carry: 1,000,000 USD, and 1,000,000 kWh. Both fit their integer
// units with room for nine million such events in one sum.
inline constexpr std::int64_t kMaxMicroUsd = 1'000'000'000'000;
inline constexpr std::int64_t kMaxCents = 100'000'000;
inline constexpr std::int64_t kMaxMilliwattHours = 1'000'000'000'000;

// An event may be stamped this far ahead of the producer's clock. Times before 1970 are refused.
inline constexpr absl::Duration kMaxFuture = absl::Minutes(5);

}  // namespace nerava::analytics
