// What survives a failure of the power, and how the write-ahead log is kept small.
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/store.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/power_vfs.h"

namespace nerava::analytics {
namespace {

using testing::PowerVfs;
using testing::Started;
using testing::TempDir;

const absl::Time kStored = absl::FromUnixSeconds(1'780'000'000);
const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z

std::shared_ptr<Store> Open(const TempDir& dir) {
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  return *store;
}

void Commit(Store& store, const std::string& id) {
  REQUIRE(CommitBatch(store, {Started(id, id, kNoon)}, kStored).ok());
}

// What a query of one value answers after the power failed; "" when there is no such table.
std::string AfterPowerFailure(const PowerVfs& vfs, const std::string& query) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open_v2(vfs.AfterPowerFailure("events.db").c_str(), &db,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix") == SQLITE_OK);
  std::string answer;
  const auto keep = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) = values[0] != nullptr ? values[0] : "";
    return 0;
  };
  sqlite3_exec(db, query.c_str(), keep, &answer, nullptr);
  sqlite3_close(db);
  return answer;
}

std::string StoredAfterPowerFailure(const PowerVfs& vfs) {
  return AfterPowerFailure(vfs, "SELECT group_concat(event_id, ' ') FROM analytics_events");
}

TEST_CASE("what was committed before a sync survives a failure of the power") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  const auto store = Open(dir);
  Commit(*store, "a");
  Commit(*store, "b");
  REQUIRE(store->Sync().ok());
  CHECK(StoredAfterPowerFailure(vfs) == "a b");
}

TEST_CASE("what was committed and not synced does not: the disk of these tests loses it") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  const auto store = Open(dir);
  Commit(*store, "a");
  REQUIRE(store->Sync().ok());
  Commit(*store, "b");
  CHECK(StoredAfterPowerFailure(vfs) == "a");
}

TEST_CASE("a sync holds for commits of other connections, too") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  const auto store = Open(dir);
  const auto other = Open(dir);
  Commit(*other, "a");
  REQUIRE(store->Sync().ok());
  CHECK(StoredAfterPowerFailure(vfs) == "a");
}

TEST_CASE("a sync holds when another connection has copied the log into the file meanwhile") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  const auto store = Open(dir);
  Commit(*store, "a");
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(dir.File("events.db").c_str(), &other) == SQLITE_OK);
  const std::string mode = GENERATE("PASSIVE", "TRUNCATE");
  REQUIRE(sqlite3_exec(other, ("PRAGMA synchronous=NORMAL; PRAGMA wal_checkpoint=" + mode).c_str(),
                       nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  Commit(*store, "b");  // begins the log anew
  REQUIRE(store->Sync().ok());
  CHECK(StoredAfterPowerFailure(vfs) == "a b");
}

TEST_CASE("a sync of a store that has committed nothing succeeds") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  CHECK(Open(dir)->Sync().ok());
}

TEST_CASE("a closed store has everything synced") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  Commit(*Open(dir), "a");
  CHECK(StoredAfterPowerFailure(vfs) == "a");
}

TEST_CASE("a sync that fails is Unavailable, and the next one holds although the kernel forgot") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  const auto store = Open(dir);
  Commit(*store, "a");
  REQUIRE(store->Sync().ok());
  Commit(*store, "b");
  int failures = 1;
  vfs.fails = [&](const std::string& name) { return name == "events.db-wal" && failures-- > 0; };
  const absl::Status failed = store->Sync();
  CHECK(failed.code() == absl::StatusCode::kUnavailable);
  CHECK_THAT(std::string(failed.message()),
             Catch::Contains("events.db-wal") && Catch::Contains("disk"));
  CHECK(StoredAfterPowerFailure(vfs) == "a");
  REQUIRE(store->Sync().ok());
  CHECK(StoredAfterPowerFailure(vfs) == "a b");
  Commit(*store, "c");
  REQUIRE(store->Sync().ok());
  CHECK(StoredAfterPowerFailure(vfs) == "a b c");
}

