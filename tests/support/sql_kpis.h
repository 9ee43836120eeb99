// The definitions of docs/kpis.md once more, as SQL over the analytics_events view: what an analyst
// would write by hand. The slow reference that the library is held against.
#pragma once

#include <string>

#include "nerava/analytics/kpi.h"

namespace nerava::analytics::testing {

// Opens the SQLite file on its own; throws std::runtime_error when SQLite fails.
KpiSummary SummarizeBySql(const std::string& file, const KpiQuery& query);

}  // namespace nerava::analytics::testing
