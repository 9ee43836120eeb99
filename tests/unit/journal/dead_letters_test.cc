#include "lib/journal/dead_letters.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/events.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Bytes that this thread has read.
std::uint64_t BytesRead() {
  std::ifstream io("/proc/thread-self/io");
  std::string name;
  std::uint64_t bytes = 0;
  while (io >> name >> bytes) {
    if (name == "rchar:") return bytes;
  }
  return 0;
}

TEST_CASE("What a letter costs does not grow with the letters that are there") {
  const testing::TempDir dir;
  DeadLetters letters(dir.path());
  const std::string reason(2000, 'r');
  for (int i = 0; i < 500; ++i) {
    REQUIRE(letters.Add(*MakeEvent("e" + std::to_string(i)), reason, kNow).ok());
  }
  CHECK(letters.count() == 500);
  const std::uint64_t before = BytesRead();
  REQUIRE(before > 1'000'000);  // it is counted: the letters were read once
  for (int i = 500; i < 510; ++i) {
    REQUIRE(letters.Add(*MakeEvent("e" + std::to_string(i)), reason, kNow).ok());
    CHECK(letters.count() == static_cast<std::uint64_t>(i) + 1);
  }
  CHECK(BytesRead() - before < 200'000);
}

TEST_CASE("Letters of some events are removed, with what a crash left, and the others stay") {
  const testing::TempDir dir;
  DeadLetters letters(GENERATE(true, false) ? dir.path() : "");
  const auto is = [](const std::string& id) {
    return [id](const AnalyticsEvent& event) { return event.event_id == id; };
  };
  CHECK(letters.Remove(is("a"))->removed == 0);
  for (const char* id : {"a", "b", "a", "c"}) REQUIRE(letters.Add(*MakeEvent(id), "no", kNow).ok());
  if (std::filesystem::exists(dir.File("dead_letters.ndjson"))) {
    std::ofstream(dir.File("dead_letters.ndjson"), std::ios::app) << R"({"by":"another version"})"
                                                                  << "\n"
                                                                  << R"({"time":"2027-)";
  }
  const auto removed = letters.Remove(is("a"));
  REQUIRE(removed.ok());
  CHECK(removed->removed == 2);
  CHECK(letters.count() == 2);
  const auto left = letters.List(10);
  REQUIRE(left->size() == 2);
  CHECK(left->at(0).event_json.find("\"b\"") != std::string::npos);
  CHECK(left->at(1).event_json.find("\"c\"") != std::string::npos);
  std::ifstream file(dir.File("dead_letters.ndjson"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(removed->unreadable == (text.empty() ? 0 : 1));
  CHECK((text.empty() || text.ends_with("\n{\"by\":\"another version\"}\n")));
}

TEST_CASE("The count is that of the file, whoever changed it") {
  const testing::TempDir dir;
  DeadLetters mine(dir.path());
  DeadLetters others(dir.path());
  CHECK(mine.count() == 0);
  for (const char* id : {"a", "b", "c"}) REQUIRE(others.Add(*MakeEvent(id), "no", kNow).ok());
  CHECK(mine.count() == 3);
  // One stays.
  const auto replayed = others.Replay([](const EventPtr& event) {
    return event->event_id == "b" ? absl::UnavailableError("later") : absl::OkStatus();
  });
  CHECK(replayed.value() == 2);
  CHECK(mine.count() == 1);
  REQUIRE(mine.Add(*MakeEvent("d"), "no", kNow).ok());
  CHECK(others.count() == 2);
  REQUIRE(mine.Replay([](const EventPtr&) { return absl::OkStatus(); }).value() == 2);
  CHECK(others.count() == 0);
  REQUIRE(mine.Add(*MakeEvent("e"), "no", kNow).ok());
  CHECK(others.count() == 1);
  // A crash left a part of a line.
  std::ofstream(dir.File("dead_letters.ndjson"), std::ios::app) << "{\"time\":";
  CHECK(others.count() == 1);
  REQUIRE(mine.Add(*MakeEvent("f"), "no", kNow).ok());
  CHECK(others.count() == 2);
  CHECK(mine.List(10)->size() == 2);
}

}  // namespace
}  // namespace nerava::analytics
