#include "lib/store/sqlite/schema.h"

#include "absl/time/time.h"
#include "fmt/format.h"
#include "lib/store/sqlite/view.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics::sqlite {
namespace {

// Partitions shown by one view: SQLite joins at most 500 SELECTs, so views of views carry the rest.
constexpr std::int64_t kPartitionsPerView = 250;

std::string TotalsColumns() {
  std::string columns;
  for (const Totals::Field& field : Totals::Fields()) {
    columns += fmt::format("  {} INTEGER NOT NULL,\n", field.name);
  }
  return columns;
}

absl::Status CreateTables(Database& database) {
  return database.Execute(fmt::format(
      R"(
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('last_event', 0), ('events_from', 0), ('aggregates_from', 0), ('days_from', 0),
  ('blocks_from', 0), ('blocks_to', 0), ('erasures', 0);
CREATE TABLE names (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE users (number INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE);
CREATE TABLE partitions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  day INTEGER NOT NULL, part INTEGER NOT NULL,
  first_event INTEGER NOT NULL, last_event INTEGER NOT NULL, events INTEGER NOT NULL,
  UNIQUE (day, part));
CREATE TABLE erased (event BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE filters (
  partition INTEGER PRIMARY KEY, last_event INTEGER NOT NULL,
  ids BLOB NOT NULL, sessions BLOB NOT NULL);
CREATE TABLE event_counts (
  partition INTEGER NOT NULL, type INTEGER NOT NULL, region INTEGER NOT NULL,
  events INTEGER NOT NULL, PRIMARY KEY (partition, type, region)) WITHOUT ROWID;
CREATE TABLE aggregates (
  grain INTEGER NOT NULL, bucket INTEGER NOT NULL, region INTEGER NOT NULL,
{}  unique_users INTEGER NOT NULL, users BLOB,
  PRIMARY KEY (grain, bucket, region)) WITHOUT ROWID;
CREATE TABLE cells (
  grain INTEGER NOT NULL, bucket INTEGER NOT NULL, region INTEGER NOT NULL,
  hubs INTEGER NOT NULL, windows INTEGER NOT NULL, cells BLOB NOT NULL,
  PRIMARY KEY (grain, bucket, region, hubs, windows)) WITHOUT ROWID;
CREATE TABLE facts (
  slot INTEGER NOT NULL, region INTEGER NOT NULL, part INTEGER NOT NULL, facts BLOB NOT NULL,
  PRIMARY KEY (slot, region, part)) WITHOUT ROWID;
{}
PRAGMA application_id = {};
PRAGMA user_version = {};
)",
      TotalsColumns(), CreateEmptyRowsView() + ";\n" + CreateViews(), kApplicationId,
      kSchemaVersion));
}

// A file as SQLite makes it: nobody's.
absl::StatusOr<bool> IsEmpty(Database& database) {
  auto objects = database.QueryInteger(
      "SELECT (SELECT count(*) FROM sqlite_schema) + (SELECT application_id FROM "
      "pragma_application_id) + (SELECT user_version FROM pragma_user_version)");
  if (!objects.ok()) return objects.status();
  return *objects == 0;
}

// Makes the views anew: that of a group of partitions, and the one of all groups.
absl::Status ShowPartitions(Database& database, std::int64_t group) {
  std::string select;
  auto statement = database.Prepare(
      "SELECT day, part FROM partitions WHERE number BETWEEN ?1 AND ?2 ORDER BY number");
  if (!statement.ok()) return statement.status();
  (*statement)->Bind(1, group * kPartitionsPerView + 1);
  (*statement)->Bind(2, (group + 1) * kPartitionsPerView);
  while ((*statement)->Step()) {
    select += fmt::format("{}SELECT * FROM {}", select.empty() ? "" : " UNION ALL ",
                          PartitionTable((*statement)->Integer(0), (*statement)->Integer(1)));
  }
  if (!(*statement)->status().ok()) return (*statement)->status();
  (*statement)->Reset();
  absl::Status status = database.Execute(fmt::format("DROP VIEW IF EXISTS event_rows_{}", group));
  if (status.ok() && !select.empty()) {
    status = database.Execute(fmt::format("CREATE VIEW event_rows_{} AS {}", group, select));
  }
  if (!status.ok()) return status;

  select.clear();
  auto groups = database.Prepare("SELECT DISTINCT (number - 1) / ?1 FROM partitions ORDER BY 1");
  if (!groups.ok()) return groups.status();
  (*groups)->Bind(1, kPartitionsPerView);
  while ((*groups)->Step()) {
    select += fmt::format("{}SELECT * FROM event_rows_{}", select.empty() ? "" : " UNION ALL ",
                          (*groups)->Integer(0));
  }
  if (!(*groups)->status().ok()) return (*groups)->status();
  (*groups)->Reset();
  return database.Execute("DROP VIEW event_rows; " +
                          (select.empty() ? CreateEmptyRowsView()
                                          : fmt::format("CREATE VIEW event_rows AS {}", select)));
}

}  // namespace

