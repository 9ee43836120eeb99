// The cache of answers: computed once, kept until the store changes, within its bounds.
#include "lib/kpi/cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "lib/projection/commit.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Started;
using testing::TempDir;

const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z
constexpr absl::Duration kDay = absl::Hours(24);

struct FixedClock final : Clock {
  absl::Time Now() const override { return kNoon + absl::Hours(6); }
};
const FixedClock fixed_clock;

// Counts transactions, and does what it is told in each.
class WatchedStore final : public Store {
 public:
  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    return store_->Write(body);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    const int number = ++reads;
    if (on_read) {
      if (absl::Status status = on_read(number); !status.ok()) return status;
    }
    return store_->Read(body);
  }
  absl::StatusOr<std::optional<std::uint64_t>> Version() override {
    if (!tells_version) return std::nullopt;
    return store_->Version();
  }
  std::string Description() const override { return "watched"; }

  void Add(const std::string& session) {
    REQUIRE(CommitBatch(*store_, {Started("start " + session, session, kNoon)}, kNoon).ok());
  }

  std::atomic<int> reads{0};
  std::function<absl::Status(int number)> on_read;
  bool tells_version = true;

 private:
  const std::shared_ptr<Store> store_ = *OpenStore("memory:");
};

const KpiQuery kDays{{kNoon - kDay, kNoon + kDay}};

std::int64_t Sessions(const KpiCalculator& kpis, const KpiQuery& query = kDays) {
  const auto summary = kpis.Summarize(query);
  REQUIRE(summary.ok());
  return summary->totals.sessions_started;
}

TEST_CASE("64 threads that ask the same are answered by one computation") {
  constexpr int kThreads = 64;
  const auto store = std::make_shared<WatchedStore>();
  store->Add("s1");
  const KpiCalculator kpis(store, "default", fixed_clock);
  std::latch asked(kThreads);
  store->on_read = [&](int) {
    asked.wait();  // it lasts until all are about to ask
    return absl::OkStatus();
  };
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      asked.arrive_and_wait();
      const auto summary = kpis.Summarize(kDays);
      if (summary.ok() && summary->totals.sessions_started == 1) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == kThreads);
  CHECK(store->reads == 1);
  const KpiCacheStats stats = kpis.cache_stats();
  CHECK(stats.misses == 1);
  CHECK(stats.hits + stats.shared == kThreads - 1);
  CHECK(stats.hit_rate() == 98.44);
  CHECK(stats.entries == 1);
}

// The first read of a store waits to be released.
class HeldRead {
 public:
  explicit HeldRead(WatchedStore& store) {
    store.on_read = [this](int number) {
      if (number == 1) {
        begun_.set_value();
        released_.get_future().wait();
      }
      return absl::OkStatus();
    };
  }
  void AwaitBegun() { begun_.get_future().wait(); }
  void Release() { released_.set_value(); }

 private:
  std::promise<void> begun_;
  std::promise<void> released_;
};

TEST_CASE("What was committed is in the next answer, also while an older one is computed") {
  const auto store = std::make_shared<WatchedStore>();
  store->Add("s1");
  const KpiCalculator kpis(store, "default", fixed_clock);
  HeldRead held(*store);
  bool answered = false;
  std::thread older([&] { answered = kpis.Summarize(kDays).ok(); });
  held.AwaitBegun();
  store->Add("s2");
  CHECK(Sessions(kpis) == 2);  // waits for nobody
  held.Release();
  older.join();
  CHECK(answered);
  CHECK(Sessions(kpis) == 2);
  CHECK(store->reads == 2);
}

TEST_CASE("Who asks about another week does not wait for the first one") {
  const auto store = std::make_shared<WatchedStore>();
  store->Add("s1");
  const KpiCalculator kpis(store, "default", fixed_clock);
  HeldRead held(*store);
  bool answered = false;
  std::thread first([&] { answered = kpis.Summarize(kDays).ok(); });
  held.AwaitBegun();
  CHECK(Sessions(kpis, {{kDays.period.from - kDay, kDays.period.to - kDay}}) == 0);
  held.Release();
  first.join();
  CHECK(answered);
}

TEST_CASE("A store that throws whatever from Version is answered without a cache") {
  class ThrowingStore final : public Store {
   public:
    absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
      return store->Write(body);
    }
    absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
      return store->Read(body);
    }
    absl::StatusOr<std::optional<std::uint64_t>> Version() override { throw 7; }
    std::string Description() const override { return "throwing"; }
    const std::shared_ptr<Store> store = *OpenStore("memory:");
  };
  const auto store = std::make_shared<ThrowingStore>();
  const KpiCalculator kpis(store, "default", fixed_clock);
  CHECK(Sessions(kpis) == 0);
  CHECK(kpis.cache_stats().entries == 0);
}

TEST_CASE("An answer that failed is not kept, and who waited for it asks anew") {
  const auto store = std::make_shared<WatchedStore>();
  store->Add("s1");
  const KpiCalculator kpis(store, "default", fixed_clock);
  store->on_read = [](int number) {
    return number == 1 ? absl::UnavailableError("locked") : absl::OkStatus();
  };
  CHECK(kpis.Summarize(kDays).status() == absl::UnavailableError("locked"));
  CHECK(Sessions(kpis) == 1);
  CHECK(kpis.cache_stats().misses == 2);
}

TEST_CASE("Without a version, and without room, nothing is kept") {
  const auto store = std::make_shared<WatchedStore>();
  store->Add("s1");
  KpiCacheOptions options;
  SECTION("a store that does not tell") { store->tells_version = false; }
  SECTION("no room") { options.max_bytes = 0; }
  const KpiCalculator kpis(store, "default", fixed_clock, options);
  for (int i = 0; i < 3; ++i) CHECK(Sessions(kpis) == 1);
  CHECK(store->reads == 3);
  const KpiCacheStats stats = kpis.cache_stats();
  CHECK(stats.misses == 3);
  CHECK(stats.hit_rate() == 0);
  CHECK(stats.entries == 0);
  CHECK(stats.bytes == 0);
}

