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

TEST_CASE("what is written is read as it was") {
  CHECK(WriteTarget({"/a/b", {{"x", "1"}, {"y", "a b+c&d=e"}}}) == "/a/b?x=1&y=a%20b%2Bc%26d%3De");
  std::string all;
  for (char c = 1; c < 127; ++c) all += c;
  const Target target{"/" + all, {{all, "\u26a1 ü"}, {"empty", ""}}};
  const auto read = ParseTarget(WriteTarget(target));
  REQUIRE(read.ok());
  CHECK(read->path == target.path);
  CHECK(read->parameters == target.parameters);
}

}  // namespace
}  // namespace nerava::analytics::http
