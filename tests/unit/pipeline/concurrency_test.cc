// Many threads publish while others read: every answer is of one state, and at the end nothing is
// missing.
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

constexpr int kPublishers = 8;
constexpr int kSessions = 150;  // by each of them

bool PublishSessions(Pipeline& pipeline, int publisher) {
  for (int i = 0; i < kSessions; ++i) {
    ChargeStarted start;
    start.session_id = fmt::format("s{}-{}", publisher, i);
    start.user_id = fmt::format("u{}", i % 50);
    ChargeStopped stop;
    stop.session_id = start.session_id;
    stop.total_reward_microusd = 10'000;
    WalletCredited credit;
    credit.session_id = start.session_id;
    credit.user_id = start.user_id;
    credit.amount_cents = 1;
    for (const DomainEvent& event : {DomainEvent(start), DomainEvent(stop), DomainEvent(credit)}) {
      if (!pipeline.Publish(event).ok()) return false;
    }
  }
  return true;
}

TEST_CASE("8 threads publish into SQLite while others read KPIs, stats and health") {
  const testing::TempDir dir;
  Options options;
  options.database_url = dir.SqliteUrl("events.db");
  options.writer.batch_size = 50;
  options.writer.max_batch_size = 200;
  auto opened = Pipeline::Open(options);
  REQUIRE(opened.ok());
  Pipeline& pipeline = **opened;
  const KpiQuery query{{absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000)}, {}};

  std::atomic<bool> done{false};
  std::atomic<int> failed{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::int64_t seen = 0;
      while (!done) {
        const auto kpis = pipeline.kpis().GetAllKpis(query);
        const auto stats = pipeline.stats();
        if (!kpis.ok() || !stats.ok() || !pipeline.health().healthy) {
          ++failed;
          return;
        }
        const ConversionFunnel& funnel = kpis->conversion_funnel;
        const bool possible = funnel.sessions_started >= seen &&
                              funnel.sessions_completed <= funnel.sessions_started &&
                              funnel.sessions_credited <= funnel.sessions_completed &&
                              kpis->streak_metrics.unique_users <= 50;
        if (!possible) ++failed;
        seen = funnel.sessions_started;
      }
    });
  }
  std::vector<std::thread> publishers;
  for (int i = 0; i < kPublishers; ++i) {
    publishers.emplace_back([&, i] {
      if (!PublishSessions(pipeline, i)) ++failed;
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  const std::size_t unsent = pipeline.Flush();
  done = true;
  for (std::thread& reader : readers) reader.join();

  CHECK(unsent == 0);
  CHECK(failed == 0);
  const auto kpis = pipeline.kpis().GetAllKpis(query);
  REQUIRE(kpis.ok());
  CHECK(kpis->conversion_funnel.sessions_started == kPublishers * kSessions);
  CHECK(kpis->conversion_funnel.sessions_credited == kPublishers * kSessions);
  CHECK(kpis->streak_metrics.unique_users == 50);
  CHECK(kpis->revenue_metrics.total_rewards_usd == kPublishers * kSessions * 0.01);
  CHECK(pipeline.stats()->stored.total == kPublishers * kSessions * 3);
}

}  // namespace
}  // namespace nerava::analytics
