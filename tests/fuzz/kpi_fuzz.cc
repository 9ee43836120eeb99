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

template <typename Struct>
void AskStruct(nva_status (*ask)(nva_kpi*, const nva_kpi_query*, Struct*, std::uint32_t),
               nva_kpi* kpis, const nva_kpi_query* query, std::uint32_t size) {
  // Exactly as large as it says, so that nothing may be written behind.
  std::vector<unsigned char> result(size);
  const nva_status status = ask(kpis, query, reinterpret_cast<Struct*>(result.data()), size);
  Require(status == NVA_OK || status == NVA_INVALID_ARGUMENT, nva_last_error_message());
  if (status == NVA_OK) Require(size >= sizeof(Struct), "a struct too small was taken");
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
    char* text = nullptr;
    const nva_status status = ask(kpis, query, &text);
    Require(status == NVA_OK || status == NVA_INVALID_ARGUMENT, nva_last_error_message());
    Require((status == NVA_OK) == (text != nullptr), "an answer without success, or none with it");
    if (text != nullptr) CheckNumbers(nlohmann::json::parse(text));
    nva_free(text);
  }
  const auto size = input.ConsumeIntegralInRange<std::uint32_t>(0, sizeof buffer);
  AskStruct(nva_kpi_summarize, kpis, query, size);
  AskStruct(nva_kpi_conversion_funnel, kpis, query, size);
  AskStruct(nva_kpi_green_hour_utilization, kpis, query, size);
  AskStruct(nva_kpi_streak_metrics, kpis, query, size);
  AskStruct(nva_kpi_revenue_metrics, kpis, query, size);
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static nva_kpi* const kpis = nerava::analytics::fuzz::MakeKpis();
  FuzzedDataProvider input(data, size);
  nerava::analytics::fuzz::Check(kpis, input);
  return 0;
}
