// When and how hard chargers work: by the hour of the week, and how long and how much sessions charge.
// What each number means is in docs/kpis.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

struct LoadQuery {
  Period period;
  KpiFilter filter = {};
  std::string time_zone = "UTC";  // a name of the IANA database
  // So long after its start at most a session takes part in concurrency. Default 24 h; 0..7 days.
  absl::Duration longest_session = absl::Hours(24);
};

// One hour of the local week, over all weeks of the period.
struct LoadCell {
  std::int64_t sessions_started = 0;
  std::int64_t total_sessions = 0;  // that stopped in this hour
  double energy_kwh = 0;            // of these
  double avg_concurrency = 0;       // sessions at a time, over the moments up to now
  std::int64_t peak_concurrency = 0;
};

struct Load {
  static constexpr std::size_t kHours = 7 * 24;
  AnsweredPeriod period;
  std::array<LoadCell, kHours> cells;  // from Monday, 0 o'clock
};

struct LoadRow {
  std::string name;  // as in BreakdownRow
  Load load;
};

struct LoadBreakdown {
  AnsweredPeriod period;
  Dimension dimension = Dimension::kHub;
  std::vector<LoadRow> rows;  // in the order of Breakdown::rows
  std::size_t others = 0;     // how many are in `other`
  Load other;
};

struct SizesQuery {
  Period period;
  KpiFilter filter = {};
  absl::Duration length_bin = absl::Minutes(30);  // 1 s..7 days
  std::int64_t energy_bin_mwh = 5'000'000;        // 5 kWh; 1 Wh..1 MWh
};

// How sizes are spread. Percentiles are nearest-rank; 0 over nothing.
struct Sizes {
  static constexpr std::size_t kMaxBins = 100;
  std::int64_t sessions = 0;
  double p10 = 0;
  double median = 0;
  double p90 = 0;
  double max = 0;
  double bin = 0;
  std::vector<std::int64_t>
      bins;  // sessions in [i * bin, (i + 1) * bin); the 100th also of all above
};

struct SessionSizes {
  AnsweredPeriod period;
  Sizes length_minutes;  // of the completed sessions that started in the period
  Sizes energy_kwh;      // of the sessions with some that stopped in it
};

std::string ToJson(const Load& load);
std::string ToJson(const LoadBreakdown& breakdown);
std::string ToJson(const SessionSizes& sizes);

}  // namespace nerava::analytics
