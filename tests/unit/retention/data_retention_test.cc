// What is kept how long, by hand and by a pipeline's schedule. That answers stay right is a property
// test.
#include "nerava/analytics/data_retention.h"

#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "lib/projection/commit.h"
#include "lib/retention/schedule.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Started;
using testing::Stopped;
using testing::TempDir;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kPatience = absl::Seconds(30);
const absl::Time kToday = absl::FromUnixSeconds(1'772'236'800);  // 2026-02-28

struct FixedClock final : Clock {
  absl::Time Now() const override { return kToday + absl::Hours(12); }
};
const FixedClock fixed_clock;

std::shared_ptr<Store> OpenFile(const TempDir& dir) { return *OpenStore(dir.SqliteUrl("a.db")); }

// A session a day, of the last `days` days before today.
void StoreDays(Store& store, int days, int sessions = 1) {
  for (int day = 1; day <= days; ++day) {
    std::vector<EventPtr> batch;
    for (int i = 0; i < sessions; ++i) {
      const std::string id = std::to_string(day) + "-" + std::to_string(i);
      const absl::Time start = kToday - day * kDay + absl::Hours(1);
      batch.push_back(Started("start-" + id, id, start));
      batch.push_back(Stopped("stop-" + id, id, start + absl::Minutes(10), 1'000'000));
    }
    REQUIRE(CommitBatch(store, batch, kToday).ok());
  }
}

std::int64_t Total(Store& store) {
  std::int64_t total = 0;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                auto counts = transaction.CountEvents();
                REQUIRE(counts.ok());
                std::uint64_t by_type = 0;
                for (const auto& [type, count] : counts->by_type) by_type += count;
                REQUIRE(by_type == counts->total);
                total = static_cast<std::int64_t>(counts->total);
                return absl::OkStatus();
              })
              .ok());
  return total;
}

Options OptionsFor(const TempDir& dir) {
  Options options;
  options.database_url = dir.SqliteUrl("a.db");
  options.writer.flush_interval = absl::Hours(1);  // only a flush commits
  options.data_retention.enabled = false;
  return options;
}

TEST_CASE("Each option of the data retention has its range") {
  CHECK(DataRetention().Validate().ok());
  DataRetention retention;
  std::string expected;
  SECTION("events") {
    retention.events = kDay;
    expected = "data_retention.events is 1 days; it must be at least 2 days";
  }
  SECTION("aggregates") {
    retention.aggregates = 89 * kDay;
    expected =
        "data_retention.aggregates is 89 days; it must not be shorter than events, which is "
        "90 days";
  }
  SECTION("snapshots") {
    retention.aggregates = absl::InfiniteDuration();
    expected =
        "data_retention.snapshots is 1827 days; it must not be shorter than aggregates, "
        "which is for ever";
  }
  SECTION("interval") {
    retention.interval = absl::Hours(25);
    expected = "data_retention.interval is 25h; it must be from 1s to 24h";
  }
  CHECK(retention.Validate().message() == expected);
  Options options;
  options.data_retention = retention;
  CHECK(options.Validate().message() == expected);
  const TempDir dir;
  CHECK(absl::IsInvalidArgument(ApplyRetention(*OpenFile(dir), retention, kToday).status()));
}

TEST_CASE("By hand, whole days are dropped, counted, and stay dropped") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  StoreDays(*store, 10);
  DataRetention retention;
  retention.events = 3 * kDay;
  retention.aggregates = 5 * kDay;
  retention.snapshots = 7 * kDay;
  const auto run = ApplyRetention(*store, retention, fixed_clock.Now());
  REQUIRE(run.ok());
  CHECK(run->events == 7 * 2);
  CHECK(run->aggregate_days == 5);
  CHECK(run->snapshot_days == 3);
  CHECK(run->kept_from.events == kToday - 3 * kDay);
  CHECK(run->kept_from.aggregates == kToday - 5 * kDay);
  CHECK(run->kept_from.days == kToday - 7 * kDay);
  CHECK(Total(*store) == 3 * 2);

  const KpiCalculator kpis(store, "default", fixed_clock);
  CHECK(kpis.Summarize({{kToday - 7 * kDay, kToday}})->totals.total_sessions == 7);
  CHECK(kpis.Summarize({{kToday - 10 * kDay, kToday}})->period.grain == AnswerGrain::kPartial);

  const auto again = ApplyRetention(*store, retention, fixed_clock.Now());
  CHECK(again->events + again->aggregate_days + again->snapshot_days == 0);
  CHECK(ApplyRetention(*store, retention, kToday - 100 * kDay)->kept_from.events ==
        kToday - 3 * kDay);  // never back
}

