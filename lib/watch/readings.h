// What a watch sees: the value of its KPI, by group.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics {

struct Reading {
  std::optional<double> value = {};  // absent: nothing is known
  std::int64_t sample = 0;
  std::string detail = {};  // for the message
};

// By hub, region or window; "" for all, or for none.
using Readings = std::map<std::string, Reading>;

// Whether the KPI can be watched so; else InvalidArgument, which names all for one that there is not.
absl::Status CheckKpi(const Watch& watch);

// At `now`. Of the groups those of the period, and of the one before when that matters.
absl::StatusOr<Readings> Read(const KpiCalculator& kpis, const Watch& watch, absl::Time now);

}  // namespace nerava::analytics
