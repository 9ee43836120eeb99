// What replay says at the end: counts and KPI tables, as text or as JSON.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/replay/replayer.h"
#include "nerava/analytics/batch_writer.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/pipeline.h"

namespace nerava::examples {

// The four groups of one period, and how long each took to answer.
struct TimedKpis {
  int days = 0;  // 0: the period covered
  analytics::AllKpis kpis;
  std::array<absl::Duration, 4> elapsed;
};

struct Report {
  std::string input;
  std::string store;
  std::string outcome;  // "complete", "interrupted", or the error
  ReplayCounts counts;
  analytics::BatchWriterStats writer;
  absl::Duration duration;
  analytics::KpiFilter filter;
  std::vector<TimedKpis> periods;  // the one covered first; empty when nothing was published
};

absl::StatusOr<TimedKpis> Measure(const analytics::Pipeline& pipeline,
                                  const analytics::KpiQuery& query, int days);

std::string ToText(const Report& report);
std::string ToJson(const Report& report);

}  // namespace nerava::examples