TEST_CASE("What is dropped for ever makes the file smaller, and leaves no trace in it") {
  const TempDir dir;
  auto store = OpenFile(dir);
  StoreDays(*store, 10, 2000);
  REQUIRE(
      CommitBatch(*store, {Started("needle-in-the-file", "s", kToday - 9 * kDay)}, kToday).ok());
  const auto has_needle = [&](const char* name) {
    std::ifstream file(dir.File(name), std::ios::binary);
    const std::string all(std::istreambuf_iterator<char>(file), {});
    return all.find("needle-in-the-file") != std::string::npos;
  };
  const auto size = [&] { return std::filesystem::file_size(dir.File("a.db")); };
  store.reset();  // so that all of it is in the file
  REQUIRE(has_needle("a.db"));
  const auto before = size();
  store = OpenFile(dir);
  DataRetention retention;
  retention.events = retention.aggregates = retention.snapshots = 2 * kDay;
  const auto run = ApplyRetention(*store, retention, fixed_clock.Now());
  REQUIRE(run.ok());
  CHECK(run->freed_bytes > 2'000'000);
  CHECK(run->longest_step <= run->duration);
  CHECK(Total(*store) == 2 * 4000);

  CHECK(KpiCalculator(store, "default")
            .Summarize({{kToday - 2 * kDay, kToday}})
            ->totals.total_sessions == 4000);
  CHECK_FALSE(has_needle("a.db"));  // the store is still open
  CHECK(size() < before - 2'000'000);
}

TEST_CASE("Whoever reads while a day is dropped sees it whole; others of the file see it gone") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  const auto other = OpenFile(dir);  // as another process has it
  StoreDays(*store, 5);
  CHECK(Total(*other) == 10);
  const auto count = [](ReadTransaction& transaction, absl::Span<const std::string_view> sessions) {
    int events = 0;
    REQUIRE(transaction.EventsOfSessions(sessions, [&](const AnalyticsEvent&) { ++events; }).ok());
    REQUIRE(transaction
                .EventsBetween(kToday - 5 * kDay, kToday - 4 * kDay,
                               [&](const AnalyticsEvent&) { ++events; })
                .ok());
    return events;
  };
  DataRetention retention;
  retention.events = 2 * kDay;
  REQUIRE(store
              ->Read([&](ReadTransaction& transaction) {
                CHECK(count(transaction, {"5-0"}) == 4);
                CHECK(ApplyRetention(*other, retention, fixed_clock.Now())->events == 6);
                CHECK(Total(*store) == 4);  // by another reader, which is told that it is gone
                CHECK(count(transaction, {"5-0"}) == 4);
                return absl::OkStatus();
              })
              .ok());
  CHECK(Total(*store) == 4);

  // Both refuse what would make a day that was dropped begin anew, and know what is still there.
  for (const auto& one : {store, other}) {
    const auto result = CommitBatch(
        *one, {Started("old", "old", kToday - 2 * kDay), Started("start-1-0", "1-0", kToday)},
        kToday);
    REQUIRE(result.ok());
    CHECK(result->too_old == std::vector<std::size_t>{0});
    CHECK(result->accepts_from == kToday - kDay);
    CHECK(result->conflicts + result->duplicates == 1);
  }
}