TEST_CASE("a sync after a failed one waits for a reader, and is Unavailable until then") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  StoreOptions options;
  options.sqlite_busy_timeout = absl::Milliseconds(1);
  auto store = OpenStore(dir.SqliteUrl("events.db"), options);
  REQUIRE(store.ok());
  Commit(**store, "a");
  bool fail = true;
  vfs.fails = [&](const std::string&) { return fail; };
  CHECK_FALSE((*store)->Sync().ok());
  fail = false;
  REQUIRE((*store)
              ->Read([&](ReadTransaction&) {
                CHECK((*store)->Sync().code() == absl::StatusCode::kUnavailable);
                return absl::OkStatus();
              })
              .ok());
  CHECK((*store)->Sync().ok());
  CHECK(StoredAfterPowerFailure(vfs) == "a");
}

// Commits until `done`. How many events.
std::size_t CommitUntil(Store& store, const std::function<bool()>& done) {
  std::size_t events = 0;
  while (!done()) {
    std::vector<EventPtr> batch;
    for (int i = 0; i < 1000; ++i, ++events) {
      const std::string id = fmt::format("{:016x}", events * 0x9e3779b97f4a7c15);
      batch.push_back(Started(id, id, kNoon));
    }
    REQUIRE(CommitBatch(store, batch, kStored).ok());
    REQUIRE(events < 1'000'000);
  }
  return events;
}

TEST_CASE("the log is copied into the file now and then, while nobody else can begin it anew") {
  const TempDir dir;
  const auto store = Open(dir);
  const std::string file = dir.File("events.db");
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &other) == SQLITE_OK);
  int writes = 0;
  int unguarded = 0;
  PowerVfs vfs(dir.File("safe"));
  vfs.on_write = [&](const std::string& name) {
    if (name != "events.db") return;
    ++writes;
    if (sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_BUSY) {
      ++unguarded;
      sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
    }
  };
  {
    const auto watched = Open(dir);
    CommitUntil(*watched, [&] { return writes > 0; });
  }
  CHECK(writes > 1000);
  CHECK(std::filesystem::file_size(file + "-wal") < (100 << 20));
  CHECK(unguarded == 0);
  sqlite3_close(other);
}

TEST_CASE("a checkpoint whose sync fails is not forgotten by the next sync") {
  const TempDir dir;
  PowerVfs vfs(dir.File("safe"));
  const auto store = Open(dir);
  Commit(*store, "first");
  bool failed = false;
  vfs.fails = [&](const std::string&) { return !std::exchange(failed, true); };
  const std::size_t events = CommitUntil(*store, [&] { return failed; });
  REQUIRE(store->Sync().ok());
  CHECK(AfterPowerFailure(vfs, "SELECT count(*) FROM events_20260228_0") ==
        std::to_string(events + 1));
}

TEST_CASE("a journal belongs beside the file, whatever the file is called") {
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  const auto store = Open(dir);
  CHECK(store->JournalFolder() == dir.File("events.db.journal"));

  std::filesystem::create_symlink(dir.File("events.db"), dir.File("link.db"));
  std::filesystem::current_path(dir.File(""));
  for (const std::string url :
       {"sqlite:///events.db", "sqlite:///./events.db", "sqlite:///link.db"}) {
    INFO(url);
    const auto same = OpenStore(url);
    REQUIRE(same.ok());
    CHECK((*same)->JournalFolder() == store->JournalFolder());
    CHECK((*same)->Description() == store->Description());
  }
  std::filesystem::current_path(before);
}

TEST_CASE("memory has no journal") {
  const auto store = OpenStore("memory:");
  REQUIRE(store.ok());
  CHECK((*store)->JournalFolder().empty());
  CHECK((*store)->Sync().ok());
}

}  // namespace
}  // namespace nerava::analytics
