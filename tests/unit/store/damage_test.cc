// SQLite files that are damaged, or made to do harm: errors, no crash, no memory without bounds, and
// no answer that is wrong where that can be told.
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/funnel.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"
#include "nerava/analytics/store.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Credited;
using testing::Started;
using testing::Stopped;
using testing::TempDir;

const absl::Time kStored = absl::FromUnixSeconds(1'780'000'000);
const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z

constexpr char kUuid[] = "0f9619ff-8b86-4011-b42d-00cf4fc964ff";

std::vector<EventPtr> Events() {
  return {Started(kUuid, kUuid, kNoon), Stopped("b", kUuid, kNoon + absl::Minutes(9), 500'000),
          Started("c", "s2", kNoon + absl::Hours(24)), Credited("d", "", kNoon, 100)};
}

void Make(const TempDir& dir) {
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  REQUIRE(CommitBatch(**store, Events(), kStored).ok());
}

// How many rows that changed.
int Damage(const TempDir& dir, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(dir.File("events.db").c_str(), &db) == SQLITE_OK);
  char* error = nullptr;
  sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
  const std::string message = error != nullptr ? error : "";
  const int changes = sqlite3_total_changes(db);
  sqlite3_free(error);
  sqlite3_close(db);
  REQUIRE(message == "");
  return changes;
}

// The first error of all that a store is for.
absl::Status UseAll(const TempDir& dir) {
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  if (!store.ok()) return store.status();
  const KpiCalculator kpis(*store, "default");
  for (const absl::Duration ragged : {absl::ZeroDuration(), absl::Seconds(7)}) {
    const absl::Time from = kNoon - absl::Hours(12) - ragged;
    const auto summary = kpis.Summarize({{from, from + absl::Hours(72)}, {}});
    if (!summary.ok()) return summary.status();
  }
  const BreakdownQuery by_hub{
      {kNoon - absl::Hours(12), kNoon + absl::Hours(60)}, {}, Dimension::kHub, 0};
  if (auto hubs = kpis.GetBreakdown(by_hub); !hubs.ok()) return hubs.status();
  const auto funnel = kpis.GetFunnel({by_hub.period});  // from facts
  if (!funnel.ok()) return funnel.status();
  absl::Status status = (*store)->Read([](ReadTransaction& transaction) {
    if (auto counts = transaction.CountEvents(); !counts.ok()) return counts.status();
    std::int64_t last = 0;
    absl::Status ordered =
        transaction.EventsAfter(0, 1'000'000, [&](std::int64_t position, const AnalyticsEvent&) {
          CHECK(position > last);
          last = position;
          return true;
        });
    if (!ordered.ok()) return ordered;
    return transaction.EventsBetween(absl::UnixEpoch(), kStored, [](const AnalyticsEvent&) {});
  });
  if (!status.ok()) return status;
  std::vector<EventPtr> events = Events();
  events.push_back(Stopped("e", kUuid, kNoon + absl::Minutes(8), 7));
  events.push_back(Stopped("f", "s2", kNoon + absl::Minutes(8), 7));
  return CommitBatch(**store, events, kStored).status();
}

TEST_CASE("a file that is whole does all that the tests of damaged ones ask of it") {
  const TempDir dir;
  Make(dir);
  CHECK(UseAll(dir).ok());
}

TEST_CASE("a file whose rows cannot be is DataLoss") {
  const std::string sql = GENERATE(
      // Memory would be asked for by these.
      "UPDATE partitions SET events = 9223372036854775807", "UPDATE partitions SET events = 1e12",
      "UPDATE partitions SET events = -1",
      // These are names of tables, and bounds.
      "UPDATE partitions SET day = 9223372036854775807 WHERE number = 1",
      "UPDATE partitions SET day = day + 1", "UPDATE partitions SET day = -86400 WHERE number = 1",
      "UPDATE partitions SET part = -1", "UPDATE partitions SET first_event = -9223372036854775808",
      "UPDATE state SET value = -1 WHERE name = 'last_event'",
      "UPDATE state SET value = 9223372036854775807 WHERE name = 'last_event'",
      // Rows that contradict each other.
      "DELETE FROM names WHERE text = 'default'", "DELETE FROM users",
      "UPDATE state SET value = 2 WHERE name = 'last_event'",
      // Values that are not what they are taken for.
      "UPDATE events_20260228_0 SET event_id = x'001122' WHERE event_id = 'b'",
      "UPDATE events_20260228_0 SET session = zeroblob(5000) WHERE event_id = 'b'",
      "UPDATE events_20260228_0 SET aggregate = x'00' WHERE event_id = 'b'",
      "UPDATE events_20260228_0 SET time = -5 WHERE event_id = 'b'; "
      "UPDATE events_20260228_0 SET session = 's2' WHERE event_id = 'b'; DELETE FROM filters",
      "UPDATE events_20260228_0 SET total_reward_microusd = 9223372036854775807",
      "UPDATE events_20260228_0 SET energy_mwh = -9223372036854775808",
      "UPDATE events_20260228_0 SET properties = zeroblob(20000000) WHERE event_id = 'b'",
      "UPDATE names SET text = printf('%.*c', 2000, 'x') WHERE text = 'default'",
      "UPDATE users SET number = number + 4294967296", "UPDATE users SET number = number - 10",
      // Sums that overflow.
      "UPDATE aggregates SET reward_microusd = 9223372036854775807",
      "UPDATE aggregates SET reward_microusd = -9223372036854775808",
      "UPDATE aggregates SET sessions_with_reward = 4611686018427387904",
      // Facts: cut off; of another hour; an amount that overflows; a user that cannot be.
      "UPDATE facts SET facts = substr(facts, 1, length(facts) - 1)",
      "UPDATE facts SET facts = x'ffffffffff7f000000010102'",
      "UPDATE facts SET facts = x'0001000001ffffffffffffffffff01'",
      "UPDATE facts SET facts = x'000000ffffffffffff7f020102'",
      // ... a time to the stop below 0; more sessions of a user than there can be.
      "UPDATE facts SET facts = x'0000000009010302'",
      "UPDATE facts SET facts = x'00000001808080041002'",
      // Buckets that overlap.
      "UPDATE aggregates SET bucket = bucket + 1", "UPDATE cells SET bucket = bucket + 1",
      // Cells: cut off; an amount that overflows; a set of users that is none.
      "UPDATE cells SET cells = substr(cells, 1, length(cells) - 1)",
      "UPDATE cells SET cells = x'000001feffffffffffffffff0100'",
      "UPDATE cells SET cells = x'000001fcffffffffffffff1f00'",
      "UPDATE cells SET cells = x'000001020400112233'",
      // Sets of users.
      "UPDATE aggregates SET users = x'00112233'",
      "UPDATE aggregates SET users = x'3a300000010000000000ff0f10000000' || zeroblob(8192)");
  INFO(sql);
  const TempDir dir;
  Make(dir);
  REQUIRE(Damage(dir, sql) > 0);
  const absl::Status status = UseAll(dir);
  INFO(status);
  CHECK(status.code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("a damaged filter is made anew from the rows") {
  const std::string sql =
      GENERATE("UPDATE filters SET ids = x''", "UPDATE filters SET ids = zeroblob(40)",
               "UPDATE filters SET ids = zeroblob(8 + 32 * 64), sessions = zeroblob(8 + 32 * 64)",
               "UPDATE filters SET ids = x'ffffffffffffffff' || zeroblob(2048)",
               "UPDATE filters SET sessions = x'ffffffffffffff7f' || zeroblob(2048)",
               "UPDATE filters SET last_event = 9223372036854775807",
               "UPDATE filters SET last_event = -9223372036854775808");
  INFO(sql);
  const TempDir dir;
  Make(dir);
  REQUIRE(Damage(dir, sql) > 0);
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  const auto again = CommitBatch(**store, Events(), kStored);
  REQUIRE(again.ok());
  CHECK(again->duplicates == Events().size());
}

TEST_CASE("nothing in a file is run: its triggers do not fire, its views are not asked") {
  const TempDir dir;
  Make(dir);

  SECTION("triggers") {
    Damage(dir,
           "CREATE TRIGGER t AFTER INSERT ON event_counts BEGIN DELETE FROM names; END;"
           "CREATE TRIGGER u AFTER UPDATE ON state BEGIN DELETE FROM names; END");
    CHECK(UseAll(dir).ok());
    CHECK(UseAll(dir).ok());
  }
  SECTION("a view in place of a table, without end") {
    Damage(dir,
           "DROP TABLE names; CREATE VIEW names(number, text) AS WITH RECURSIVE r(i) AS (SELECT 1 "
           "UNION ALL SELECT i + 1 FROM r) SELECT i, i FROM r");
    CHECK_FALSE(UseAll(dir).ok());
  }
  SECTION("a table that makes its values up, and makes them large") {
    Damage(dir,
           "ALTER TABLE names RENAME TO kept; "
           "CREATE TABLE names(number INTEGER PRIMARY KEY, text AS (zeroblob(900000000))); "
           "INSERT INTO names(number) SELECT number FROM kept");
    CHECK_FALSE(UseAll(dir).ok());
  }
}

TEST_CASE("a store whose tables are gone says so, and goes on when they are back") {
  const TempDir dir;
  Make(dir);
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  Damage(dir, "ALTER TABLE state RENAME TO kept");
  const absl::Status gone = CommitBatch(**store, Events(), kStored).status();
  CHECK_FALSE(gone.ok());
  CHECK_FALSE(absl::IsInvalidArgument(gone));  // not the events' fault
  Damage(dir, "ALTER TABLE kept RENAME TO state");
  CHECK(CommitBatch(**store, Events(), kStored).ok());
}

TEST_CASE("a file with random bytes changed is used, or refused, and nothing worse") {
  const char* const seeds = std::getenv("NERAVA_SEEDS");
  const int files = seeds != nullptr ? std::atoi(seeds) / 10 : 100;
  const TempDir dir;
  Make(dir);
  const auto read = [](const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string whole = read(dir.File("events.db"));
  REQUIRE_FALSE(std::filesystem::exists(dir.File("events.db-wal")));
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < files; ++i) {
    std::string damaged = whole;
    // Where there is something: most of a page is empty.
    for (int changes = 0; changes < 4;) {
      const std::size_t at = random() % damaged.size();
      if (damaged[at] == 0 && random() % 64 != 0) continue;
      damaged[at] = static_cast<char>(random());
      ++changes;
    }
    for (const char* const beside : {"-wal", "-shm"}) {
      std::filesystem::remove(dir.File("events.db") + beside);
    }
    std::ofstream(dir.File("events.db"), std::ios::binary) << damaged;
    refused += UseAll(dir).ok() ? 0 : 1;
  }
  CHECK(refused > files / 20);
}

TEST_CASE("a damaged day ends the retention with an error, after what it could drop") {
  const TempDir dir;
  Make(dir);
  const std::string bucket = GENERATE("9223372036854775807", "9223372036854720000", "-86400");
  REQUIRE(Damage(dir, "UPDATE aggregates SET bucket = " + bucket +
                          " WHERE grain = 2 AND bucket = "
                          "(SELECT max(bucket) FROM aggregates WHERE grain = 2)") == 1);
  const auto store = *OpenStore(dir.SqliteUrl("events.db"));
  absl::StatusOr<RetentionStep> step = RetentionStep();
  step->done = false;
  for (int steps = 0; steps < 10 && step.ok() && !step->done; ++steps) {
    step = store->Retain({kNoon + absl::Hours(12), kNoon}, absl::Hours(1));
  }
  CHECK(absl::IsDataLoss(step.status()));
  REQUIRE(store
              ->Read([](ReadTransaction& transaction) {
                CHECK(transaction.CountEvents()->total == 1);  // what is not damaged was dropped
                return absl::OkStatus();
              })
              .ok());
}

}  // namespace
}  // namespace nerava::analytics