TEST_CASE("A number of a partition is never used again") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  const auto other = OpenFile(dir);
  StoreDays(*store, 5);  // the oldest day has the largest number
  DataRetention retention;
  retention.events = 2 * kDay;
  CHECK(ApplyRetention(*other, retention, fixed_clock.Now())->events == 6);
  REQUIRE(CommitBatch(*store, {Started("new", "new", kToday)}, kToday).ok());
  REQUIRE(CommitBatch(*other, {Stopped("newer", "new", kToday + absl::Hours(1))}, kToday).ok());
  CHECK(Total(*store) == 6);
}

TEST_CASE("A memory store drops events once no KPI of their day is kept") {
  const auto store = *OpenStore("memory:");
  StoreDays(*store, 10);
  DataRetention retention;
  retention.events = 2 * kDay;
  retention.aggregates = retention.snapshots = 4 * kDay;
  CHECK(ApplyRetention(*store, retention, fixed_clock.Now())->events == 12);
  CHECK(Total(*store) == 8);
  const KpiCalculator kpis(store, "default");
  CHECK(kpis.Summarize({{kToday - 4 * kDay, kToday}})->totals.total_sessions == 4);
  CHECK(kpis.Summarize({{kToday - 5 * kDay, kToday}})->period.grain == AnswerGrain::kPartial);
  const auto result = CommitBatch(*store, {Started("old", "old", kToday - 4 * kDay)}, kToday);
  CHECK(result->too_old.size() == 1);
}

TEST_CASE("An event from a day that was dropped is refused at the door, and counted") {
  const TempDir dir;
  StoreDays(*OpenFile(dir), 10);
  Options options = OptionsFor(dir);
  options.data_retention.events = 3 * kDay;
  auto pipeline = *Pipeline::Open(options, fixed_clock);
  const auto publish = [&](absl::Time time) {
    ChargeStarted event;
    event.session_id = "s";
    event.started_at = time;
    return pipeline->Publish(std::move(event)).status();
  };
  CHECK(publish(kToday - 9 * kDay).ok());  // nothing was dropped yet
  REQUIRE(pipeline->Flush(kPatience) == 0);
  REQUIRE(pipeline->ApplyRetention()->events == 15);
  for (int open = 0; open < 2; ++open) {
    const absl::Status refused = publish(kToday - 2 * kDay - absl::Microseconds(1));
    CHECK(ReasonOf(refused) == RejectReason::kTooOld);
    CHECK(refused.message() ==
          "it happened at 2026-02-25T23:59:59.999999+00:00, and events from before "
          "2026-02-26T00:00:00.000000+00:00 are not taken any more, since others of then were "
          "dropped; to store history, keep events longer (data_retention)");
    CHECK(publish(kToday - 2 * kDay).ok());
    CHECK(pipeline->stats()
              ->producer.rejected_by_reason[static_cast<std::size_t>(RejectReason::kTooOld)] == 1);
    pipeline->Close(kPatience);
    pipeline = *Pipeline::Open(options, fixed_clock);  // reads it from the file
  }
}

