// A damaged database: opened, read and written, it gives errors or answers, in bounded time and
// memory. The input is a file itself ("SQLite format 3"), or says what is done to a good one: rows
// changed by SQL, then bytes of the file.
#include <fuzzer/FuzzedDataProvider.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/analytics.h"
#include "tests/fuzz/require.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics::fuzz {
namespace {

using testing::Credited;
using testing::Started;
using testing::Stopped;
using testing::TempDir;

const absl::Time kDay = absl::FromUnixSeconds(1'772'236'800);  // 2026-02-28T00:00:00Z

std::string Uuid(int number) { return fmt::format("00000000-0000-4000-8000-{:012}", number); }

// Two days of a few sessions, with ids of both kinds.
std::vector<EventPtr> Events() {
  std::vector<EventPtr> events;
  for (int i = 0; i < 6; ++i) {
    const absl::Time time = kDay + absl::Hours(7 * i);
    const std::string session = i % 2 == 0 ? Uuid(100 + i) : fmt::format("session {}", i);
    auto started = Started(Uuid(i), session, time);
    started->hub_id = "hub";
    started->window_id = "green_hour";
    started->properties = R"({"a":1})";
    events.push_back(started);
    events.push_back(
        Stopped(fmt::format("stop {}", i), session, time + absl::Minutes(40), 250'000));
    events.push_back(Credited(Uuid(200 + i), session, time + absl::Minutes(41), 25));
  }
  return events;
}

absl::StatusOr<std::shared_ptr<Store>> Open(const std::string& file) {
  StoreOptions options;
  options.sqlite_cache_bytes = 1 << 20;
  options.sqlite_busy_timeout = absl::ZeroDuration();
  return OpenStore("sqlite:///" + file, options);
}

std::string ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Db = std::unique_ptr<sqlite3, Close>;

Db OpenDb(const std::string& file) {
  sqlite3* db = nullptr;
  Require(sqlite3_open(file.c_str(), &db) == SQLITE_OK, "cannot open the good file");
  return Db(db);
}

// What may fail: not every change is possible.
void Try(const Db& db, const std::string& sql) {
  sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, nullptr);
}

std::vector<std::string> Query(const Db& db, const std::string& sql) {
  std::vector<std::string> rows;
  const auto add = [](void* to, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
    return 0;
  };
  Require(sqlite3_exec(db.get(), sql.c_str(), add, &rows, nullptr) == SQLITE_OK, sql);
  return rows;
}

// ---- The good file, and what can be done to it ------------------------------------------------

struct Column {
  std::string table;
  std::string name;
  std::string key;  // the first column of the table
};

struct Good {
  std::string bytes;
  std::vector<Column> columns;
  std::vector<std::string> statements;  // that change the file as a whole
};

Good MakeGood() {
  Good good;
  const TempDir dir;
  const std::string file = dir.File("good.db");
  {
    const auto store = Open(file);
    Require(store.ok(), "the good file cannot be made");
    Require(CommitBatch(**store, Events(), kDay).ok(), "the good file cannot be filled");
  }
  const Db db = OpenDb(file);
  // One file, with small pages, and with columns that take whatever they are given.
  Try(db, "PRAGMA journal_mode=DELETE; PRAGMA page_size=512; VACUUM; PRAGMA writable_schema=1");
  Try(db, "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table'");
  for (const std::string& table :
       Query(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")) {
    const auto names = Query(db, fmt::format("SELECT name FROM pragma_table_info('{}')", table));
    for (const std::string& name : names) good.columns.push_back({table, name, names[0]});
    good.statements.push_back(fmt::format("DROP TABLE \"{}\"", table));
    good.statements.push_back(fmt::format("DELETE FROM \"{}\"", table));
    good.statements.push_back(fmt::format("ALTER TABLE \"{0}\" ADD COLUMN more DEFAULT 1", table));
    good.statements.push_back(
        fmt::format("CREATE TRIGGER \"on_{0}\" BEFORE INSERT ON \"{0}\" BEGIN "
                    "SELECT RAISE(IGNORE); END",
                    table));
  }
  for (const char* pragma : {"user_version=0", "user_version=4", "application_id=0",
                             "encoding=utf16", "auto_vacuum=2", "schema_version=7"}) {
    good.statements.push_back(fmt::format("PRAGMA {}", pragma));
  }
  good.statements.push_back("DROP VIEW analytics_events");
  good.bytes = ReadFile(file);
  return good;
}

void BindAny(FuzzedDataProvider& input, sqlite3_stmt* statement, int index) {
  switch (input.ConsumeIntegralInRange(0, 5)) {
    case 0:
      sqlite3_bind_null(statement, index);
      break;
    case 1:
      sqlite3_bind_int64(statement, index, input.ConsumeIntegral<std::int64_t>());
      break;
    case 2:
      sqlite3_bind_int64(statement, index, input.ConsumeIntegral<std::int8_t>());
      break;
    case 3:
      sqlite3_bind_double(statement, index, input.ConsumeFloatingPoint<double>());
      break;
    default: {
      const std::string text = input.ConsumeRandomLengthString(200);
      const int size = static_cast<int>(text.size());
      if (input.ConsumeBool()) {
        sqlite3_bind_text(statement, index, text.data(), size, SQLITE_TRANSIENT);
      } else {
        sqlite3_bind_blob(statement, index, text.data(), size, SQLITE_TRANSIENT);
      }
    }
  }
}

// Gives a column of one row, or of all, any value.
void ChangeColumn(const Good& good, FuzzedDataProvider& input, const Db& db) {
  const Column& column =
      good.columns[input.ConsumeIntegralInRange<std::size_t>(0, good.columns.size() - 1)];
  const int row = input.ConsumeIntegralInRange(-1, 20);
  const std::string sql = fmt::format(
      "UPDATE OR IGNORE \"{0}\" SET \"{1}\" = ?1 WHERE ?2 < 0 OR \"{2}\" IN "
      "(SELECT \"{2}\" FROM \"{0}\" LIMIT 1 OFFSET ?2)",
      column.table, column.name, column.key);
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return;
  BindAny(input, statement, 1);
  sqlite3_bind_int(statement, 2, row);
  sqlite3_step(statement);
  sqlite3_finalize(statement);
}

std::string Damage(const Good& good, FuzzedDataProvider& input, const std::string& file) {
  const int changes = input.ConsumeIntegralInRange(0, 6);
  std::string bytes = good.bytes;
  if (changes > 0) {
    std::ofstream(file, std::ios::binary) << bytes;
    const Db db = OpenDb(file);
    Try(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF");
    for (int i = 0; i < changes; ++i) {
      if (input.ConsumeIntegralInRange(0, 7) != 0) {
        ChangeColumn(good, input, db);
      } else {
        Try(db, good.statements[input.ConsumeIntegralInRange<std::size_t>(
                    0, good.statements.size() - 1)]);
      }
    }
    bytes = ReadFile(file);
  }
  while (input.remaining_bytes() > 0) {
    const auto offset = input.ConsumeIntegral<std::uint16_t>();
    const std::string patch = input.ConsumeRandomLengthString(16);
    if (offset + patch.size() <= bytes.size()) bytes.replace(offset, patch.size(), patch);
  }
  return bytes;
}

// ---- What is done with it ---------------------------------------------------------------------

void ReadAll(Store& store) {
  store
      .Read([](ReadTransaction& transaction) {
        transaction.CountEvents().IgnoreError();
        transaction
            .EventsBetween(kDay - absl::Hours(24), kDay + absl::Hours(24 * 4),
                           [](const AnalyticsEvent&) {})
            .IgnoreError();
        std::int64_t last = 0;
        transaction
            .EventsAfter(0, 1'000'000,
                         [&](std::int64_t position, const AnalyticsEvent&) {
                           Require(position > last, "positions do not ascend");
                           last = position;
                           return true;
                         })
            .IgnoreError();
        const std::string session = Uuid(100);
        const std::vector<std::string_view> sessions = {session, "session 1"};
        return transaction.EventsOfSessions(sessions, [](const AnalyticsEvent&) {});
      })
      .IgnoreError();
}

void AskKpis(const std::shared_ptr<Store>& store) {
  const KpiCalculator kpis(store, "default");
  const Period ragged = {kDay + absl::Seconds(100), kDay + absl::Hours(30)};
  kpis.GetAllKpis({ragged, {}}).IgnoreError();
  kpis.GetAllKpis({ragged, {"", "hub", "green_hour"}}).IgnoreError();
  const Period wide = {kDay - absl::Hours(24 * 400), kDay + absl::Hours(24 * 400)};
  kpis.GetAllKpis({wide, {}}).IgnoreError();
  kpis.GetTrend({ragged, {}, Interval::kDay, "Asia/Kathmandu"}).IgnoreError();
  kpis.GetBreakdown({wide, {}, Dimension::kHub}).IgnoreError();
  kpis.GetFunnelBreakdown({wide, {}}, Dimension::kWindow, 1).IgnoreError();
  kpis.GetLoad({wide, {}, "UTC"}).IgnoreError();
  kpis.GetSessionSizes({wide, {}}).IgnoreError();
  kpis.GetRetention({wide, {}, Interval::kMonth, "Europe/Berlin"}).IgnoreError();
  kpis.GetSessionsPerUser({wide, {}}).IgnoreError();
  kpis.GetStreaks({wide.to, {}, "UTC"}, 3).IgnoreError();
  kpis.GetUser("user of session 1", {wide.to, {}, "UTC"}).IgnoreError();
}

void Use(const std::string& file) {
  const auto store = Open(file);
  if (!store.ok()) return;
  ReadAll(**store);
  AskKpis(*store);
  std::vector<EventPtr> events = {Events().front(), Stopped("new", Uuid(100), kDay, 1),
                                  Started("next", "session 1", kDay + absl::Hours(30)),
                                  Credited("far", "far", kDay + absl::Hours(24 * 3), 5)};
  CommitBatch(**store, events, kDay).IgnoreError();
  ReadAll(**store);
  AskKpis(*store);
  const Horizons wanted = {kDay + absl::Hours(48), kDay + absl::Hours(24), kDay};
  for (int step = 0; step < 5; ++step) {
    (*store)->Retain(wanted, absl::ZeroDuration()).IgnoreError();
  }
  ReadAll(**store);
  AskKpis(*store);
}

void Check(std::string_view data) {
  static const Good& good = *new Good(MakeGood());
  static const TempDir& dir = *new TempDir;
  const std::string file = dir.File("damaged.db");
  for (const char* end : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(file + end);

  std::string bytes(data);
  if (data.substr(0, 15) != "SQLite format 3") {
    FuzzedDataProvider input(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
    bytes = Damage(good, input, file);
  }
  std::ofstream(file, std::ios::binary) << bytes;
  Use(file);
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nerava::analytics::fuzz::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
