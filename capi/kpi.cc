#include "capi/kpi.h"

#include "capi/boundary.h"
#include "capi/handles.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::ConversionFunnel;
using nerava::analytics::GreenHourUtilization;
using nerava::analytics::KpiCalculator;
using nerava::analytics::KpiSummary;
using nerava::analytics::Period;
using nerava::analytics::RevenueMetrics;
using nerava::analytics::StreakMetrics;
using nerava::analytics::Totals;

namespace {

nva_conversion_funnel ToStruct(const ConversionFunnel& kpi) {
  auto result = WithPeriod<nva_conversion_funnel>(kpi.period);
  result.sessions_started = kpi.sessions_started;
  result.sessions_completed = kpi.sessions_completed;
  result.sessions_credited = kpi.sessions_credited;
  result.orphan_stops = kpi.orphan_stops;
  result.completion_rate = kpi.completion_rate;
  result.credit_rate = kpi.credit_rate;
  return result;
}

nva_green_hour_utilization ToStruct(const GreenHourUtilization& kpi) {
  auto result = WithPeriod<nva_green_hour_utilization>(kpi.period);
  result.active_window_sessions = kpi.active_window_sessions;
  result.total_sessions = kpi.total_sessions;
  result.utilization_rate = kpi.utilization_rate;
  result.avg_reward_usd = kpi.avg_reward_usd;
  return result;
}

nva_streak_metrics ToStruct(const StreakMetrics& kpi) {
  auto result = WithPeriod<nva_streak_metrics>(kpi.period);
  result.unique_users = kpi.unique_users;
  result.total_sessions = kpi.total_sessions;
  result.sessions_per_user = kpi.sessions_per_user;
  result.avg_reward_usd = kpi.avg_reward_usd;
  return result;
}

nva_revenue_metrics ToStruct(const RevenueMetrics& kpi) {
  auto result = WithPeriod<nva_revenue_metrics>(kpi.period);
  result.total_rewards_usd = kpi.total_rewards_usd;
  result.total_sessions = kpi.total_sessions;
  result.avg_reward_usd = kpi.avg_reward_usd;
  result.energy_kwh = kpi.energy_kwh;
  result.credited_usd = kpi.credited_usd;
  return result;
}

// Asks the calculator's `kGet` and fills the caller's struct.
template <auto kGet, typename Struct>
nva_status GetStruct(nva_kpi* kpi, const nva_kpi_query* query, Struct* result,
                     uint32_t struct_size) {
  return Guarded([&] {
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    Write(ToStruct(Value((calculator.*kGet)(ToQuery(calculator, query)))), result, struct_size,
          "result");
  });
}

template <auto kGet>
nva_status GetJson(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    out = Duplicate(ToJson(Value((calculator.*kGet)(ToQuery(calculator, query)))));
  });
}

}  // namespace

namespace nerava::analytics::capi {

namespace {

KpiFilter ToFilter(const nva_kpi_query& query) {
  return {Text(query.region, "query->region"), Text(query.hub_id, "query->hub_id"),
          Text(query.window_id, "query->window_id")};
}

}  // namespace

KpiQuery ToQuery(const KpiCalculator& calculator, const nva_kpi_query* query) {
  const nva_kpi_query given = Read(query, "query");
  const bool has_from = given.from_us != NVA_TIME_NONE;
  const bool has_to = given.to_us != NVA_TIME_NONE;
  if (given.days != 0 && !has_from && !has_to) {
    return Value(calculator.LastDays(given.days, ToFilter(given)));
  }
  if (given.days != 0 || !has_from || !has_to) {
    Fail("query needs a period: either days, or both from_us and to_us");
  }
  return {{FromMicros(given.from_us), FromMicros(given.to_us)}, ToFilter(given)};
}

PeopleQuery ToPeopleQuery(const nva_kpi_query* query, std::string time_zone) {
  const nva_kpi_query given = Read(query, "query");
  if (given.days != 0 || given.from_us != NVA_TIME_NONE) {
    Fail("query must have no days and no from_us here: it looks back from to_us");
  }
  PeopleQuery people{{}, ToFilter(given), std::move(time_zone)};
  if (given.to_us != NVA_TIME_NONE) people.at = FromMicros(given.to_us);
  return people;
}

nva_kpi_summary ToSummary(const KpiSummary& kpi) {
  auto result = WithPeriod<nva_kpi_summary>(kpi.period);
  const Totals& totals = kpi.totals;
  result.unique_users = kpi.unique_users;
  result.sessions_started = totals.sessions_started;
  result.sessions_completed = totals.sessions_completed;
  result.sessions_credited = totals.sessions_credited;
  result.orphan_stops = totals.orphan_stops;
  result.total_sessions = totals.total_sessions;
  result.active_window_sessions = totals.active_window_sessions;
  result.sessions_with_user = totals.sessions_with_user;
  result.sessions_with_reward = totals.sessions_with_reward;
  result.reward_microusd = totals.reward_microusd;
  result.energy_mwh = totals.energy_mwh;
  result.credited_cents = totals.credited_cents;
  result.extra_events = totals.extra_events;
  result.owed_microusd = totals.owed_microusd;
  return result;
}

}  // namespace nerava::analytics::capi

