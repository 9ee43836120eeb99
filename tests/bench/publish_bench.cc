// What one Publish costs the caller: conversion alone, and with the bus, the queue and a live writer
// that commits into SQLite.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "nerava/analytics/analytics.h"

namespace nerava::analytics::bench {
namespace {

ChargeStarted Start() {
  ChargeStarted event;
  event.session_id = "0f9619ff-8b86-4011-b42d-00cf4fc964ff";
  event.user_id = "7d793037-a076-4c53-a4a9-8a6d3f7ad2a8";
  event.hub_id = "hub-007";
  event.window_id = "green_hour";
  return event;
}

constexpr char kJson[] =
    R"({"event_type":"charge_started","session_id":"0f9619ff-8b86-4011-b42d-00cf4fc964ff",)"
    R"("user_id":"7d793037-a076-4c53-a4a9-8a6d3f7ad2a8","hub_id":"hub-007",)"
    R"("window_id":"green_hour","started_at":"2026-01-01T12:00:00Z"})";

void BM_Convert(benchmark::State& state) {
  const Producer producer({}, nullptr);
  for (auto _ : state) benchmark::DoNotOptimize(producer.Convert(Start()));
}
BENCHMARK(BM_Convert);

void BM_ConvertJson(benchmark::State& state) {
  const Producer producer({}, nullptr);
  for (auto _ : state) {
    auto event = ParseDomainEvent(kJson);
    benchmark::DoNotOptimize(producer.Convert(*std::move(event)));
  }
}
BENCHMARK(BM_ConvertJson);

// Paced, so that the queue never fills: what a caller waits for, not what the writer can take.
void BM_Publish(benchmark::State& state, bool sqlite, bool json) {
  std::string dir = (std::filesystem::temp_directory_path() / "nerava-bench-XXXXXX").string();
  if (mkdtemp(dir.data()) == nullptr) std::abort();
  Options options;
  options.database_url = sqlite ? "sqlite:///" + dir + "/events.db" : "memory:";
  options.writer.queue_capacity = 1'000'000;
  auto pipeline = Pipeline::Open(options);
  if (!pipeline.ok()) return state.SkipWithError("open");
  std::vector<double> nanoseconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    const bool ok =
        json ? (*pipeline)->PublishJson(kJson).ok() : (*pipeline)->Publish(Start()).ok();
    const auto end = std::chrono::steady_clock::now();
    nanoseconds.push_back(std::chrono::duration<double, std::nano>(end - begin).count());
    state.SetIterationTime(nanoseconds.back() * 1e-9);
    if (!ok) state.SkipWithError("publish");
    if (nanoseconds.size() % 1000 == 0) (*pipeline)->Flush();
  }
  std::sort(nanoseconds.begin(), nanoseconds.end());
  state.counters["p50_ns"] = nanoseconds[nanoseconds.size() / 2];
  state.counters["p99_ns"] = nanoseconds[nanoseconds.size() * 99 / 100];
  (*pipeline)->Close();
  std::filesystem::remove_all(dir);
}
BENCHMARK_CAPTURE(BM_Publish, typed_memory, false, false)->UseManualTime()->Iterations(100'000);
BENCHMARK_CAPTURE(BM_Publish, typed_sqlite, true, false)->UseManualTime()->Iterations(100'000);
BENCHMARK_CAPTURE(BM_Publish, json_sqlite, true, true)->UseManualTime()->Iterations(100'000);

}  // namespace
}  // namespace nerava::analytics::bench

BENCHMARK_MAIN();
