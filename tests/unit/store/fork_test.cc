// Stores over fork(): parent and child go on with the same object.
#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"
#include "tests/support/charging.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Child;
using testing::InChild;
using testing::Signal;
using testing::Started;
using testing::TempDir;

const absl::Time kStored = absl::FromUnixSeconds(1'780'000'000);
const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z

std::shared_ptr<Store> Open(const TempDir& dir) {
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  return *store;
}

absl::Status Commit(Store& store, const std::string& id) {
  return CommitBatch(store, {Started(id, id, kNoon)}, kStored).status();
}

absl::StatusOr<std::int64_t> Count(const std::shared_ptr<Store>& store) {
  auto summary = KpiCalculator(store, "default").Summarize({{kNoon, kNoon + absl::Hours(1)}, {}});
  if (!summary.ok()) return summary.status();
  return summary->totals.sessions_started;
}

// The first column of what a connection of its own answers.
std::vector<std::string> Sql(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  std::vector<std::string> rows;
  const auto add = [](void* out, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(out)->emplace_back(values[0]);
    return 0;
  };
  const int code = sqlite3_exec(db, sql.c_str(), add, &rows, nullptr);
  sqlite3_close(db);
  REQUIRE(code == SQLITE_OK);
  return rows;
}

using Ids = std::vector<std::string>;

// Every event, with what is there twice twice, of a file that is not damaged.
Ids Stored(const std::string& file) {
  REQUIRE(Sql(file, "PRAGMA integrity_check") == Ids{"ok"});
  return Sql(file, "SELECT event_id FROM analytics_events ORDER BY 1");
}

bool Refused(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) &&
         status.message().find("fork()") != absl::string_view::npos;
}

TEST_CASE("a child reads and writes through the store its parent opened, and so does its parent") {
  const std::string kind = GENERATE("memory", "sqlite");
  const TempDir dir;
  auto opened = OpenStore(kind == "memory" ? "memory:" : dir.SqliteUrl("events.db"));
  REQUIRE(opened.ok());
  const auto store = *opened;
  REQUIRE(Commit(*store, "a").ok());
  CHECK(InChild([&] {
          if (*Count(store) != 1 || !Commit(*store, "b").ok() || *Count(store) != 2) return 1;
          return store->Sync().ok() ? 7 : 2;
        }) == 7);
  // Memory is copied, a file is shared.
  CHECK(*Count(store) == (kind == "memory" ? 1 : 2));
  CHECK(Commit(*store, "c").ok());
  CHECK(*Count(store) == (kind == "memory" ? 2 : 3));
}

TEST_CASE("processes that open a new file at once all get it") {
  for (int round = 0; round < 10; ++round) {
    const TempDir dir;
    const Signal go;
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 6; ++i) {
      children.push_back(std::make_unique<Child>([&] {
        go.Await();
        return OpenStore(dir.SqliteUrl("events.db")).ok() ? 0 : 1;
      }));
    }
    for (int i = 0; i < 6; ++i) go.Give();
    for (const auto& child : children) CHECK(child->Wait() == 0);
  }
}

TEST_CASE("a child's child goes on, too") {
  const TempDir dir;
  const auto store = Open(dir);
  REQUIRE(Commit(*store, "a").ok());
  CHECK(InChild([&] {
          if (!Commit(*store, "b").ok()) return 1;
          if (InChild([&] { return Commit(*store, "c").ok() ? 7 : 2; }) != 7) return 3;
          return Commit(*store, "d").ok() ? 7 : 4;
        }) == 7);
  CHECK(Stored(dir.File("events.db")) == Ids{"a", "b", "c", "d"});
}

int Forks() {
  const char* const forks = std::getenv("NERAVA_FORKS");
  return forks != nullptr ? std::atoi(forks) : 50;
}