TEST_CASE("Events that were accepted before their day was dropped become dead letters") {
  const TempDir dir;
  Options options = OptionsFor(dir);
  options.data_retention.events = 2 * kDay;
  const auto pipeline = *Pipeline::Open(options, fixed_clock);
  StoreDays(*pipeline->store(), 10);
  constexpr int kOld = 20;  // more than a batch may have that the store refuses
  for (int i = 0; i < kOld; ++i) {
    const std::string id = "old-" + std::to_string(i);
    REQUIRE(pipeline->writer().Write(Started(id, id, kToday - 9 * kDay)).ok());
  }
  REQUIRE(pipeline->writer().Write(Started("new", "new", kToday)).ok());
  REQUIRE(pipeline->ApplyRetention().ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  const BatchWriterStats stats = pipeline->writer().stats();
  CHECK(stats.dead_lettered == kOld);
  CHECK(stats.committed == 1);
  CHECK(stats.accepted == stats.committed + stats.dead_lettered);
  CHECK(stats.breaker_trips == 0);
  CHECK(stats.last_error.empty());
  CHECK(pipeline->health().healthy);
  const auto letters = pipeline->writer().DeadLetters();
  REQUIRE(letters->size() == kOld);
  CHECK(letters->front().reason.find("events from before 2026-02-27T00:00:00") !=
        std::string::npos);
}

TEST_CASE("A pipeline drops by itself, in steps between which batches are committed") {
  // Says when it was asked, and lets the test publish between two steps.
  class SteppingStore final : public Store {
   public:
    explicit SteppingStore(std::shared_ptr<Store> store) : store_(std::move(store)) {}
    absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
      return store_->Write(body);
    }
    absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
      return store_->Read(body);
    }
    std::string Description() const override { return "stepping"; }
    absl::StatusOr<RetentionStep> Retain(const Horizons& wanted, absl::Duration limit) override {
      auto step = store_->Retain(wanted, absl::ZeroDuration());
      longest = std::max(longest, limit);
      if (step.ok() && step->events > 0 && ++steps == 1) first.set_value();
      if (step.ok() && step->done) done.set_value(wanted);
      return step;
    }
    int steps = 0;
    absl::Duration longest;
    std::promise<void> first;
    std::promise<Horizons> done;

   private:
    const std::shared_ptr<Store> store_;
  };
  const TempDir dir;
  StoreDays(*OpenFile(dir), 100);
  const auto store = std::make_shared<SteppingStore>(OpenFile(dir));
  Options options = OptionsFor(dir);
  options.data_retention.enabled = true;
  options.data_retention.interval = absl::Seconds(1);
  const auto pipeline = *Pipeline::Open(options, store, fixed_clock);
  store->first.get_future().get();
  REQUIRE(pipeline->writer().Write(Started("new", "new", kToday)).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  const Horizons wanted = store->done.get_future().get();
  CHECK(wanted.events == kToday - 90 * kDay);
  CHECK(wanted.aggregates == kToday - 731 * kDay);
  CHECK(wanted.days == kToday - 1827 * kDay);
  pipeline->Close(kPatience);
  CHECK(store->longest == absl::Milliseconds(20));
  const RetentionStats stats = pipeline->stats()->retention;
  CHECK(stats.runs == 1);
  CHECK(stats.events == 20);
  CHECK(stats.last_run == fixed_clock.Now());
  CHECK(stats.last_error.empty());
  CHECK(Total(*store) == 181);
}

TEST_CASE("The schedule never drops every event, by hand they go") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  REQUIRE(CommitBatch(*store, {Started("e1", "s1", kToday - 100 * kDay)}, kToday).ok());
  Options options = OptionsFor(dir);
  options.data_retention.enabled = true;
  options.data_retention.interval = absl::Seconds(1);
  std::promise<std::string> reported;
  options.writer.on_error = [&, first = true](const absl::Status& error) mutable {
    if (std::exchange(first, false)) reported.set_value(std::string(error.message()));
  };
  const auto pipeline = *Pipeline::Open(options, fixed_clock);
  const std::string error = reported.get_future().get();
  CHECK(error.find("every event is older than data_retention says, the latest of 2025-11-20") !=
        std::string::npos);
  CHECK(Total(*store) == 1);
  const Health health = pipeline->health();
  CHECK(health.healthy);
  REQUIRE(health.warnings.size() == 1);
  CHECK(health.warnings[0] == "old data is kept: " + error);

  CHECK(pipeline->ApplyRetention()->events == 1);
  CHECK(Total(*store) == 0);
}

TEST_CASE("A clock that jumped ahead drops nothing, though events came since") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  StoreDays(*store, 100);
  constexpr absl::Duration kJump = absl::Hours(24 * 800);
  REQUIRE(CommitBatch(*store, {Started("wrong", "wrong", kToday + kJump)}, kToday).ok());
  DataRetention retention;
  retention.interval = absl::Seconds(1);
  RetentionSchedule schedule(store, retention);
  std::string error;
  const auto report = [&](const absl::Status& status) { error = std::string(status.message()); };
  const auto run_at = [&](absl::Time now) {
    const std::uint64_t runs = schedule.stats().runs;
    while (schedule.stats().runs == runs) schedule.Run(now, report);
  };
  run_at(kToday + kJump);
  CHECK(error.find(
            "after a pause that is longer than events are kept all up to 2026-02-27 would go") !=
        std::string::npos);
  CHECK(Total(*store) == 201);
  CHECK(schedule.stats().last_error == error);

  run_at(fixed_clock.Now());  // it was set right
  CHECK(schedule.stats().last_error.empty());
  CHECK(Total(*store) == 181);
  CHECK(KpiCalculator(store, "default")
            .Summarize({{kToday - 100 * kDay, kToday}})
            ->totals.total_sessions == 100);
}