TEST_CASE("What was not asked for the longest makes room, and what is too large is not kept") {
  const auto store = std::make_shared<WatchedStore>();
  store->Add("s1");
  const KpiCalculator kpis(store, "default", fixed_clock, {20'000, {}});
  const auto day = [](int i) { return KpiQuery{{kNoon - i * kDay, kNoon + kDay}}; };
  for (int i = 0; i < 100; ++i) {
    CHECK(Sessions(kpis, day(i)) == 1);
    CHECK(Sessions(kpis, day(0)) == 1);  // always among the last
    CHECK(kpis.cache_stats().bytes <= 20'000);
  }
  CHECK(store->reads == 100);
  CHECK(kpis.cache_stats().evictions > 50);
  const std::uint64_t entries = kpis.cache_stats().entries;
  CHECK(entries > 5);

  for (int i = 0; i < 2; ++i) {
    REQUIRE(kpis.GetTrend({day(90).period, {}, Interval::kHour}).ok());  // some 2,000 buckets
  }
  CHECK(store->reads == 102);
  CHECK(kpis.cache_stats().entries == entries);
}

TEST_CASE("A rolling period is answered by the one before until an event enters or leaves it") {
  const TempDir dir;
  const auto store = *OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(
      CommitBatch(*store, {Started("e1", "s1", kNoon), Started("e2", "s2", kNoon + kDay)}, kNoon)
          .ok());
  const KpiCalculator kpis(store, "default", fixed_clock);
  const auto started = [&](absl::Time now) {
    const auto summary = kpis.Summarize({{now - kDay, now}});
    REQUIRE(summary.ok());
    CHECK(summary->period.from == now - kDay);  // as it was asked for
    CHECK(summary->period.to == now);
    return summary->totals.sessions_started;
  };
  const absl::Duration microsecond = absl::Microseconds(1);
  const absl::Time minute = kNoon + kDay - absl::Minutes(1);
  CHECK(started(minute) == 1);
  CHECK(started(minute + absl::Seconds(30)) == 1);  // on, and back a little
  CHECK(started(minute - absl::Seconds(30)) == 1);
  CHECK(started(kNoon + kDay) == 1);  // s1 is in it still, s2 not yet
  CHECK(kpis.cache_stats().misses == 1);
  CHECK(kpis.cache_stats().hits == 3);
  CHECK(started(kNoon + kDay + microsecond) == 1);  // s2 instead of s1
  CHECK(kpis.cache_stats().misses == 2);
  CHECK(started(kNoon + kDay + absl::Minutes(4)) == 1);
  CHECK(kpis.cache_stats().hits == 4);
  CHECK(started(kNoon + kDay) == 1);  // and back: s1 instead of s2
  CHECK(kpis.cache_stats().misses == 3);
  CHECK(kpis.Summarize({{kNoon, kNoon + kDay + microsecond}})->totals.sessions_started == 2);

  // Each bound for itself.
  const auto in_two_hours = [&](absl::Time from) {
    return Sessions(kpis, {{from, from + absl::Hours(2)}});
  };
  CHECK(in_two_hours(kNoon + microsecond) == 0);
  CHECK(in_two_hours(kNoon) == 1);
  CHECK(in_two_hours(kNoon - absl::Hours(2) + microsecond) == 1);
  CHECK(in_two_hours(kNoon - absl::Hours(2)) == 0);
}

TEST_CASE("Each option of the cache has its range") {
  const auto refusal = [](KpiCacheOptions cache) {
    Options options;
    options.kpi_cache = std::move(cache);
    return std::string(options.Validate().message());
  };
  CHECK(refusal({0, {1, 1830}}) == "");
  CHECK(refusal({-1, {}}) == "kpi_cache.max_bytes is -1; it must be from 0 to 1073741824");
  CHECK(refusal({1 << 20, {0}}) == "kpi_cache.warm_days has 0; each must be from 1 to 1830");
  CHECK(refusal({1 << 20, std::vector<int>(21, 7)}) ==
        "kpi_cache.warm_days has 21 numbers; it may have up to 20");
}

TEST_CASE("A pipeline has configured answers ready after its commits") {
  const auto store = std::make_shared<WatchedStore>();
  std::promise<void> warmed;
  const auto here = std::this_thread::get_id();
  store->on_read = [&, reads = 0](int) mutable {
    // The writer's thread asks once before the first commit, and once after it.
    if (std::this_thread::get_id() != here && ++reads == 2) warmed.set_value();
    return absl::OkStatus();
  };
  Options options;
  options.writer.flush_interval = absl::Hours(1);  // only a flush commits
  options.kpi_cache.warm_days = {7};
  const auto pipeline = *Pipeline::Open(options, store, fixed_clock);
  REQUIRE(pipeline->writer().Write(Started("e1", "s1", kNoon)).ok());
  REQUIRE(pipeline->Flush(absl::Seconds(30)) == 0);
  warmed.get_future().wait();
  const int reads = store->reads;
  const auto week = pipeline->kpis().GetAllKpis(*pipeline->kpis().LastDays(7));
  REQUIRE(week.ok());
  CHECK(week->conversion_funnel.sessions_started == 1);
  CHECK(store->reads == reads);
  const KpiCacheStats stats = pipeline->stats()->kpi_cache;
  CHECK(stats.warmed >= 1);
  CHECK(stats.misses == 0);
  CHECK(stats.hits + stats.shared == 1);
}

}  // namespace
}  // namespace nerava::analytics