TEST_CASE("forks under threads that write and read lose nothing, and count nothing twice") {
  const TempDir dir;
  auto store = Open(dir);
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  std::vector<int> written(3);
  std::latch running(3);
  for (std::size_t i = 0; i < written.size(); ++i) {
    threads.emplace_back([&, i] {
      while (!stop) {
        if (!Commit(*store, fmt::format("{} {}", i, written[i]++)).ok()) ++failures;
        // SQLite is not fair: who writes without a pause keeps other processes out.
        for (int reads = 0; reads < 3; ++reads) failures += Count(store).ok() ? 0 : 1;
        if (written[i] == 1) running.count_down();
      }
    });
  }
  running.wait();

  const int forks = Forks();
  for (int i = 0; i < forks; ++i) {
    const std::string id = fmt::format("child {}", i);
    CHECK(InChild([&] {
            const auto before = Count(store);
            if (!before.ok()) return 1;
            if (!Commit(*store, id).ok()) return 2;
            if (!(Count(store).value_or(0) > *before)) return 3;
            if (i % 2 == 0) store = nullptr;  // others just end
            return 7;
          }) == 7);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);

  std::vector<std::string> expected;
  for (int i = 0; i < forks; ++i) expected.push_back(fmt::format("child {}", i));
  for (std::size_t writer = 0; writer < written.size(); ++writer) {
    for (int i = 0; i < written[writer]; ++i) expected.push_back(fmt::format("{} {}", writer, i));
  }
  std::sort(expected.begin(), expected.end());
  CHECK(*Count(store) == static_cast<std::int64_t>(expected.size()));
  CHECK(Stored(dir.File("events.db")) == expected);
}

TEST_CASE("what a child commits after its parent closed the store is not lost") {
  const TempDir dir;
  auto store = Open(dir);
  REQUIRE(Commit(*store, "a").ok());
  const Signal opened, closed;
  Child child([&] {
    if (!Commit(*store, "b").ok() || !opened.Give() || !closed.Await()) return 1;
    return Commit(*store, "c").ok() ? 7 : 2;
  });
  REQUIRE(opened.Await());
  store = nullptr;
  CHECK(std::filesystem::exists(dir.File("events.db-wal")));
  REQUIRE(closed.Give());
  CHECK(child.Wait() == 7);
  CHECK(Stored(dir.File("events.db")) == Ids{"a", "b", "c"});
}

TEST_CASE("what a parent commits after its child closed the store is not lost") {
  const TempDir dir;
  auto store = Open(dir);
  REQUIRE(Commit(*store, "a").ok());
  CHECK(InChild([&] {
          const bool committed = Commit(*store, "b").ok();
          store = nullptr;
          return committed ? 7 : 1;
        }) == 7);
  CHECK(Commit(*store, "c").ok());
  CHECK(Stored(dir.File("events.db")) == Ids{"a", "b", "c"});
}

TEST_CASE("SQLite does lose a child's commit when a connection is carried over the fork") {
  const TempDir dir;
  const std::string file = dir.File("theirs.db");
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  const auto execute = [&](const std::string& sql) {
    return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  REQUIRE(execute("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES ('a')"));
  const Signal opened, closed;
  Child child([&] {
    if (!execute("INSERT INTO t VALUES ('b')") || !opened.Give() || !closed.Await()) return 1;
    return execute("INSERT INTO t VALUES ('c')") ? 7 : 2;
  });
  REQUIRE(opened.Await());
  sqlite3_close(db);
  REQUIRE(closed.Give());
  CHECK(child.Wait() == 7);  // acknowledged
  CHECK(Sql(file, "SELECT x FROM t") == Ids{"a", "b"});
}

TEST_CASE("a child has nothing of a file open, however many stores and readers there were") {
  const TempDir dir;
  const auto one = Open(dir);
  const auto other = Open(dir);
  for (const auto& store : {one, other}) {
    REQUIRE(store
                ->Read([&](ReadTransaction&) {
                  return store->Read([](ReadTransaction&) { return absl::OkStatus(); });
                })
                .ok());
  }
  REQUIRE(Commit(*one, "a").ok());
  const auto open_files = [&] {
    int found = 0;
    const std::unique_ptr<DIR, int (*)(DIR*)> fds(opendir("/proc/self/fd"), closedir);
    while (const dirent* const fd = readdir(fds.get())) {
      std::error_code error;
      const auto target =
          std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd->d_name), error);
      found += target.string().find(dir.File("events.db")) == 0 ? 1 : 0;
    }
    return found;
  };
  CHECK(open_files() > 4);
  CHECK(InChild([&] { return open_files(); }) == 0);
}

