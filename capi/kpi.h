// KPI queries and summaries as C structs.
#pragma once

#include "capi/nerava_analytics.h"
#include "nerava/analytics/kpi.h"

namespace nerava::analytics::capi {

KpiQuery ToQuery(const KpiCalculator& calculator, const nva_kpi_query* query);
nva_kpi_summary ToSummary(const KpiSummary& kpi);

}  // namespace nerava::analytics::capi
