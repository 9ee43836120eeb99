// Sums of what nobody vouches for.
#pragma once

#include "absl/status/status.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics {

// DataLoss when the sum is beyond what honest events can add up to; KPIs computed from it might
// overflow.
absl::Status AddChecked(const Totals& added, Totals* sum);

}  // namespace nerava::analytics
