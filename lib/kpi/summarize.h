// Answers a KPI query inside one transaction.
#pragma once

#include "absl/status/statusor.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// From whole days, hours and quarters of an hour, and facts at the two ragged ends, where the store keeps them; from the
// events of the period where it does not. The same answer either way.
absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query);

}  // namespace nerava::analytics