nva_status nva_kpi_query_init(nva_kpi_query* query, uint32_t struct_size) {
  return Guarded([&] {
    nva_kpi_query empty{};
    empty.from_us = NVA_TIME_NONE;
    empty.to_us = NVA_TIME_NONE;
    Write(empty, query, struct_size, "query");
  });
}

nva_status nva_kpi_open(nva_store* store, nva_string region, nva_kpi** out) {
  return Guarded([&] {
    nva_kpi*& handle = Out(out);
    handle = new nva_kpi{std::make_shared<const KpiCalculator>(Require(store, "store").impl,
                                                               Text(region, "region"))};
  });
}

void nva_kpi_free(nva_kpi* kpi) { delete kpi; }

nva_status nva_kpi_summarize(nva_kpi* kpi, const nva_kpi_query* query, nva_kpi_summary* result,
                             uint32_t struct_size) {
  return Guarded([&] {
    const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
    Write(ToSummary(Value(calculator.Summarize(ToQuery(calculator, query)))), result, struct_size,
          "result");
  });
}

nva_status nva_kpi_conversion_funnel(nva_kpi* kpi, const nva_kpi_query* query,
                                     nva_conversion_funnel* result, uint32_t struct_size) {
  return GetStruct<&KpiCalculator::GetConversionFunnel>(kpi, query, result, struct_size);
}

nva_status nva_kpi_green_hour_utilization(nva_kpi* kpi, const nva_kpi_query* query,
                                          nva_green_hour_utilization* result,
                                          uint32_t struct_size) {
  return GetStruct<&KpiCalculator::GetGreenHourUtilization>(kpi, query, result, struct_size);
}

nva_status nva_kpi_streak_metrics(nva_kpi* kpi, const nva_kpi_query* query,
                                  nva_streak_metrics* result, uint32_t struct_size) {
  return GetStruct<&KpiCalculator::GetStreakMetrics>(kpi, query, result, struct_size);
}

nva_status nva_kpi_revenue_metrics(nva_kpi* kpi, const nva_kpi_query* query,
                                   nva_revenue_metrics* result, uint32_t struct_size) {
  return GetStruct<&KpiCalculator::GetRevenueMetrics>(kpi, query, result, struct_size);
}

nva_status nva_kpi_conversion_funnel_json(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return GetJson<&KpiCalculator::GetConversionFunnel>(kpi, query, json);
}

nva_status nva_kpi_green_hour_utilization_json(nva_kpi* kpi, const nva_kpi_query* query,
                                               char** json) {
  return GetJson<&KpiCalculator::GetGreenHourUtilization>(kpi, query, json);
}

nva_status nva_kpi_streak_metrics_json(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return GetJson<&KpiCalculator::GetStreakMetrics>(kpi, query, json);
}

nva_status nva_kpi_revenue_metrics_json(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return GetJson<&KpiCalculator::GetRevenueMetrics>(kpi, query, json);
}

nva_status nva_kpi_all_json(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return GetJson<&KpiCalculator::GetAllKpis>(kpi, query, json);
}
