// The sessions of some events, found the slow, obvious way: what reports are held against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/kpi.h"

namespace nerava::analytics::testing {

struct Session {
  std::optional<absl::Time> start;
  std::optional<absl::Time> stop;
  std::optional<absl::Time> credit;  // the first
  std::string region, hub_id, window_id, user_id;
  std::int64_t reward_microusd = 0;
  std::int64_t energy_mwh = 0;
  std::int64_t credited_cents = 0;

  bool Completed() const { return start && stop && *stop >= *start; }
  std::int64_t OwedMicrousd() const;
};

// Of events with distinct ids; credits without a session make none.
std::vector<Session> SessionsOf(const std::vector<EventPtr>& events);

// Those that match.
std::vector<Session> Filtered(const std::vector<Session>& sessions, const KpiFilter& filter);

// The local day of a moment, as a number of days.
std::int64_t LocalDay(absl::Time time, const absl::TimeZone& zone);

// By nearest rank; `values` in any order, not empty.
std::int64_t NearestRank(std::vector<std::int64_t> values, int percent);

}  // namespace nerava::analytics::testing
