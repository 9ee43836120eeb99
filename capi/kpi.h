// KPI queries and summaries as C structs.
#pragma once

#include <string>

#include "capi/boundary.h"
#include "capi/nerava_analytics.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/people.h"

namespace nerava::analytics::capi {

KpiQuery ToQuery(const KpiCalculator& calculator, const nva_kpi_query* query);
// Of a question that looks back from a moment.
PeopleQuery ToPeopleQuery(const nva_kpi_query* query, std::string time_zone);
nva_kpi_summary ToSummary(const KpiSummary& kpi);

inline std::int32_t ToC(AnswerGrain grain) { return static_cast<std::int32_t>(grain); }

template <typename Struct>
Struct WithPeriod(const AnsweredPeriod& period) {
  Struct result{};
  result.grain = ToC(period.grain);
  result.from_us = ToMicros(period.from);
  result.to_us = ToMicros(period.to);
  result.period_days = period.days();
  return result;
}

}  // namespace nerava::analytics::capi