TEST_CASE("a fork inside of a transaction: the child is refused the store, the parent goes on") {
  const std::string kind = GENERATE("memory", "sqlite");
  const bool writes = GENERATE(true, false);
  const TempDir dir;
  const std::string url = kind == "memory" ? "memory:" : dir.SqliteUrl("events.db");
  auto opened = OpenStore(url);
  REQUIRE(opened.ok());
  auto store = *opened;
  REQUIRE(Commit(*store, "a").ok());

  pid_t child = -1;
  const auto fork_inside = [&](ReadTransaction&) {
    child = fork();
    if (child == 0) alarm(120);
    return absl::OkStatus();
  };
  const absl::Status status = writes ? store->Write([&](WriteTransaction& transaction) {
    auto inserted = transaction.Insert({Started("b", "b", kNoon)}, kStored);
    return inserted.ok() ? fork_inside(transaction) : inserted.status();
  })
                                     : store->Read(fork_inside);
  if (child == 0) {
    int wrong = 0;
    if (kind == "sqlite" && !Refused(status)) wrong |= 1;
    if (!Refused(Commit(*store, "c"))) wrong |= 2;
    if (!Refused(Count(store).status())) wrong |= 4;
    if (kind == "sqlite" && !Refused(store->Sync())) wrong |= 8;
    if (kind == "sqlite" && !Refused(OpenStore(url).status())) wrong |= 16;
    opened = absl::UnknownError("");
    store = nullptr;  // must not take anything away from the parent
    _exit(wrong);
  }
  CHECK(status.ok());
  int exited = 0;
  REQUIRE(waitpid(child, &exited, 0) == child);
  CHECK(exited == 0);
  CHECK(Commit(*store, "d").ok());
  if (kind == "sqlite") {
    CHECK(Stored(dir.File("events.db")) == (writes ? Ids{"a", "b", "d"} : Ids{"a", "d"}));
  }
}

TEST_CASE("a fork waits for a transaction, but not for ever; then the child is refused the store") {
  const TempDir dir;
  auto store = Open(dir);
  std::latch begun(1), forked(1);
  absl::Status committed;
  std::thread hung([&] {
    committed = store->Write([&](WriteTransaction& transaction) {
      begun.count_down();
      forked.wait();
      return transaction.Insert({Started("a", "a", kNoon)}, kStored).status();
    });
  });
  begun.wait();
  const int refused = InChild([&] {
    const bool write = Refused(Commit(*store, "b"));
    const bool read = Refused(Count(store).status());
    const bool open = Refused(OpenStore(dir.SqliteUrl("events.db")).status());
    const auto other = OpenStore(dir.SqliteUrl("other.db"));
    store = nullptr;
    return (write ? 1 : 0) + (read ? 2 : 0) + (open ? 4 : 0) + (other.ok() ? 8 : 0);
  });
  forked.count_down();
  hung.join();
  CHECK(refused == 15);
  CHECK(committed.ok());
  CHECK(Commit(*store, "c").ok());
  CHECK(Stored(dir.File("events.db")) == Ids{"a", "c"});
}

TEST_CASE("a fork does not wait for a commit that waits for another process's lock") {
  const TempDir dir;
  const auto store = Open(dir);
  REQUIRE(Commit(*store, "a").ok());
  Signal locked, release;
  Child other([&] {
    sqlite3* db = nullptr;
    sqlite3_open(dir.File("events.db").c_str(), &db);
    sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
    locked.Give();
    release.Await();
    sqlite3_close(db);
    return 0;
  });
  locked.Await();
  absl::Status committed;
  std::thread waiting([&] { committed = Commit(*store, "b"); });
  // Forks come while it waits, between its tries, before it began: none makes a child unusable.
  int usable = 0;
  for (int fork = 0; fork < 20; ++fork)
    usable += InChild([&] { return Count(store).ok() ? 1 : 0; });
  release.Give();
  waiting.join();
  CHECK(other.Wait() == 0);
  CHECK(usable == 20);
  CHECK(committed.ok());
  CHECK(Stored(dir.File("events.db")) == Ids{"a", "b"});
}

