#include "lib/http/event_list.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace nerava::analytics::http {
namespace {

std::vector<std::string> Split(std::string_view body, bool is_ndjson = false) {
  const auto events = SplitEvents(body, is_ndjson);
  INFO(body);
  INFO(events.status().ToString());
  REQUIRE(events.ok());
  return {events->begin(), events->end()};
}

using Texts = std::vector<std::string>;

TEST_CASE("one object, on one line or more, is one event") {
  CHECK(Split(R"({"a":1})") == Texts{R"({"a":1})"});
  CHECK(Split("  {\"a\":{}\n,\"b\":[]}\n") == Texts{"{\"a\":{}\n,\"b\":[]}"});
  CHECK(Split("{\"a\":\"} {\n\"}") == Texts{"{\"a\":\"} {\n\"}"});
}

TEST_CASE("an array's elements are told apart, whatever is in them") {
  CHECK(Split("[]").empty());
  CHECK(Split(" [ \n ] ").empty());
  CHECK(Split(R"([ {"a":[1,2]} , {"b":"],[\"\\"},3])") ==
        Texts{R"({"a":[1,2]})", R"({"b":"],[\"\\"})", "3"});
  CHECK(Split("[,{}]") == Texts{"", "{}"});
}

TEST_CASE("of lines each is an event, and empty ones are none") {
  CHECK(Split("{\"a\":1}\n\r\n{\"b\":2}\r\n") == Texts{R"({"a":1})", R"({"b":2})"});
  CHECK(Split("{\"a\"\n{\"b\":2}", true) == Texts{R"({"a")", R"({"b":2})"});
  CHECK(Split("[1]\n{\"b\":2}", true) == Texts{"[1]", R"({"b":2})"});
}

TEST_CASE("there are not more events in a body than a request may have") {
  const std::string most = std::string(kMostEvents - 1, ',');
  CHECK(Split("[" + most + "]").size() == kMostEvents);
  CHECK(absl::IsInvalidArgument(SplitEvents("[," + most + "]", false).status()));
  std::string lines;
  for (std::size_t i = 0; i < kMostEvents; ++i) lines += "0\n";
  CHECK(Split(lines).size() == kMostEvents);
  CHECK(absl::IsInvalidArgument(SplitEvents(lines + "0", false).status()));
}

TEST_CASE("what has no end, or more than one, or nothing, is refused") {
  for (const char* body : {"", " \n", "[", "[{}", "[{},", R"([{"a":"]})", "[{}] {}", "[{}],"}) {
    INFO(body);
    CHECK(absl::IsInvalidArgument(SplitEvents(body, false).status()));
  }
}

}  // namespace
}  // namespace nerava::analytics::http
