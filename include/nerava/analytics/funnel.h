// The conversion funnel in depth: how long its steps take, what is still open, and what is owed. What
// each number means is in docs/kpis.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

struct FunnelQuery {
  Period period;
  KpiFilter filter = {};
  // A step counts only when it came within this of the start. Default: whenever it came. At least 0.
  absl::Duration conversion_window = absl::InfiniteDuration();
  // So long after its start a session that has not completed is abandoned; until then it is running.
  // Default 24 h. At least 0.
  absl::Duration abandon_after = absl::Hours(24);
};

// Times are nearest-rank percentiles; absent over nothing.
struct Funnel {
  AnsweredPeriod period;
  // sessions_started = completed + late + running + abandoned.
  std::int64_t sessions_started = 0;
  std::int64_t sessions_completed = 0;  // within the conversion window
  std::int64_t sessions_credited = 0;   // of those, also within it
  std::int64_t sessions_late = 0;       // completed after it
  std::int64_t sessions_running = 0;
  std::int64_t sessions_abandoned = 0;
  std::int64_t orphan_stops = 0;
  double completion_rate = 0;  // percent of the started
  double credit_rate = 0;      // percent of the completed
  // From the start to the stop, of the completed.
  std::optional<absl::Duration> median_time_to_complete = {};
  std::optional<absl::Duration> p90_time_to_complete = {};
  // From the stop to the first credit, of the credited; 0 when that came before the stop.
  std::optional<absl::Duration> median_time_to_credit = {};
  std::optional<absl::Duration> p90_time_to_credit = {};
  // Of the sessions that stopped in the period, whenever they were credited.
  double rewards_granted_usd = 0;
  double rewards_owed_usd = 0;
};

struct FunnelRow {
  std::string name;  // as in BreakdownRow
  Funnel funnel;
};

struct FunnelBreakdown {
  AnsweredPeriod period;
  Dimension dimension = Dimension::kHub;
  std::vector<FunnelRow> rows;  // in the order of Breakdown::rows
  std::size_t others = 0;       // how many are in `other`
  Funnel other;
};

// Durations in seconds.
std::string ToJson(const Funnel& funnel);
std::string ToJson(const FunnelBreakdown& breakdown);

}  // namespace nerava::analytics