TEST_CASE("What cannot be added up or is damaged takes back nothing that was dropped") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  StoreDays(*store, 40);
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(dir.File("a.db").c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, "UPDATE aggregates SET users = x'07' WHERE grain = 2", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(db);
  DataRetention retention;
  retention.events = 2 * kDay;
  RetentionSchedule schedule(store, retention);
  CHECK(absl::IsDataLoss(schedule.Apply(fixed_clock.Now()).status()));
  CHECK(Total(*store) == 4);
  // And it is told, also at the door.
  CHECK(schedule.stats().events == 76);
  CHECK(schedule.accepts_from() == kToday - kDay);
  CHECK_FALSE(schedule.stats().last_error.empty());
}

TEST_CASE("A schedule that is off, and a store that cannot drop, are left alone") {
  class KeepingStore final : public Store {
   public:
    absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
      return store->Write(body);
    }
    absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
      return store->Read(body);
    }
    std::string Description() const override { return "keeping:"; }
    absl::StatusOr<RetentionStep> Retain(const Horizons& wanted, absl::Duration limit) override {
      ++asked;
      return Store::Retain(wanted, limit);
    }
    int asked = 0;
    const std::shared_ptr<Store> store = *OpenStore("memory:");
  };
  const auto store = std::make_shared<KeepingStore>();
  const auto fail = [](const absl::Status& error) { FAIL(error.ToString()); };
  DataRetention retention;
  retention.enabled = false;
  CHECK(RetentionSchedule(store, retention).Run(kToday, fail) == absl::InfiniteDuration());
  retention.enabled = true;
  RetentionSchedule schedule(store, retention);
  const absl::Duration until_first = schedule.Run(kToday, fail);
  CHECK(until_first > absl::Seconds(30));
  CHECK(until_first <= absl::Minutes(1));
  const auto run = schedule.Apply(kToday);
  CHECK(absl::IsUnimplemented(run.status()));
  CHECK(run.status().message() ==
        "the store keeping: does not drop old events; it keeps them for ever, or sees to that "
        "itself");
  CHECK(schedule.stats().last_error.empty());
  CHECK(absl::IsInvalidArgument(schedule.Apply(absl::InfinitePast()).status()));
  CHECK(schedule.stats().last_error.empty());

  retention.interval = absl::Seconds(1);
  RetentionSchedule due(store, retention);
  store->asked = 0;
  while (due.Run(kToday, fail) != absl::InfiniteDuration()) {
  }
  for (int commit = 0; commit < 3; ++commit) due.Run(kToday, fail);
  CHECK(store->asked == 1);
}

TEST_CASE("Of a user it is known that they were active on an old day, also in its first hours") {
  const TempDir dir;
  const auto store = OpenFile(dir);
  StoreDays(*store, 10);
  DataRetention kept;
  kept.events = kept.aggregates = 3 * kDay;
  REQUIRE(ApplyRetention(*store, kept, kToday).ok());
  const KpiCalculator kpis(store, "default", fixed_clock);
  const absl::Time day = kToday - 5 * kDay;
  const auto grain_at = [&](absl::Time at) {
    const auto user = kpis.GetUser("user of 5-0", {at});
    REQUIRE(user.ok());
    CHECK(user->total_sessions == 0);
    return user->grain;
  };
  CHECK(grain_at(day) == AnswerGrain::kExact);
  CHECK(grain_at(day + absl::Hours(2)) == AnswerGrain::kPartial);
  CHECK(grain_at(day + absl::Hours(20)) == AnswerGrain::kPartial);
}

}  // namespace
}  // namespace nerava::analytics
