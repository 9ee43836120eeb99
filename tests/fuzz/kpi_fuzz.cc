// Any query through the C ABI: refused with a reason, or answered; and what is answered is JSON with
// finite numbers.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "capi/nerava_analytics.h"
#include "tests/fuzz/require.h"

namespace nerava::analytics::fuzz {
namespace {

constexpr std::int64_t kBegin = 1'772'236'800'000'000;  // 2026-02-28T00:00:00Z
constexpr std::int64_t kMinute = 60'000'000;

void Must(nva_status status) { Require(status == NVA_OK, nva_last_error_message()); }

// The KPIs of some sessions over four days. Never freed.
nva_kpi* MakeKpis() {
  nva_pipeline_options options;
  Must(nva_pipeline_options_init(&options, sizeof options));
  options.database_url = nva_str("memory:");
  nva_pipeline* pipeline = nullptr;
  Must(nva_pipeline_open(&options, &pipeline));
  for (int i = 0; i < 50; ++i) {
    const std::string session = "s" + std::to_string(i);
    const std::string user = "u" + std::to_string(i % 9);
    const std::int64_t time = kBegin + i * 116 * kMinute;
    nva_charge_started started;
    Must(nva_charge_started_init(&started, sizeof started));
    started.session_id = nva_str(session.c_str());
    started.user_id = nva_str(user.c_str());
    started.hub_id = nva_str(i % 3 == 0 ? "hub" : "");
    started.window_id = nva_str(i % 2 == 0 ? "green_hour" : "");
    started.started_at_us = time;
    Must(nva_publish_charge_started(pipeline, &started, nullptr));
    nva_charge_stopped stopped;
    Must(nva_charge_stopped_init(&stopped, sizeof stopped));
    stopped.session_id = started.session_id;
    stopped.user_id = started.user_id;
    stopped.stopped_at_us = time + 31 * kMinute;
    stopped.energy_mwh = 1'000'000 * i;
    stopped.total_reward_microusd = 10'000 * i;
    Must(nva_publish_charge_stopped(pipeline, &stopped, nullptr));
    nva_wallet_credited credited;
    Must(nva_wallet_credited_init(&credited, sizeof credited));
    credited.user_id = started.user_id;
    credited.session_id = started.session_id;
    credited.amount_cents = i;
    credited.credited_at_us = time + 40 * kMinute;
    Must(nva_publish_wallet_credited(pipeline, &credited, nullptr));
  }
  Must(nva_pipeline_flush(pipeline, -1, nullptr));
  nva_kpi* kpis = nullptr;
  Must(nva_pipeline_kpi(pipeline, &kpis));
  nva_pipeline_free(pipeline);
  return kpis;
}

// Often where there are events.
std::int64_t AnyTime(FuzzedDataProvider& input) {
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return input.ConsumeIntegral<std::int64_t>();
    case 1:
      return NVA_TIME_NONE;
    case 2:
      return kBegin + kMinute * input.ConsumeIntegralInRange(-6000, 6000);
    default:
      return kBegin + input.ConsumeIntegral<std::int32_t>();
  }
}

// A struct of the caller's version: a longer one has more behind.
struct Buffer {
  alignas(16) unsigned char bytes[512] = {};
};

void CheckNumbers(const nlohmann::json& json) {
  for (const auto& value : json) {
    if (value.is_structured()) CheckNumbers(value);
    Require(!value.is_number_float() || std::isfinite(value.get<double>()),
            "a number is not finite: " + json.dump());
  }
}

using Json = nva_status (*)(nva_kpi*, const nva_kpi_query*, char**);

void Expected(nva_status status) {
  Require(status == NVA_OK || status == NVA_INVALID_ARGUMENT, nva_last_error_message());
}

// `ask(char**)` answers in JSON.
template <typename Ask>
void AskJson(Ask ask) {
  char* text = nullptr;
  const nva_status status = ask(&text);
  Expected(status);
  Require((status == NVA_OK) == (text != nullptr), "an answer without success, or none with it");
  if (text != nullptr) CheckNumbers(nlohmann::json::parse(text));
  nva_free(text);
}

// `ask(nva_report**)` answers in rows, of some kind.
template <typename Ask>
void AskRows(Ask ask, std::uint64_t index) {
  nva_report* report = nullptr;
  const nva_status status = ask(&report);
  Expected(status);
  Require((status == NVA_OK) == (report != nullptr), "rows without success, or none with it");
  nva_report_row row;
  nva_kpi_summary summary;
  nva_funnel funnel;
  nva_load_cell cell;
  nva_streak streak;
  nva_retention retention;
  std::int64_t sessions = 0;
  std::uint64_t users = 0;
  Expected(nva_report_row_at(report, index, &row, sizeof row));
  Expected(nva_report_summary_at(report, index, &summary, sizeof summary));
  Expected(nva_report_funnel_at(report, index, &funnel, sizeof funnel));
  Expected(
      nva_report_load_at(report, index, static_cast<std::uint32_t>(index), &cell, sizeof cell));
  Expected(nva_report_streak_at(report, index, &streak, sizeof streak));
  Expected(nva_report_retention_at(report, index, &retention, sizeof retention));
  Expected(nva_report_retained_at(report, index, index, &users));
  Expected(nva_report_sessions_per_user_at(report, index, &sessions, &users));
  nva_report_free(report);
}

template <typename Struct>
void AskStruct(nva_status (*ask)(nva_kpi*, const nva_kpi_query*, Struct*, std::uint32_t),
               nva_kpi* kpis, const nva_kpi_query* query, std::uint32_t size,
               std::size_t least = sizeof(Struct)) {
  // Exactly as large as it says, so that nothing may be written behind.
  std::vector<unsigned char> result(size);
  const nva_status status = ask(kpis, query, reinterpret_cast<Struct*>(result.data()), size);
  Expected(status);
  if (status == NVA_OK) Require(size >= least, "a struct too small was taken");
}

void CheckReports(nva_kpi* kpis, const nva_kpi_query* query, FuzzedDataProvider& input) {
  static constexpr const char* kZones[] = {"", "UTC", "Europe/Berlin", "Asia/Kathmandu"};
  const std::string other = input.ConsumeRandomLengthString(40);
  const nva_string zone = input.ConsumeBool() ? nva_str(input.PickValueInArray(kZones))
                                              : nva_string{other.data(), other.size()};
  const auto number = [&] {
    return input.ConsumeBool() ? 0 : input.ConsumeIntegral<std::int64_t>();
  };
  const std::int64_t first = number();
  const std::int64_t second = number();
  const auto dimension = input.ConsumeIntegralInRange<nva_dimension>(-1, 3);
  const auto interval = input.ConsumeIntegralInRange<nva_interval>(-1, 4);
  const auto top = static_cast<std::uint64_t>(number());
  const auto index = input.ConsumeIntegralInRange<std::uint64_t>(0, 8);
  switch (input.ConsumeIntegralInRange(0, 7)) {
    case 0:
      AskJson([&](char** text) { return nva_kpi_trend_json(kpis, query, interval, zone, text); });
      AskRows([&](nva_report** rows) { return nva_kpi_trend(kpis, query, interval, zone, rows); },
              index);
      break;
    case 1:
      AskJson([&](char** text) { return nva_kpi_compare_json(kpis, query, text); });
      AskRows(
          [&](nva_report** rows) { return nva_kpi_breakdown(kpis, query, dimension, top, rows); },
          index);
      break;
    case 2:
      AskJson([&](char** text) { return nva_kpi_funnel_json(kpis, query, first, second, text); });
      AskRows(
          [&](nva_report** rows) {
            return nva_kpi_funnel_breakdown(kpis, query, first, second, dimension, top, rows);
          },
          index);
      break;
    case 3:
      AskJson([&](char** text) { return nva_kpi_load_json(kpis, query, zone, first, text); });
      AskRows(
          [&](nva_report** rows) {
            return nva_kpi_load_breakdown(kpis, query, zone, first, dimension, top, rows);
          },
          index);
      break;
    case 4:
      AskJson([&](char** text) {
        return nva_kpi_session_sizes_json(kpis, query, first, second, text);
      });
      AskRows([&](nva_report** rows) { return nva_kpi_sessions_per_user(kpis, query, rows); },
              index);
      break;
    case 5:
      AskJson(
          [&](char** text) { return nva_kpi_retention_json(kpis, query, interval, zone, text); });
      AskRows(
          [&](nva_report** rows) { return nva_kpi_retention(kpis, query, interval, zone, rows); },
          index);
      break;
    case 6:
      AskJson([&](char** text) { return nva_kpi_streaks_json(kpis, query, zone, top, text); });
      AskRows(
          [&](nva_report** rows) { return nva_kpi_streak_leaders(kpis, query, zone, top, rows); },
          index);
      break;
    default:
      AskJson([&](char** text) { return nva_kpi_active_users_json(kpis, query, zone, text); });
      AskJson([&](char** text) {
        const nva_string user =
            input.ConsumeBool() ? nva_str("user 1") : nva_string{other.data(), other.size()};
        return nva_kpi_user_json(kpis, user, query, zone, text);
      });
  }
}

void Check(nva_kpi* kpis, FuzzedDataProvider& input) {
  const std::string region = input.ConsumeBool() ? "default" : input.ConsumeRandomLengthString(80);
  const std::string hub = input.ConsumeBool() ? "hub" : input.ConsumeRandomLengthString(80);
  const std::string window =
      input.ConsumeBool() ? "green_hour" : input.ConsumeRandomLengthString(80);
  nva_kpi_query known;
  Must(nva_kpi_query_init(&known, sizeof known));
  if (input.ConsumeBool()) known.days = input.ConsumeIntegral<std::int32_t>();
  if (input.ConsumeBool()) known.from_us = AnyTime(input);
  if (input.ConsumeBool()) known.to_us = AnyTime(input);
  if (input.ConsumeBool()) known.region = {region.data(), region.size()};
  if (input.ConsumeBool()) known.hub_id = {hub.data(), hub.size()};
  if (input.ConsumeBool()) known.window_id = {window.data(), window.size()};
  if (input.ConsumeIntegral<std::uint8_t>() == 0) known.region = {nullptr, 3};

  Buffer buffer;
  std::memcpy(buffer.bytes, &known, sizeof known);
  auto* const query = reinterpret_cast<nva_kpi_query*>(buffer.bytes);
  if (input.ConsumeBool()) {
    query->struct_size = input.ConsumeIntegralInRange<std::uint32_t>(0, sizeof buffer);
    const std::string behind = input.ConsumeRandomLengthString(8);
    std::copy(behind.begin(), behind.end(), buffer.bytes + sizeof known);
  }

  for (const Json ask :
       {nva_kpi_conversion_funnel_json, nva_kpi_green_hour_utilization_json,
        nva_kpi_streak_metrics_json, nva_kpi_revenue_metrics_json, nva_kpi_all_json}) {
    AskJson([&](char** text) { return ask(kpis, query, text); });
  }
  const auto size = input.ConsumeIntegralInRange<std::uint32_t>(0, sizeof buffer);
  AskStruct(nva_kpi_summarize, kpis, query, size, offsetof(nva_kpi_summary, owed_microusd));
  AskStruct(nva_kpi_conversion_funnel, kpis, query, size);
  AskStruct(nva_kpi_green_hour_utilization, kpis, query, size);
  AskStruct(nva_kpi_streak_metrics, kpis, query, size);
  AskStruct(nva_kpi_revenue_metrics, kpis, query, size);
  CheckReports(kpis, query, input);
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static nva_kpi* const kpis = nerava::analytics::fuzz::MakeKpis();
  FuzzedDataProvider input(data, size);
  nerava::analytics::fuzz::Check(kpis, input);
  return 0;
}
