// Answers a KPI query inside one transaction.
#pragma once

#include "absl/status/statusor.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// From whole days, then hours, then minutes, then events at the two ragged ends, where the store keeps
// aggregates; from the events of the period where it does not. The same answer either way.
absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query);

}  // namespace nerava::analytics
