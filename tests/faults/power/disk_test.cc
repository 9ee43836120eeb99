// The simulated disk: what a power failure can leave, and what not.
#include "tests/faults/power/disk.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <deque>
#include <set>
#include <string>

namespace nerava::analytics::testing {
namespace {

const std::string kA(512, 'a');  // a sector
const std::string kB(512, 'b');
const std::string kNone(512, '\0');

// A disk that is told what a program does.
class Told {
 public:
  explicit Told(const Snapshot& before) : disk_(before) {}
  // Paths and data must outlive it.
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  Told& Open(int fd, std::string_view path) { return Apply(RECORD_OPEN, fd, O_CREAT, {}, path); }
  Told& Write(int fd, std::int64_t offset, std::string_view data) {
    return Apply(RECORD_WRITE, fd, offset, data);
  }
  Told& BeginSync(int fd) { return Apply(RECORD_SYNC_BEGIN, fd); }
  Told& EndSync(int fd) { return Apply(RECORD_SYNC_END, fd); }
  Told& Sync(int fd) { return BeginSync(fd).EndSync(fd); }
  Told& Rename(std::string_view from, std::string_view to) {
    return Apply(RECORD_RENAME, 0, 0, {}, from, to);
  }
  Told& Unlink(std::string_view path) { return Apply(RECORD_UNLINK, 0, 0, {}, path); }

  // What many failures leave.
  std::set<Snapshot> Found() const {
    std::mt19937_64 random(1);
    std::set<Snapshot> found;
    for (int i = 0; i < 500; ++i) found.insert(disk_.AfterPowerFailure(random));
    return found;
  }

 private:
  Told& Apply(record_kind kind, int fd, std::int64_t offset = 0, std::string_view data = {},
              std::string_view path = {}, std::string_view other_path = {}) {
    record_header header{};
    header.kind = kind;
    header.fd = fd;
    header.offset = offset;
    records_.push_back({header, path, other_path, data});
    disk_.Apply(records_.back());
    return *this;
  }

  Disk disk_;
  std::deque<Record> records_;
};

using Found = std::set<Snapshot>;

TEST_CASE("Each sector that was written and not synced is old or new") {
  const std::string both = kB + kB;
  Told disk({{"f", kA + kA}});
  disk.Open(3, "f").Write(3, 0, both);
  CHECK(disk.Found() ==
        Found{{{"f", kA + kA}}, {{"f", kA + kB}}, {{"f", kB + kA}}, {{"f", kB + kB}}});
}

TEST_CASE("What was synced is there, but only from before the sync began") {
  Told disk({{"f", kA + kA}});
  disk.Open(3, "f").Write(3, 0, kB).BeginSync(3).Write(3, 512, kB).EndSync(3);
  CHECK(disk.Found() == Found{{{"f", kB + kA}}, {{"f", kB + kB}}});
}

TEST_CASE("A file that grew may be long and empty, or short") {
  Told disk(Snapshot{{"f", ""}});
  disk.Open(3, "f").Write(3, 0, kA);
  CHECK(disk.Found() == Found{{{"f", ""}}, {{"f", kNone}}, {{"f", kA}}});
}

TEST_CASE("A new file may be missing although it was synced, until its directory is") {
  Told disk({});
  disk.Open(3, "f").Write(3, 0, kA).Sync(3);
  CHECK(disk.Found() == Found{{}, {{"f", kA}}});
  disk.Open(4, "").Sync(4);
  CHECK(disk.Found() == Found{{{"f", kA}}});
}

TEST_CASE("A removed file may be back until its directory is synced") {
  Told disk({{"f", kA}});
  disk.Unlink("f");
  CHECK(disk.Found() == Found{{}, {{"f", kA}}});
  disk.Open(4, "").Sync(4);
  CHECK(disk.Found() == Found{{}});
}

TEST_CASE("A rename over another file leaves one of the two") {
  Told disk({{"new", kB}, {"old", kA}});
  disk.Rename("new", "old");
  CHECK(disk.Found() == Found{{{"new", kB}, {"old", kA}}, {{"old", kB}}});
}

TEST_CASE("What is in a directory that was not synced into its parent may be missing with it") {
  Told disk({{"d", std::nullopt}, {"d/f", kA}});
  disk.Rename("d", "e");
  CHECK(disk.Found() ==
        Found{{{"d", std::nullopt}, {"d/f", kA}}, {{"e", std::nullopt}, {"e/f", kA}}});
}

}  // namespace
}  // namespace nerava::analytics::testing
