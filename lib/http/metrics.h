// The pipeline's counters and headline KPIs for Prometheus.
#pragma once

#include <string>

#include "nerava/analytics/pipeline.h"

namespace nerava::analytics::http {

// `stored`: whether health.stats.stored could be read. What cannot be computed is left out.
std::string MetricsText(const Health& health, bool stored, const BatchWriterOptions& options,
                        const KpiCalculator& kpis);

}  // namespace nerava::analytics::http
