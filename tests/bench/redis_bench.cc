// What Redis costs: a round of the publisher, and events published meanwhile, without a Redis, with one, and with one
// that hangs. Starts a redis-server of its own.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "nerava/analytics/redis/publisher.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/redis/redis_server.h"

namespace nerava::analytics {
namespace {

enum Redis { kNone, kWell, kHanging };

struct World {
  explicit World(Redis redis) {
    Options options;
    options.database_url = dir.SqliteUrl("a.db");
    pipeline = *Pipeline::Open(options);
    RedisPublisherOptions publishing;
    publishing.url = server.url();
    publishing.interval = absl::Milliseconds(100);
    if (redis != kNone) publisher = *RedisPublisher::Open(*pipeline, publishing);
    if (redis == kHanging) server.Send(SIGSTOP);
  }
  ~World() { server.Send(SIGCONT); }

  void Publish() {
    ChargeStarted event;
    event.session_id = fmt::format("session {}", ++sessions);
    pipeline->Publish(std::move(event)).status().IgnoreError();
  }

  testing::TempDir dir;
  testing::RedisServer server;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<RedisPublisher> publisher;
  int sessions = 0;
};

void BM_Round(benchmark::State& state) {
  World world(kWell);
  for (auto _ : state) {
    if (!world.publisher->PublishNow().ok()) state.SkipWithError("a round failed");
  }
}
BENCHMARK(BM_Round)->Unit(benchmark::kMicrosecond)->UseRealTime();

void BM_RoundAfterACommit(benchmark::State& state) {
  World world(kWell);
  for (auto _ : state) {
    state.PauseTiming();
    world.Publish();
    world.pipeline->Flush();
    state.ResumeTiming();
    if (!world.publisher->PublishNow().ok()) state.SkipWithError("a round failed");
  }
}
BENCHMARK(BM_RoundAfterACommit)->Unit(benchmark::kMicrosecond)->UseRealTime();

void BM_Publish(benchmark::State& state) {
  World world(static_cast<Redis>(state.range(0)));
  for (auto _ : state) world.Publish();
}
BENCHMARK(BM_Publish)->ArgName("redis")->Arg(kNone)->Arg(kWell)->Arg(kHanging)->UseRealTime();

}  // namespace
}  // namespace nerava::analytics

BENCHMARK_MAIN();
