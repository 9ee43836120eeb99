// Sums of what nobody vouches for.
#pragma once

#include "absl/status/status.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics {

// Whether it is of money or energy, and not a count.
constexpr bool IsAmount(const Totals::Field& field) {
  return field.member == &Totals::reward_microusd || field.member == &Totals::energy_mwh ||
         field.member == &Totals::owed_microusd || field.member == &Totals::credited_cents;
}

// DataLoss when the sum is beyond what honest events can add up to; KPIs computed from it might
// overflow.
absl::Status AddChecked(const Totals& added, Totals* sum);

}  // namespace nerava::analytics