absl::StatusOr<bool> NeedsSchema(Database& database, const std::string& path) {
  auto empty = IsEmpty(database);
  if (!empty.ok()) {
    return absl::Status(empty.status().code(), fmt::format("cannot open \"{}\": {}", path,
                                                           std::string(empty.status().message())));
  }
  if (*empty) return true;
  auto application = database.QueryInteger("PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*application != kApplicationId) {
    return absl::FailedPreconditionError(fmt::format(
        "\"{}\" is a SQLite database of another program; give the analytics a file of their own",
        path));
  }
  auto version = database.QueryInteger("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version > kSchemaVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "\"{}\" was written by a newer version of this library (schema {}, this one knows up to "
        "{}); upgrade the library, or open another file",
        path, *version, kSchemaVersion));
  }
  if (*version < kSchemaVersion) {
    return absl::FailedPreconditionError(
        fmt::format("\"{}\" is of schema {}, which no release wrote, and this library reads {}; "
                    "store its events "
                    "in a new file",
                    path, *version, kSchemaVersion));
  }
  return false;
}

absl::Status CreateSchema(Database& database, const std::string& path) {
  // Of two processes that open a new file one makes it, and the other waits here and finds it.
  if (absl::Status begin = database.Execute("BEGIN IMMEDIATE"); !begin.ok()) return begin;
  auto needed = NeedsSchema(database, path);
  absl::Status status = needed.status();
  if (status.ok() && *needed) status = CreateTables(database);
  if (status.ok()) status = database.Execute("COMMIT");
  if (!status.ok()) database.Execute("ROLLBACK").IgnoreError();
  return status;
}

std::string PartitionTable(std::int64_t day, std::int64_t part) {
  const absl::CivilDay civil = absl::ToCivilDay(absl::FromUnixSeconds(day), absl::UTCTimeZone());
  return fmt::format("events_{:04}{:02}{:02}_{}", civil.year(), civil.month(), civil.day(), part);
}

absl::Status CreatePartition(Database& database, std::int64_t number, std::string_view table) {
  // `event_id` and `session` hold 16 bytes for UUIDs and text for others. `aggregate` is NULL when
  // it is the session and 0 when it is the user: see event_rows.h.
  absl::Status status = database.Execute(fmt::format(
      R"(
CREATE TABLE {0} (
  id INTEGER PRIMARY KEY, event_id NOT NULL UNIQUE, type INTEGER NOT NULL, time INTEGER NOT NULL,
  region INTEGER NOT NULL, aggregate, version INTEGER NOT NULL,
  session, user INTEGER, hub INTEGER, "window" INTEGER,
  energy_mwh INTEGER, grid_reward_microusd INTEGER, merchant_reward_microusd INTEGER,
  total_reward_microusd INTEGER, amount_cents INTEGER, new_balance_cents INTEGER,
  fields TEXT, properties TEXT, created_at INTEGER NOT NULL);
CREATE INDEX {0}_session ON {0} (session) WHERE session IS NOT NULL;
)",
      table));
  if (!status.ok()) return status;
  return ShowPartitions(database, (number - 1) / kPartitionsPerView);
}

absl::Status DropPartition(Database& database, std::int64_t number, std::string_view table) {
  absl::Status status = ShowPartitions(database, (number - 1) / kPartitionsPerView);
  if (!status.ok()) return status;
  return database.Execute(fmt::format("DROP TABLE {}", table));
}

}  // namespace nerava::analytics::sqlite
