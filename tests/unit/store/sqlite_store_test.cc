#include <sqlite3.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Credited;
using testing::Started;
using testing::Stopped;
using testing::TempDir;

const absl::Time kStored = absl::FromUnixMicros(1'780'000'000'123'456);
const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z

using Rows = std::vector<std::vector<std::string>>;

// What anyone's SQL sees; NULL is "NULL".
Rows Sql(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  Rows rows;
  char* error = nullptr;
  const auto add_row = [](void* out, int columns, char** values, char**) {
    auto& row = static_cast<Rows*>(out)->emplace_back();
    for (int i = 0; i < columns; ++i) row.emplace_back(values[i] != nullptr ? values[i] : "NULL");
    return 0;
  };
  sqlite3_exec(db, sql.c_str(), add_row, &rows, &error);
  const std::string message = error != nullptr ? error : "";
  sqlite3_free(error);
  sqlite3_close(db);
  REQUIRE(message == "");
  return rows;
}

std::shared_ptr<Store> Open(const TempDir& dir, StoreOptions options = {}) {
  auto store = OpenStore(dir.SqliteUrl("events.db"), options);
  REQUIRE(store.ok());
  return *store;
}

CommitResult Commit(Store& store, const std::vector<EventPtr>& events) {
  auto result = CommitBatch(store, events, kStored);
  REQUIRE(result.ok());
  return *result;
}

KpiSummary Summarize(const std::shared_ptr<Store>& store, absl::Time from, absl::Time to) {
  auto summary = KpiCalculator(store, "default").Summarize({{from, to}, {}});
  REQUIRE(summary.ok());
  return *summary;
}

TEST_CASE("the view has the documented columns in the documented order") {
  const TempDir dir;
  const auto store = Open(dir);
  Rows columns =
      Sql(dir.File("events.db"), "SELECT name FROM pragma_table_info('analytics_events')");
  CHECK(columns == Rows{{"id"},
                        {"event_id"},
                        {"event_type"},
                        {"timestamp"},
                        {"region"},
                        {"aggregate_id"},
                        {"properties"},
                        {"created_at"}});
}

TEST_CASE("the view shows an event as documented") {
  const TempDir dir;
  const auto store = Open(dir);
  auto stop = Stopped("0f9619ff-8b86-4011-b42d-00cf4fc964ff", "session \"one\"",
                      kNoon + absl::Microseconds(5), 3'250'000);
  stop->user_id = "rené";
  stop->window_id = "green_hour";
  stop->energy_mwh = 12'500'000;
  stop->fields = R"({"connector":"CCS"})";
  stop->properties = R"({"campaign":{"name":"spring"},"null":null})";
  Commit(*store, {stop});
  CHECK(Sql(dir.File("events.db"),
            "SELECT id, event_id, event_type, timestamp, region, aggregate_id, created_at "
            "FROM analytics_events") ==
        Rows{{"1", "0f9619ff-8b86-4011-b42d-00cf4fc964ff", "analytics_charge_stopped",
              "2026-02-28 12:00:00.000005", "default", "session \"one\"",
              "2026-05-28 20:26:40.123456"}});
  CHECK(Sql(dir.File("events.db"),
            "SELECT properties->>'session_id', properties->>'user_id', properties->>'stopped_at', "
            "properties->>'kwh_consumed', properties->>'total_reward_usd', "
            "properties->>'grid_reward_usd', properties->>'connector', "
            "properties->>'session_type', properties->>'has_active_window', "
            "properties->>'reward_tier', properties->'campaign'->>'name' FROM analytics_events") ==
        Rows{{"session \"one\"", "rené", "2026-02-28T12:00:00.000005+00:00", "12.5", "3.25", "NULL",
              "CCS", "charging", "1", "medium", "spring"}});
  CHECK(Sql(dir.File("events.db"),
            "SELECT group_concat(key, ' ') FROM analytics_events, json_each(properties)") ==
        Rows{{"session_id user_id stopped_at kwh_consumed window_id total_reward_usd connector "
              "session_type has_active_window reward_tier campaign null"}});
}

TEST_CASE("ids in the view are unique and increase in commit order, whatever the events' days") {
  const TempDir dir;
  auto store = Open(dir);
  std::vector<std::string> order;
  for (const int day : {5, 0, 9, 5, 1}) {
    order.push_back(fmt::format("event {}", order.size()));
    Commit(*store, {Started(order.back(), order.back(), kNoon + absl::Hours(24 * day))});
    if (day == 9) store = nullptr, store = Open(dir);
  }
  Rows expected;
  for (std::size_t i = 0; i < order.size(); ++i)
    expected.push_back({std::to_string(i + 1), order[i]});
  CHECK(Sql(dir.File("events.db"), "SELECT id, event_id FROM analytics_events ORDER BY id") ==
        expected);
}

TEST_CASE("the view shows more days than SQLite joins in one SELECT") {
  const TempDir dir;
  const auto store = Open(dir);
  std::vector<EventPtr> events;
  constexpr int kDays = 620;
  for (int day = 0; day < kDays; ++day) {
    events.push_back(Started(fmt::format("e{}", day), "s", kNoon - absl::Hours(24 * day)));
  }
  Commit(*store, events);
  CHECK(Sql(dir.File("events.db"),
            "SELECT count(*), count(DISTINCT event_id) FROM analytics_events") ==
        Rows{{std::to_string(kDays), std::to_string(kDays)}});
  CHECK(Commit(*store, events).duplicates == kDays);
}

TEST_CASE("a day over its cap goes on in a further partition, and nothing is forgotten") {
  const TempDir dir;
  StoreOptions options;
  options.sqlite_partition_rows = 1000;
  auto store = Open(dir, options);
  std::vector<EventPtr> starts;
  std::vector<EventPtr> stops;
  constexpr int kSessions = 2500;
  for (int i = 0; i < kSessions; ++i) {
    starts.push_back(Started(fmt::format("start{}", i), fmt::format("s{}", i), kNoon));
    stops.push_back(
        Stopped(fmt::format("stop{}", i), fmt::format("s{}", i), kNoon + absl::Seconds(1), 1));
  }
  Commit(*store, starts);
  store = nullptr;
  store = Open(dir, options);
  Commit(*store, stops);
  CHECK(Sql(dir.File("events.db"), "SELECT count(*), max(events) FROM partitions") ==
        Rows{{"5", "1000"}});
  CHECK(Commit(*store, starts).duplicates == kSessions);
  CHECK(Commit(*store, stops).duplicates == kSessions);
  const KpiSummary summary = Summarize(store, kNoon - absl::Hours(36), kNoon + absl::Hours(36));
  CHECK(summary.totals.sessions_started == kSessions);
  CHECK(summary.totals.sessions_completed == kSessions);
  CHECK(summary.unique_users == kSessions);
}

TEST_CASE("what another connection commits is seen: ids, sessions, names and days") {
  const TempDir dir;
  const auto one = Open(dir);
  const auto other = Open(dir);
  Commit(*one, {Started("a", "s1", kNoon)});
  CHECK(Commit(*other, {Started("a", "s1", kNoon)}).duplicates == 1);
  Commit(*other, {Stopped("b", "s1", kNoon + absl::Hours(24), 1), Started("c", "s2", kNoon)});
  CHECK(Commit(*one, {Stopped("b", "s1", kNoon + absl::Hours(24), 1)}).duplicates == 1);
  Commit(*one, {Credited("d", "s1", kNoon + absl::Hours(48), 5), Stopped("e", "s2", kNoon, 2)});
  for (const auto& store : {one, other}) {
    const KpiSummary summary = Summarize(store, kNoon - absl::Hours(36), kNoon + absl::Hours(72));
    CHECK(summary.totals.sessions_started == 2);
    CHECK(summary.totals.sessions_completed == 2);
    CHECK(summary.totals.sessions_credited == 1);
    CHECK(summary.unique_users == 2);
  }
}

TEST_CASE("a reader sees one state while a writer commits") {
  const TempDir dir;
  const auto store = Open(dir);
  Commit(*store, {Started("a", "s1", kNoon)});
  REQUIRE(
      store
          ->Read([&](ReadTransaction& reader) {
            Commit(*store,
                   {Started("b", "s2", kNoon), Started("c", "s3", kNoon - absl::Hours(48))});
            int seen = 0;
            absl::Status status = reader.EventsBetween(absl::UnixEpoch(), kStored,
                                                       [&](const AnalyticsEvent&) { ++seen; });
            CHECK(seen == 1);
            if (!status.ok()) return status;
            // Of a session in a partition that this state does not have yet.
            seen = 0;
            status = reader.EventsOfSessions({"s1", "s3"}, [&](const AnalyticsEvent&) { ++seen; });
            CHECK(seen == 1);
            return status;
          })
          .ok());
  CHECK(Summarize(store, absl::UnixEpoch(), kStored).totals.sessions_started == 3);
}

TEST_CASE("the same file opened again answers the same") {
  const TempDir dir;
  auto store = Open(dir);
  Commit(*store,
         {Started("a", "s1", kNoon), Stopped("b", "s1", kNoon + absl::Minutes(9), 500'000)});
  store = nullptr;
  store = Open(dir);
  CHECK(Commit(*store, {Started("a", "s1", kNoon)}).duplicates == 1);
  const KpiSummary summary = Summarize(store, kNoon, kNoon + absl::Hours(1));
  CHECK(summary.totals.sessions_completed == 1);
  CHECK(summary.totals.reward_microusd == 500'000);
}

TEST_CASE("a file of a newer version is refused, and not touched") {
  const TempDir dir;
  Open(dir);
  Sql(dir.File("events.db"), "PRAGMA user_version = 99");
  const auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(store.status().message()),
             Catch::Contains("newer version") && Catch::Contains("99"));
  CHECK(Sql(dir.File("events.db"), "PRAGMA user_version") == Rows{{"99"}});
}

TEST_CASE("another program's database is refused, and not touched") {
  const TempDir dir;
  Sql(dir.File("events.db"), "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
  const auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(store.status().message()), Catch::Contains("another program"));
  CHECK(Sql(dir.File("events.db"), "SELECT name FROM sqlite_schema") == Rows{{"theirs"}});
  CHECK(Sql(dir.File("events.db"), "PRAGMA journal_mode") == Rows{{"delete"}});
}

TEST_CASE("a new file opened by many at once is made once, and all can use it") {
  const TempDir dir;
  constexpr int kOpeners = 8;
  std::vector<std::thread> threads;
  std::atomic<int> committed{0};
  std::latch ready(kOpeners);
  for (int i = 0; i < kOpeners; ++i) {
    threads.emplace_back([&, i] {
      ready.arrive_and_wait();
      auto store = OpenStore(dir.SqliteUrl("events.db"));
      if (!store.ok()) return;
      const std::string id = fmt::format("e{}", i);
      if (CommitBatch(**store, {Started(id, id, kNoon)}, kStored).ok()) ++committed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(committed == kOpeners);
  CHECK(Summarize(Open(dir), kNoon, kStored).totals.sessions_started == kOpeners);
}

TEST_CASE("a file that is no database is refused, and not touched") {
  const TempDir dir;
  const std::string text(5000, 'x');
  std::ofstream(dir.File("events.db")) << text;
  const auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(store.status().message()),
             Catch::Contains(dir.File("events.db")) && Catch::Contains("restore a backup"));
  std::ifstream file(dir.File("events.db"));
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);
}

TEST_CASE("a missing folder is refused with what to do") {
  const TempDir dir;
  const auto store = OpenStore(dir.SqliteUrl("missing/events.db"));
  REQUIRE(store.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(store.status().message()), Catch::Contains("does its folder exist"));
}

TEST_CASE("URLs that name no store are refused without showing their password") {
  for (const std::string url : {"", "sqlite", "sqlite:///", "sqlite:///:memory:", "sqlite:///a?b=c",
                                "mysql://user:secret@host/db", "memory"}) {
    INFO(url);
    const auto store = OpenStore(url);
    REQUIRE(store.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK_THAT(std::string(store.status().message()), !Catch::Contains("secret"));
  }
}

TEST_CASE("a relative file stays where it was opened when the host changes its folder") {
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.File(""));
  const auto store = OpenStore("sqlite:///relative.db");
  std::filesystem::current_path(before);
  REQUIRE(store.ok());
  Commit(**store, {Started("a", "s", kNoon)});
  CHECK(Summarize(*store, kNoon, kNoon + absl::Hours(1)).totals.sessions_started == 1);
  CHECK(std::filesystem::exists(dir.File("relative.db")));
}

TEST_CASE("a locked file is Unavailable after the busy timeout, and stored when free") {
  const TempDir dir;
  StoreOptions options;
  options.sqlite_busy_timeout = absl::Milliseconds(1);
  const auto store = Open(dir, options);
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(dir.File("events.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(CommitBatch(*store, {Started("a", "s", kNoon)}, kStored).status().code() ==
        absl::StatusCode::kUnavailable);
  sqlite3_close(other);
  CHECK(Commit(*store, {Started("a", "s", kNoon)}).committed == 1);
}

TEST_CASE("a body that throws leaves a store that works") {
  const std::string kind = GENERATE("memory", "sqlite");
  const TempDir dir;
  auto store = OpenStore(kind == "memory" ? "memory:" : dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  CHECK_THROWS_AS((*store)
                      ->Write([](WriteTransaction& transaction) -> absl::Status {
                        CHECK(transaction.Insert({Started("a", "new", kNoon)}, kStored).ok());
                        throw std::runtime_error("thrown");
                      })
                      .ok(),
                  std::runtime_error);
  CHECK(Commit(**store, {Started("a", "new", kNoon)}).committed == 1);
  CHECK(Summarize(*store, kNoon, kStored).totals.sessions_started == 1);
}

TEST_CASE("an event that the tables cannot hold is the event's fault, and is refused alone") {
  const auto spoil = GENERATE(0, 1, 2, 3);
  auto event = Started("bad", "s", kNoon);
  if (spoil == 0) event->event_type = "";
  if (spoil == 1) event->region = "";
  if (spoil == 2) event->time = absl::InfinitePast();
  if (spoil == 3) event->event_id = "";
  const TempDir dir;
  const auto store = Open(dir);
  CHECK(CommitBatch(*store, {Started("good", "s", kNoon), event}, kStored).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(Commit(*store, {Started("good", "s", kNoon)}).committed == 1);
}

TEST_CASE("an existing file is opened and read while another process writes") {
  const TempDir dir;
  Commit(*Open(dir), {Started("a", "s", kNoon)});
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(dir.File("events.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(Summarize(Open(dir), kNoon, kStored).totals.sessions_started == 1);
  sqlite3_close(other);
}

TEST_CASE("closing a store does not wait for another process's lock") {
  const TempDir dir;
  StoreOptions options;
  options.sqlite_busy_timeout = absl::Hours(24);  // what it would wait
  auto store = Open(dir, options);
  Commit(*store, {Started("a", "s", kNoon)});
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(dir.File("events.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  store = nullptr;
  sqlite3_close(other);
  CHECK(Commit(*Open(dir), {Started("a", "s", kNoon)}).duplicates == 1);
}

TEST_CASE("after an answer that failed, others still see what was committed since") {
  const TempDir dir;
  const auto store = Open(dir);
  Commit(*store, {Stopped("a", "s1", kNoon), Stopped("b", "s2", kNoon + absl::Hours(48))});
  Sql(dir.File("events.db"),
      "UPDATE aggregates SET users = x'00112233' WHERE grain = 2 AND bucket = 1772236800");
  const KpiCalculator kpis(store, "default");
  const absl::Time day = kNoon - absl::Hours(12);
  CHECK(kpis.Summarize({{day, day + absl::Hours(24)}, {}}).status().code() ==
        absl::StatusCode::kDataLoss);
  Commit(*store, {Stopped("c", "s3", kNoon + absl::Hours(49))});
  CHECK(Summarize(store, day + absl::Hours(48), day + absl::Hours(72)).totals.total_sessions == 2);
}

TEST_CASE("an hour of many events, stored in small batches, is answered to the microsecond") {
  const TempDir dir;
  const auto store = Open(dir);
  const auto reference = *OpenStore("memory:");
  for (int i = 0; i < 2000; i += 4) {
    std::vector<EventPtr> batch;
    for (int j = i; j < i + 4; ++j) {
      const std::string id = std::to_string(j);
      const absl::Time time = kNoon + absl::Milliseconds(j * 1777 % 3'600'000);
      // The start last: it changes what the stop said.
      batch.push_back(j % 2 == 0 ? Stopped("e" + id, "s" + std::to_string(j / 2), time, j)
                                 : Started("e" + id, "s" + std::to_string(j / 2), time));
    }
    Commit(*store, batch);
    Commit(*reference, batch);
  }
  CHECK(std::stoi(Sql(dir.File("events.db"), "SELECT count(*) FROM facts").front().front()) > 4);
  for (int minute = 0; minute < 60; minute += 7) {
    const absl::Time from = kNoon + absl::Minutes(minute) + absl::Microseconds(1);
    const absl::Time to = from + absl::Minutes(9);
    const KpiSummary found = Summarize(store, from, to);
    const KpiSummary expected = Summarize(reference, from, to);
    CHECK(found.totals == expected.totals);
    CHECK(found.unique_users == expected.unique_users);
  }
}

TEST_CASE("out-of-range options are refused by name") {
  const TempDir dir;
  StoreOptions options;
  options.sqlite_partition_rows = 999;
  const auto store = OpenStore(dir.SqliteUrl("events.db"), options);
  REQUIRE(store.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK_THAT(std::string(store.status().message()), Catch::Contains("sqlite_partition_rows"));
}

TEST_CASE("daily_kpis has every day's numbers, which late events correct and retention keeps") {
  const TempDir dir;
  const auto store = Open(dir);
  const absl::Duration hour = absl::Hours(1);
  Commit(*store, {Started("a", "s1", kNoon), Stopped("b", "s1", kNoon + hour, 1'500'000),
                  Stopped("c", "s2", kNoon + hour), Started("d", "s3", kNoon - 24 * hour)});
  const auto days = [&] {
    return Sql(dir.File("events.db"),
               "SELECT day, region, closed, sessions_started, sessions_completed, orphan_stops, "
               "total_sessions, unique_users, total_rewards_usd FROM daily_kpis ORDER BY day");
  };
  CHECK(days() == Rows{{"2026-02-27", "default", "1", "1", "0", "0", "0", "0", "0.0"},
                       {"2026-02-28", "default", "1", "1", "1", "1", "2", "2", "1.5"}});
  Commit(*store, {Started("late", "s2", kNoon - hour)});
  Commit(*store, {Stopped("later", "s3", kNoon)});
  const Rows corrected{{"2026-02-27", "default", "1", "1", "1", "0", "0", "0", "0.0"},
                       {"2026-02-28", "default", "1", "2", "2", "0", "3", "3", "1.5"}};
  CHECK(days() == corrected);
  const auto step = store->Retain({kNoon + 24 * hour, kNoon + 24 * hour}, hour);
  REQUIRE(step.ok());
  CHECK(step->events == 6);
  CHECK(days() == corrected);
}

TEST_CASE(
    "days that are over are added up by sixteen, by hub too, and go when a day of theirs does") {
  const TempDir dir;
  auto store = Open(dir);
  const absl::Duration day = absl::Hours(24);
  const auto fill = [&] {
    for (int i = 0; i < 40; ++i) {
      const std::string id = std::to_string(i);
      Commit(*store, {Started("a" + id, "s" + id, kNoon + i * day),
                      Stopped("b" + id, "s" + id, kNoon + i * day + absl::Hours(1))});
    }
  };
  const auto retain = [&](absl::Time from) {
    for (bool done = false; !done;) {
      const auto step = store->Retain({from, from}, day);
      REQUIRE(step.ok());
      done = step->done;
    }
  };
  const auto blocks = [&](const TempDir& of) {
    return Sql(of.File("events.db"),
               "SELECT date(bucket, 'unixepoch') FROM cells WHERE grain = 5 ORDER BY 1");
  };
  fill();
  retain(absl::UnixEpoch());
  CHECK(blocks(dir) == Rows{{"2026-02-28"}, {"2026-03-16"}});
  const absl::Time second = absl::FromUnixSeconds(1'773'619'200);  // 2026-03-16
  retain(second);
  CHECK(blocks(dir) == Rows{{"2026-03-16"}});
  retain(second + day);
  CHECK(blocks(dir).empty());
  // What comes late into one of which days are gone makes none.
  Commit(*store, {Started("late", "s", second + 5 * day)});
  CHECK(blocks(dir).empty());
  const std::string by_region = "SELECT count(*) FROM aggregates WHERE grain = 4";
  CHECK(Sql(dir.File("events.db"), by_region) == Rows{{"2"}});

  const TempDir other;
  store = Open(other);
  fill();
  retain(second - day);  // before any was added up
  CHECK(blocks(other) == Rows{{"2026-03-16"}});
  CHECK(Sql(other.File("events.db"), by_region) == Rows{{"2"}});
}

}  // namespace
}  // namespace nerava::analytics
