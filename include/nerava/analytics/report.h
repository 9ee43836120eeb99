// KPIs over time, side by side, and beside the time before. What each number means is in docs/kpis.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nerava/analytics/kpi.h"

namespace nerava::analytics {

// Of the local calendar. Weeks begin on Monday.
enum class Interval : std::uint8_t { kHour = 0, kDay = 1, kWeek = 2, kMonth = 3 };
enum class Dimension : std::uint8_t { kRegion = 0, kHub = 1, kWindow = 2 };

struct TrendQuery {
  Period period;
  KpiFilter filter = {};
  Interval interval = Interval::kDay;
  std::string time_zone = "UTC";  // a name of the IANA database: "Europe/Berlin"
};

struct TrendBucket {
  Period bucket;         // all of it
  bool complete = true;  // whether all of it lies in the trend's period
  KpiSummary summary;    // over the part that does
};

struct Trend {
  AnsweredPeriod period;  // its grain: the coarsest of the buckets
  Interval interval = Interval::kDay;
  std::string time_zone;
  std::vector<TrendBucket> buckets;  // without gaps, oldest first
  static constexpr std::size_t kMaxBuckets = 10'000;
};

struct BreakdownQuery {
  Period period;
  KpiFilter filter = {};
  Dimension dimension = Dimension::kHub;
  std::size_t top = 10;  // rows; the rest come together as `other`. 0: all
};

struct BreakdownRow {
  std::string name;  // empty: sessions without a hub or window, and credits without a session
  KpiSummary summary;
};

struct Breakdown {
  AnsweredPeriod period;
  Dimension dimension = Dimension::kHub;
  std::vector<BreakdownRow> rows;  // most total_sessions first, then sessions_started, then by name
  std::size_t others = 0;          // how many are in `other`
  KpiSummary other;                // each of their users once
};

// A period and as long a one right before it.
struct Comparison {
  KpiSummary current;
  KpiSummary previous;
};

// Every KPI of a summary by its name, and the period. In a comparison also "change": by how many
// percent each is above the previous one; null when that is 0 and the current one is not.
std::string ToJson(const KpiSummary& summary);
std::string ToJson(const Trend& trend);
std::string ToJson(const Breakdown& breakdown);
std::string ToJson(const Comparison& comparison);

}  // namespace nerava::analytics
