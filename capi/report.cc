#include "nerava/analytics/report.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "capi/boundary.h"
#include "capi/handles.h"
#include "capi/kpi.h"
#include "capi/report.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::Breakdown;
using nerava::analytics::BreakdownRow;
using nerava::analytics::Comparison;
using nerava::analytics::Dimension;
using nerava::analytics::Interval;
using nerava::analytics::KpiCalculator;
using nerava::analytics::KpiQuery;
using nerava::analytics::KpiSummary;
using nerava::analytics::Trend;

namespace {

Trend AskTrend(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
               nva_string time_zone) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  const Interval asked_interval = ToInterval(interval);
  KpiQuery asked = ToQuery(calculator, query);
  return Value(calculator.GetTrend(
      {asked.period, std::move(asked.filter), asked_interval, ToTimeZone(time_zone)}));
}

Breakdown AskBreakdown(nva_kpi* kpi, const nva_kpi_query* query, nva_dimension dimension,
                       std::uint64_t top) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  const Dimension asked_dimension = ToDimension(dimension);
  KpiQuery asked = ToQuery(calculator, query);
  return Value(
      calculator.GetBreakdown({asked.period, std::move(asked.filter), asked_dimension, top}));
}

Comparison AskComparison(nva_kpi* kpi, const nva_kpi_query* query) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  return Value(calculator.Compare(ToQuery(calculator, query)));
}

}  // namespace

namespace nerava::analytics::capi {

const nva_report::Row& RowAt(const nva_report* report, std::uint64_t index) {
  const auto& rows = Require(report, "report").rows;
  if (index >= rows.size()) {
    Fail("the report has no row of this index; see nva_report_size");
  }
  return rows[index];
}

Interval ToInterval(nva_interval interval) {
  if (interval < NVA_INTERVAL_HOUR || interval > NVA_INTERVAL_MONTH) {
    Fail("interval is no NVA_INTERVAL_...");
  }
  return static_cast<Interval>(interval);
}

Dimension ToDimension(nva_dimension dimension) {
  if (dimension < NVA_DIMENSION_REGION || dimension > NVA_DIMENSION_WINDOW) {
    Fail("dimension is no NVA_DIMENSION_...");
  }
  return static_cast<Dimension>(dimension);
}

std::string ToTimeZone(nva_string time_zone) {
  return time_zone.size > 0 ? Text(time_zone, "time_zone") : "UTC";
}

absl::Duration ToDuration(std::int64_t ms, absl::Duration by_default) {
  return ms == 0 ? by_default : absl::Milliseconds(ms);
}

}  // namespace nerava::analytics::capi

nva_status nva_kpi_trend(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
                         nva_string time_zone, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    auto report = std::make_unique<nva_report>();
    for (auto& bucket : AskTrend(kpi, query, interval, time_zone).buckets) {
      report->rows.push_back(
          {bucket.bucket, bucket.complete, {}, 0, bucket.summary.period.grain, bucket.summary});
    }
    handle = report.release();
  });
}

nva_status nva_kpi_trend_json(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
                              nva_string time_zone, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskTrend(kpi, query, interval, time_zone)));
  });
}

nva_status nva_kpi_breakdown(nva_kpi* kpi, const nva_kpi_query* query, nva_dimension dimension,
                             uint64_t top, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    handle = NewReport(AskBreakdown(kpi, query, dimension, top), &BreakdownRow::summary);
  });
}

nva_status nva_kpi_breakdown_json(nva_kpi* kpi, const nva_kpi_query* query, nva_dimension dimension,
                                  uint64_t top, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskBreakdown(kpi, query, dimension, top)));
  });
}

nva_status nva_kpi_compare(nva_kpi* kpi, const nva_kpi_query* query, nva_kpi_summary* current,
                           nva_kpi_summary* previous, uint32_t struct_size) {
  return Guarded([&] {
    const Comparison comparison = AskComparison(kpi, query);
    Write(ToSummary(comparison.current), current, struct_size, "current");
    Write(ToSummary(comparison.previous), previous, struct_size, "previous");
  });
}

nva_status nva_kpi_compare_json(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskComparison(kpi, query)));
  });
}

uint64_t nva_report_size(const nva_report* report) {
  return report != nullptr ? report->rows.size() : 0;
}

nva_status nva_report_row_at(const nva_report* report, uint64_t index, nva_report_row* row,
                             uint32_t struct_size) {
  return Guarded([&] {
    const nva_report::Row& found = RowAt(report, index);
    nva_report_row result{};
    result.complete = found.complete ? 1 : 0;
    result.from_us = ToMicros(found.period.from);
    result.to_us = ToMicros(found.period.to);
    result.name = Borrow(found.name);
    result.others = found.others;
    result.grain = ToC(found.grain);
    Write(result, row, struct_size, "row");
  });
}

nva_status nva_report_summary_at(const nva_report* report, uint64_t index, nva_kpi_summary* summary,
                                 uint32_t struct_size) {
  return Guarded([&] {
    Write(ToSummary(ContentAt<KpiSummary>(report, index)), summary, struct_size, "summary");
  });
}

void nva_report_free(nva_report* report) { delete report; }
