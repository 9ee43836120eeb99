#include "nerava/analytics/load.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "capi/boundary.h"
#include "capi/handles.h"
#include "capi/kpi.h"
#include "capi/report.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::AnsweredPeriod;
using nerava::analytics::KpiCalculator;
using nerava::analytics::KpiQuery;
using nerava::analytics::Load;
using nerava::analytics::LoadCell;
using nerava::analytics::LoadQuery;
using nerava::analytics::LoadRow;
using nerava::analytics::SessionSizes;
using nerava::analytics::Sizes;
using nerava::analytics::SizesQuery;

namespace {

static_assert(Load::kHours == NVA_HOURS_OF_WEEK);
static_assert(Sizes::kMaxBins == NVA_MAX_BINS);

LoadQuery ToLoadQuery(const KpiCalculator& calculator, const nva_kpi_query* query,
                      nva_string time_zone, std::int64_t longest_session_ms) {
  KpiQuery asked = ToQuery(calculator, query);
  LoadQuery load{asked.period, std::move(asked.filter), ToTimeZone(time_zone)};
  load.longest_session = ToDuration(longest_session_ms, load.longest_session);
  return load;
}

SessionSizes AskSizes(nva_kpi* kpi, const nva_kpi_query* query, std::int64_t length_bin_ms,
                      std::int64_t energy_bin_mwh) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  KpiQuery asked = ToQuery(calculator, query);
  SizesQuery sizes{asked.period, std::move(asked.filter)};
  sizes.length_bin = ToDuration(length_bin_ms, sizes.length_bin);
  if (energy_bin_mwh != 0) sizes.energy_bin_mwh = energy_bin_mwh;
  return Value(calculator.GetSessionSizes(sizes));
}

nva_sizes ToStruct(const Sizes& sizes, const AnsweredPeriod& period) {
  nva_sizes result{};
  result.grain = ToC(period.grain);
  result.bin_count = static_cast<std::uint32_t>(sizes.bins.size());
  result.sessions = sizes.sessions;
  result.p10 = sizes.p10;
  result.median = sizes.median;
  result.p90 = sizes.p90;
  result.max = sizes.max;
  result.bin = sizes.bin;
  std::copy(sizes.bins.begin(), sizes.bins.end(), result.bins);
  return result;
}

}  // namespace

nva_status nva_kpi_load(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                        int64_t longest_session_ms, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const Load load =
        Value(calculator.GetLoad(ToLoadQuery(calculator, query, time_zone, longest_session_ms)));
    auto report = std::make_unique<nva_report>();
    report->rows.push_back({load.period, true, {}, 0, load.period.grain, Hold(load)});
    handle = report.release();
  });
}

nva_status nva_kpi_load_json(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                             int64_t longest_session_ms, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    out = Duplicate(ToJson(
        Value(calculator.GetLoad(ToLoadQuery(calculator, query, time_zone, longest_session_ms)))));
  });
}

nva_status nva_kpi_load_breakdown(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                  int64_t longest_session_ms, nva_dimension dimension, uint64_t top,
                                  nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const auto asked = ToLoadQuery(calculator, query, time_zone, longest_session_ms);
    handle = NewReport(Value(calculator.GetLoadBreakdown(asked, ToDimension(dimension), top)),
                       &LoadRow::load);
  });
}

nva_status nva_kpi_load_breakdown_json(nva_kpi* kpi, const nva_kpi_query* query,
                                       nva_string time_zone, int64_t longest_session_ms,
                                       nva_dimension dimension, uint64_t top, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    const auto asked = ToLoadQuery(calculator, query, time_zone, longest_session_ms);
    out = Duplicate(ToJson(Value(calculator.GetLoadBreakdown(asked, ToDimension(dimension), top))));
  });
}

nva_status nva_kpi_session_sizes(nva_kpi* kpi, const nva_kpi_query* query, int64_t length_bin_ms,
                                 int64_t energy_bin_mwh, nva_sizes* length, nva_sizes* energy,
                                 uint32_t struct_size) {
  return Guarded([&] {
    const SessionSizes sizes = AskSizes(kpi, query, length_bin_ms, energy_bin_mwh);
    Write(ToStruct(sizes.length_minutes, sizes.period), length, struct_size, "length");
    Write(ToStruct(sizes.energy_kwh, sizes.period), energy, struct_size, "energy");
  });
}

nva_status nva_kpi_session_sizes_json(nva_kpi* kpi, const nva_kpi_query* query,
                                      int64_t length_bin_ms, int64_t energy_bin_mwh, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskSizes(kpi, query, length_bin_ms, energy_bin_mwh)));
  });
}

nva_status nva_report_load_at(const nva_report* report, uint64_t index, uint32_t hour_of_week,
                              nva_load_cell* cell, uint32_t struct_size) {
  return Guarded([&] {
    if (hour_of_week >= Load::kHours) Fail("hour_of_week must be from 0 to 167");
    const auto& load = ContentAt<std::shared_ptr<const Load>>(report, index);
    const LoadCell& found = load->cells[hour_of_week];
    nva_load_cell result{};
    result.weekday = static_cast<std::int32_t>(hour_of_week / 24 + 1);
    result.hour = static_cast<std::int32_t>(hour_of_week % 24);
    result.sessions_started = found.sessions_started;
    result.total_sessions = found.total_sessions;
    result.energy_kwh = found.energy_kwh;
    result.avg_concurrency = found.avg_concurrency;
    result.peak_concurrency = found.peak_concurrency;
    Write(result, cell, struct_size, "cell");
  });
}
