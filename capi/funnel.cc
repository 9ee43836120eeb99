#include "nerava/analytics/funnel.h"

#include <utility>

#include "capi/boundary.h"
#include "capi/handles.h"
#include "capi/kpi.h"
#include "capi/report.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::Funnel;
using nerava::analytics::FunnelQuery;
using nerava::analytics::FunnelRow;
using nerava::analytics::KpiCalculator;
using nerava::analytics::KpiQuery;

namespace {

FunnelQuery ToFunnelQuery(const KpiCalculator& calculator, const nva_kpi_query* query,
                          std::int64_t conversion_window_ms, std::int64_t abandon_after_ms) {
  KpiQuery asked = ToQuery(calculator, query);
  FunnelQuery funnel{asked.period, std::move(asked.filter)};
  funnel.conversion_window = ToDuration(conversion_window_ms, funnel.conversion_window);
  funnel.abandon_after = ToDuration(abandon_after_ms, funnel.abandon_after);
  return funnel;
}

std::int64_t ToMicrosOrNone(const std::optional<absl::Duration>& duration) {
  return duration ? absl::ToInt64Microseconds(*duration) : NVA_TIME_NONE;
}

nva_funnel ToStruct(const Funnel& funnel) {
  auto result = WithPeriod<nva_funnel>(funnel.period);
  result.sessions_started = funnel.sessions_started;
  result.sessions_completed = funnel.sessions_completed;
  result.sessions_credited = funnel.sessions_credited;
  result.sessions_late = funnel.sessions_late;
  result.sessions_running = funnel.sessions_running;
  result.sessions_abandoned = funnel.sessions_abandoned;
  result.orphan_stops = funnel.orphan_stops;
  result.completion_rate = funnel.completion_rate;
  result.credit_rate = funnel.credit_rate;
  result.median_time_to_complete_us = ToMicrosOrNone(funnel.median_time_to_complete);
  result.p90_time_to_complete_us = ToMicrosOrNone(funnel.p90_time_to_complete);
  result.median_time_to_credit_us = ToMicrosOrNone(funnel.median_time_to_credit);
  result.p90_time_to_credit_us = ToMicrosOrNone(funnel.p90_time_to_credit);
  result.rewards_granted_usd = funnel.rewards_granted_usd;
  result.rewards_owed_usd = funnel.rewards_owed_usd;
  return result;
}

}  // namespace

nva_status nva_kpi_funnel(nva_kpi* kpi, const nva_kpi_query* query, int64_t conversion_window_ms,
                          int64_t abandon_after_ms, nva_funnel* result, uint32_t struct_size) {
  return Guarded([&] {
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const auto asked = ToFunnelQuery(calculator, query, conversion_window_ms, abandon_after_ms);
    Write(ToStruct(Value(calculator.GetFunnel(asked))), result, struct_size, "result");
  });
}

nva_status nva_kpi_funnel_json(nva_kpi* kpi, const nva_kpi_query* query,
                               int64_t conversion_window_ms, int64_t abandon_after_ms,
                               char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const auto asked = ToFunnelQuery(calculator, query, conversion_window_ms, abandon_after_ms);
    out = Duplicate(ToJson(Value(calculator.GetFunnel(asked))));
  });
}

nva_status nva_kpi_funnel_breakdown(nva_kpi* kpi, const nva_kpi_query* query,
                                    int64_t conversion_window_ms, int64_t abandon_after_ms,
                                    nva_dimension dimension, uint64_t top, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const auto asked = ToFunnelQuery(calculator, query, conversion_window_ms, abandon_after_ms);
    handle = NewReport(Value(calculator.GetFunnelBreakdown(asked, ToDimension(dimension), top)),
                       &FunnelRow::funnel);
  });
}

nva_status nva_kpi_funnel_breakdown_json(nva_kpi* kpi, const nva_kpi_query* query,
                                         int64_t conversion_window_ms, int64_t abandon_after_ms,
                                         nva_dimension dimension, uint64_t top, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const auto asked = ToFunnelQuery(calculator, query, conversion_window_ms, abandon_after_ms);
    out =
        Duplicate(ToJson(Value(calculator.GetFunnelBreakdown(asked, ToDimension(dimension), top))));
  });
}

nva_status nva_report_funnel_at(const nva_report* report, uint64_t index, nva_funnel* funnel,
                                uint32_t struct_size) {
  return Guarded(
      [&] { Write(ToStruct(ContentAt<Funnel>(report, index)), funnel, struct_size, "funnel"); });
}
