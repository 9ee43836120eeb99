// A wall clock that jumps by an hour and by a year, while events are published.
#include <array>
#include <atomic>
#include <thread>

#include "nerava/analytics/analytics.h"
#include "tests/faults/drive.h"
#include "tests/support/events.h"
#include "tests/support/fake_store.h"
#include "tests/support/sql_kpis.h"

namespace nerava::analytics {
namespace {

using testing::Audit;
using testing::kPatience;
using testing::SqlKpis;
using testing::TestScene;

// Jumps to and fro as told.
class JumpyClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now() + absl::Hours(offset_.load()); }
  void Jump() {
    static constexpr std::array kHours{1, -1, 365 * 24, -365 * 24, 0};
    offset_ = kHours[jumps_++ % kHours.size()];
  }

 private:
  std::atomic<int> offset_{0};
  std::atomic<std::size_t> jumps_{0};
};

TEST_CASE("events published under a jumping clock are all stored, with exact KPIs") {
  constexpr int kThreads = 4, kSessions = 300;
  JumpyClock clock;
  const TestScene scene;
  auto opened = Pipeline::Open(scene.MakeOptions(), clock);
  REQUIRE(opened.ok());
  Pipeline& pipeline = **opened;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kSessions; ++i) {
        ChargeStarted start;
        start.session_id = std::to_string(thread) + " " + std::to_string(i);
        start.user_id = "user" + std::to_string(i % 20);
        ChargeStopped stop;
        stop.session_id = start.session_id;
        stop.user_id = start.user_id;
        stop.total_reward_microusd = 10'000;
        if (!pipeline.Publish(start).ok()) ++failed;
        if (i % 10 == 0) clock.Jump();
        if (!pipeline.Publish(stop).ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(pipeline.Flush(kPatience) == 0);
  CHECK(pipeline.stats()->stored.total == 2 * kThreads * kSessions);

  const KpiQuery query{{absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000)}, {}};
  const auto actual = pipeline.kpis().Summarize(query);
  REQUIRE(actual.ok());
  const KpiSummary expected = SqlKpis(scene.database()).Summarize(query);
  CHECK(actual->totals.sessions_started == kThreads * kSessions);
  for (const Totals::Field& field : Totals::Fields()) {
    INFO(field.name);
    CHECK(actual->totals.*field.member == expected.totals.*field.member);
  }
  CHECK(actual->unique_users == expected.unique_users);
}

TEST_CASE("a jump of the clock holds up no commit, and makes no event old") {
  JumpyClock clock;
  const auto store = std::make_shared<FakeStore>();
  BatchWriterOptions options;
  options.flush_interval = absl::Milliseconds(10);
  auto writer = BatchWriter::Create(options, store, clock);
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Start().ok());
  for (std::size_t jump = 1; jump <= 10; ++jump) {
    store->Hang();
    REQUIRE((*writer)->Write(MakeEvent("e" + std::to_string(jump))).ok());
    clock.Jump();
    const absl::Duration age = (*writer)->stats().oldest_pending_age;
    CHECK(age >= absl::ZeroDuration());
    CHECK(age < absl::Minutes(10));
    store->Release();
    REQUIRE(store->AwaitCommits(jump));
  }
}

TEST_CASE("a system clock that jumps stalls and corrupts nothing", "[preload]") {
  const TestScene scene;
  CHECK(scene.PublishAll({"threads=4", "events=1000", "padding=500"}, {{"FAULT_CLOCK", "20"}}) ==
        0);
  CHECK(Audit(scene) == "");
}

}  // namespace
}  // namespace nerava::analytics
