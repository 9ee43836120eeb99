#include "lib/event/uuid.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

std::vector<std::string> Make(int count, absl::Time time) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back(MakeUuidV7(time));
  return ids;
}

TEST_CASE("an id has the form of a UUIDv7") {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (const std::string& id : Make(1000, TestNow())) REQUIRE(std::regex_match(id, form));
}

TEST_CASE("an id begins with the milliseconds of its time") {
  const absl::Time time = absl::FromUnixMillis(0x0123456789AB);
  CHECK(MakeUuidV7(time).substr(0, 15) == "01234567-89ab-7");
  CHECK(MakeUuidV7(absl::InfinitePast()).substr(0, 15) == "00000000-0000-7");
  CHECK(MakeUuidV7(absl::InfiniteFuture()).substr(0, 15) == "ffffffff-ffff-7");
}

TEST_CASE("ids of one thread ascend, also within a microsecond") {
  std::string last;
  for (int i = 0; i < 3000; ++i) {
    const std::string id = MakeUuidV7(TestNow() + absl::Microseconds(i / 10));
    REQUIRE(id > last);
    last = id;
  }
}

TEST_CASE("ids are new, also when the clock stands still or goes back") {
  std::set<std::string> seen;
  for (const std::string& id : Make(20'000, TestNow())) seen.insert(id);
  for (const std::string& id : Make(20'000, TestNow() - absl::Hours(1))) seen.insert(id);
  for (const std::string& id : Make(20'000, TestNow())) seen.insert(id);
  CHECK(seen.size() == 60'000);
}

TEST_CASE("threads make different ids") {
  std::array<std::vector<std::string>, 4> made;
  std::vector<std::thread> threads;
  for (auto& ids : made) threads.emplace_back([&ids] { ids = Make(5000, TestNow()); });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> seen;
  for (const auto& ids : made) seen.insert(ids.begin(), ids.end());
  CHECK(seen.size() == 20'000);
}

TEST_CASE("a forked child makes other ids than its parent") {
  MakeUuidV7(TestNow());
  std::array<int, 2> ends;
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string id = MakeUuidV7(TestNow());
    _exit(write(ends[1], id.data(), id.size()) == 36 ? 0 : 1);
  }
  const std::string own = MakeUuidV7(TestNow());
  std::string childs(36, ' ');
  REQUIRE(read(ends[0], childs.data(), childs.size()) == 36);
  close(ends[0]);
  close(ends[1]);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(own.substr(0, 15) == childs.substr(0, 15));
  CHECK(own.substr(19) != childs.substr(19));
}

}  // namespace
}  // namespace nerava::analytics
