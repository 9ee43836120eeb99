// Reads what a period is made of.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "lib/kpi/accumulator.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// What a period is told apart by.
enum class Detail : std::uint8_t {
  kRegion,  // hubs and windows may come together, as empty
  kHubAndWindow,
};

// Gives every part of the period that matches to the Accumulator that `choose` names for its region,
// hub and window. From whole days, hours and quarters of an hour, and facts at the two ragged ends,
// where the store keeps them; from the events of the period where it does not. The same sums either
// way.
absl::Status ScanPeriod(
    ReadTransaction& transaction, const KpiQuery& query, Detail detail,
    absl::FunctionRef<Accumulator&(std::string_view region, std::string_view hub_id,
                                   std::string_view window_id)>
        choose);

// All of it as one.
absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query);

}  // namespace nerava::analytics
