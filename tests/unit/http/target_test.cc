#include "lib/http/target.h"

#include <catch2/catch.hpp>

namespace nerava::analytics::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("a target is a path and parameters, decoded") {
  const auto target = ParseTarget("/a%20b+c/d?x=1&y=a+b%2Bc&&z&=w&e=a=b#f?g=1");
  REQUIRE(target.ok());
  CHECK(target->path == "/a b+c/d");
  CHECK(target->parameters ==
        Pairs{{"x", "1"}, {"y", "a b+c"}, {"z", ""}, {"", "w"}, {"e", "a=b"}});
  CHECK(ParseTarget("/")->parameters.empty());
  CHECK(ParseTarget("")->path.empty());
  CHECK(ParseTarget("/?hub=%e2%9a%A1")->parameters == Pairs{{"hub", "\u26a1"}});
}

TEST_CASE("what cannot be decoded is refused") {
  for (const char* target : {"/%", "/%2", "/%zz", "/%-1", "/%+1", "/?a=%", "/?%0=1", "/?a=%00",
                             "/?a=%ff", "/%c3%28", "/?a=\xff"}) {
    INFO(target);
    CHECK(absl::IsInvalidArgument(ParseTarget(target).status()));
  }
}

}  // namespace
}  // namespace nerava::analytics::http
