// What one Publish costs its caller, with a live writer that commits, beside an asynchronous logger
// that formats the same and throws it away. Paced, so that no queue ever fills: what a caller waits
// for, not what the other end can take. Making the domain event is the caller's and not measured.
#include <spdlog/async.h>
#include <spdlog/sinks/null_sink.h>
#include <stdlib.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"

namespace nerava::analytics::bench {
namespace {

// A thread's calls before all wait until the queue is empty, and how often they do.
struct Load {
  int threads = 1;
  int calls = 1000;
  int rounds = 20;
};

// Nanoseconds of each call, sorted. `call(make())` is called on every thread, the call measured;
// `drain()` once a round.
template <typename Make, typename Call, typename Drain>
std::vector<double> Measure(Load load, Make make, Call call, Drain drain) {
  std::vector<std::vector<double>> measured(static_cast<std::size_t>(load.threads));
  std::barrier round_done(load.threads, [&]() noexcept { drain(); });
  const auto run = [&](std::size_t thread) {
    for (int round = 0; round < load.rounds; ++round) {
      for (int i = 0; i < load.calls; ++i) {
        auto argument = make(thread);
        const auto begin = std::chrono::steady_clock::now();
        call(std::move(argument));
        const auto end = std::chrono::steady_clock::now();
        measured[thread].push_back(std::chrono::duration<double, std::nano>(end - begin).count());
      }
      round_done.arrive_and_wait();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < measured.size(); ++i) threads.emplace_back(run, i);
  run(0);
  for (std::thread& thread : threads) thread.join();

  std::vector<double> all;
  for (const auto& one : measured) all.insert(all.end(), one.begin(), one.end());
  std::sort(all.begin(), all.end());
  return all;
}

// Every event is of a session of its own.
std::string NextId(std::size_t thread) {
  thread_local unsigned count = 0;
  return fmt::format("{:08x}-8b86-4011-b42d-{:012x}", ++count, thread);
}

DomainEvent Start(std::size_t thread) {
  ChargeStarted event;
  event.session_id = NextId(thread);
  event.user_id = "7d793037-a076-4c53-a4a9-8a6d3f7ad2a8";
  event.hub_id = "hub-007";
  event.window_id = "green_hour";
  return event;
}

std::string StartAsJson(std::size_t thread) {
  return fmt::format(R"({{"event_type":"charge_started","session_id":"{}",)"
                     R"("user_id":"7d793037-a076-4c53-a4a9-8a6d3f7ad2a8","hub_id":"hub-007",)"
                     R"("window_id":"green_hour","started_at":"2026-01-01T12:00:00Z"}})",
                     NextId(thread));
}

void MustBeOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fputs((status.ToString() + "\n").c_str(), stderr);
  std::exit(1);
}

std::vector<double> MeasureTimer(Load load) {
  return Measure(
      load, [](std::size_t) { return 0; }, [](int) {}, [] {});
}

enum class Input { kStruct, kJson };
enum class Kept { kInMemory, kInSqlite };

template <Input kInput>
std::vector<double> MeasureConvert(Load load) {
  const Producer producer({}, nullptr);
  const auto convert = [&](DomainEvent event) {
    MustBeOk(producer.Convert(std::move(event)).status());
  };
  const auto parse = [&](const std::string& text) { convert(ParseDomainEvent(text).value()); };
  if constexpr (kInput == Input::kJson) return Measure(load, StartAsJson, parse, [] {});
  return Measure(load, Start, convert, [] {});
}

template <Kept kKept, Durability kDurability, Input kInput = Input::kStruct>
std::vector<double> MeasurePublish(Load load) {
  std::string dir = (std::filesystem::temp_directory_path() / "nerava-bench-XXXXXX").string();
  if (mkdtemp(dir.data()) == nullptr) std::abort();
  Options options;
  options.database_url = kKept == Kept::kInSqlite ? "sqlite:///" + dir + "/events.db" : "memory:";
  options.writer.journal.durability = kDurability;
  auto pipeline = Pipeline::Open(options);
  MustBeOk(pipeline.status());
  const auto publish = [&](auto&& event) {
    if constexpr (kInput == Input::kJson) {
      MustBeOk((*pipeline)->PublishJson(event).status());
    } else {
      MustBeOk((*pipeline)->Publish(std::move(event)).status());
    }
  };
  const auto flush = [&] { (*pipeline)->Flush(absl::InfiniteDuration()); };
  constexpr auto kMake = [] {
    if constexpr (kInput == Input::kJson)
      return StartAsJson;
    else
      return Start;
  }();
  std::vector<double> measured = Measure(load, kMake, publish, flush);
  pipeline->reset();
  std::filesystem::remove_all(dir);
  return measured;
}

std::vector<double> MeasureSpdlog(Load load) {
  const auto pool = std::make_shared<spdlog::details::thread_pool>(8192, 1);
  const auto logger = std::make_shared<spdlog::async_logger>(
      "bench", std::make_shared<spdlog::sinks::null_sink_mt>(), pool,
      spdlog::async_overflow_policy::block);
  logger->set_error_handler([](const std::string& error) { MustBeOk(absl::InternalError(error)); });
  const auto log = [&](const std::string& session) {
    logger->info("charge_started session_id={} user_id={} hub_id={} window_id={}", session,
                 "7d793037-a076-4c53-a4a9-8a6d3f7ad2a8", "hub-007", "green_hour");
  };
  return Measure(load, NextId, log, [&] {
    while (pool->queue_size() > 0) std::this_thread::yield();
  });
}

struct Row {
  std::string name;
  std::vector<double> (*measure)(Load);
  Load load = {};
  // The best of the runs: what else the machine does only adds to them.
  double p50 = std::numeric_limits<double>::infinity();
  double p99 = std::numeric_limits<double>::infinity();
};

std::vector<Row> Rows() {
  constexpr auto kSqlite = Kept::kInSqlite;
  std::vector<Row> rows = {
      {"the timer itself", MeasureTimer},
      {"convert and validate", MeasureConvert<Input::kStruct>},
      {"the same from JSON", MeasureConvert<Input::kJson>},
      {"publish, memory, memory store", MeasurePublish<Kept::kInMemory, Durability::kMemory>},
      {"publish, memory", MeasurePublish<kSqlite, Durability::kMemory>},
      {"publish, process", MeasurePublish<kSqlite, Durability::kProcess>},
      {"publish, process, from JSON", MeasurePublish<kSqlite, Durability::kProcess, Input::kJson>},
      // Each waits for the disk.
      {"publish, power", MeasurePublish<kSqlite, Durability::kPower>, {.calls = 50, .rounds = 4}},
      {"spdlog, async, null sink", MeasureSpdlog},
  };
  for (const int threads : {2, 4, 8}) {
    for (Row row : {Row{"publish, memory", MeasurePublish<kSqlite, Durability::kMemory>},
                    Row{"publish, process", MeasurePublish<kSqlite, Durability::kProcess>},
                    Row{"spdlog, async, null sink", MeasureSpdlog}}) {
      row.name += fmt::format(", {} threads", threads);
      row.load = {.threads = threads, .rounds = 5};
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

void Run(int runs, std::string_view filter) {
  std::vector<Row> rows = Rows();
  std::erase_if(rows, [&](const Row& row) { return row.name.find(filter) == std::string::npos; });
  for (int run = 0; run < runs; ++run) {
    for (Row& row : rows) {
      const std::vector<double> measured = row.measure(row.load);
      row.p50 = std::min(row.p50, measured[measured.size() / 2]);
      row.p99 = std::min(row.p99, measured[measured.size() * 99 / 100]);
    }
  }
  std::printf("%-40s %12s %12s\n", fmt::format("ns a call, best of {} runs", runs).c_str(), "p50",
              "p99");
  for (const Row& row : rows)
    std::printf("%-40s %12.0f %12.0f\n", row.name.c_str(), row.p50, row.p99);
}

}  // namespace
}  // namespace nerava::analytics::bench

// publish_bench [FILTER]: the rows whose name holds FILTER, all without. NERAVA_BENCH_RUNS: how many
// runs the best is taken of.
int main(int argc, char** argv) {
  const char* const runs = std::getenv("NERAVA_BENCH_RUNS");
  nerava::analytics::bench::Run(runs == nullptr ? 10 : std::max(1, std::atoi(runs)),
                                argc > 1 ? argv[1] : "");
}
