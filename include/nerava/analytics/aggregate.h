// What a store keeps ready so that a KPI need not read events: facts, and totals and user sets of them
// by bucket.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/totals.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics {

// What one moment adds to the totals: the start of a session, its stop, a credit, an event too many.
// When later events make it another, a further fact of the same moment says the difference; so facts
// are only ever added, and may be negative. The views live as long as whoever gives them says.
struct Fact {
  absl::Time time;  // whole microseconds
  std::string_view region;
  std::string_view hub_id;
  std::string_view window_id;
  std::string_view user_id;        // at the stop of a session with a user, for the user sets
  std::int64_t user_sessions = 0;  // what it adds to the user's
  Totals totals;
  // Those of totals.total_sessions took the same energy each.
  // How long after the start the sessions of totals.sessions_completed and _credited stopped, which is
  // there if and only if one of these is not 0; and those of sessions_credited had their first
  // credit, which may be before the start.
  std::optional<absl::Duration> time_to_stop = {};
  std::optional<absl::Duration> time_to_credit = {};
};

// Stored values; never renumber.
enum class Grain : std::uint8_t {
  kFiveMinutes = 0,  // by region; hub and window are empty
  kHour = 1,         // an hour by region; hub and window are empty
  kDay = 2,          // a UTC day by region; hub and window are empty
  kCell = 3,         // a UTC day by region, hub and window
  // Sixteen UTC days: sums of kDay and of kCell, of days that are over. A store may keep them, see
  // AggregateTable::Blocks; they are no deltas of a commit.
  kBlock = 4,      // by region
  kCellBlock = 5,  // by region, hub and window
};

// How long a bucket of the grain lasts. Buckets begin at multiples of it since 1970, UTC.
absl::Duration BucketWidth(Grain grain);

struct AggregateKey {
  Grain grain = Grain::kFiveMinutes;
  std::int64_t bucket = 0;  // begin of the bucket, seconds since 1970
  std::string region = {};
  std::string hub_id;     // empty: sessions without one (kCell), or all (other grains)
  std::string window_id;  // the same
  friend auto operator<=>(const AggregateKey&, const AggregateKey&) = default;
};

// One aggregate, as a store has it. The views are valid during the call that gives it.
struct AggregateRow {
  absl::Time begin;  // of the bucket
  std::string_view region;
  std::string_view hub_id;
  std::string_view window_id;
  Totals totals;
  std::string_view users;  // a UserSet, serialized; empty: nobody
};

// A change to one aggregate: what to add to the totals, and sessions to add to users' counts.
struct AggregateDelta {
  AggregateKey key;
  Totals totals;
  std::vector<std::pair<std::string, std::int64_t>> users;  // user_id, sessions; each once
};

// What a commit adds. The views point into the events that were projected.
struct Changes {
  std::vector<Fact> facts;
  std::vector<AggregateDelta> aggregates;
};

// Restricts a KPI; empty = all.
struct KpiFilter {
  std::string region = {};
  std::string hub_id = {};
  std::string window_id = {};
};

}  // namespace nerava::analytics