TEST_CASE("a child is refused a file that the host had open at the fork by itself") {
  const TempDir dir;
  const auto store = Open(dir);
  REQUIRE(Commit(*store, "a").ok());
  sqlite3* host = nullptr;
  REQUIRE(sqlite3_open(dir.File("events.db").c_str(), &host) == SQLITE_OK);
  REQUIRE(sqlite3_exec(host, "SELECT * FROM analytics_events", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  CHECK(InChild([&] { return Refused(Commit(*store, "b")) ? 7 : 1; }) == 7);
  CHECK(Commit(*store, "c").ok());
  sqlite3_close(host);
  CHECK(InChild([&] { return Commit(*store, "d").ok() ? 7 : 1; }) == 7);
  CHECK(Stored(dir.File("events.db")) == Ids{"a", "c", "d"});
}

TEST_CASE("a child may open a file that its parent closed before, or never had open") {
  const TempDir dir;
  Open(dir);
  CHECK(InChild([&] { return Commit(*Open(dir), "a").ok() ? 7 : 1; }) == 7);
  CHECK(InChild([&] {
          const auto other = OpenStore(dir.SqliteUrl("other.db"));
          return other.ok() && Commit(**other, "a").ok() ? 7 : 1;
        }) == 7);
  CHECK(Stored(dir.File("events.db")) == Ids{"a"});
  CHECK(Stored(dir.File("other.db")) == Ids{"a"});
}

TEST_CASE("a file that is gone after a fork is an error, and is not made anew") {
  const TempDir dir;
  const auto store = Open(dir);
  CHECK(InChild([] { return 7; }) == 7);  // closes it
  std::filesystem::rename(dir.File("events.db"), dir.File("moved.db"));
  const absl::Status gone = Commit(*store, "a");
  CHECK(absl::IsFailedPrecondition(gone));
  CHECK_THAT(std::string(gone.message()), Catch::Contains("moved away"));
  CHECK_FALSE(std::filesystem::exists(dir.File("events.db")));

  SECTION("when it is back, all is well") {
    std::filesystem::rename(dir.File("moved.db"), dir.File("events.db"));
    CHECK(Commit(*store, "a").ok());
  }
  SECTION("another in its place is not taken for it") {
    Open(dir);
    const absl::Status replaced = Commit(*store, "a");
    CHECK(absl::IsFailedPrecondition(replaced));
    CHECK_THAT(std::string(replaced.message()), Catch::Contains("replaced"));
  }
}

TEST_CASE("threads that open and close stores do not disturb a fork, nor it them") {
  const TempDir dir;
  Open(dir);
  std::atomic<bool> stop{false};
  std::atomic<int> opened{0};
  bool failed = false;
  const auto commit = [&](const std::string& id) {
    const auto store = OpenStore(dir.SqliteUrl("events.db"));
    return store.ok() && Commit(**store, id).ok();
  };
  std::thread opener([&] {
    while (!stop) {
      failed = !commit(fmt::format("{}", opened)) || failed;
      ++opened;
      opened.notify_all();
    }
  });
  opened.wait(0);
  for (int i = 0; i < 30; ++i) {
    CHECK(InChild([&] { return commit(fmt::format("child {}", i)) ? 7 : 1; }) == 7);
  }
  stop = true;
  opener.join();
  CHECK_FALSE(failed);
  const Ids stored = Stored(dir.File("events.db"));
  CHECK(stored.size() == static_cast<std::size_t>(30 + opened));
  CHECK(std::set(stored.begin(), stored.end()).size() == stored.size());
}

}  // namespace
}  // namespace nerava::analytics
