#include "lib/redis/url.h"

#include <catch2/catch.hpp>

namespace nerava::analytics::redis {
namespace {

TEST_CASE("A URL names a host and a database, or a socket, and who asks") {
  const Url plain = *ParseUrl("redis://127.0.0.1");
  CHECK((plain.host == "127.0.0.1" && plain.port == 6379 && plain.database == 0));
  CHECK((plain.user.empty() && plain.password.empty() && plain.socket.empty()));
  const Url full = *ParseUrl("redis://me:p%40ss%2F%3A@[::1]:6380/15");
  CHECK((full.user == "me" && full.password == "p@ss/:"));
  CHECK((full.host == "::1" && full.port == 6380 && full.database == 15));
  CHECK(ParseUrl("redis://:secret@redis/")->password == "secret");
  const Url socket = *ParseUrl("unix://:secret@/run/redis.sock");
  CHECK((socket.socket == "/run/redis.sock" && socket.password == "secret"));
}

TEST_CASE("What cannot be an address is refused, not cut short") {
  using std::literals::operator""sv;
  CHECK(absl::IsInvalidArgument(ParseUrl("redis://a\0.b"sv).status()));
  CHECK(absl::IsInvalidArgument(ParseUrl("unix:///a\0b"sv).status()));
  CHECK(ParseUrl("unix:///" + std::string(106, 'x'))->socket.size() == 107);
  const auto long_path = ParseUrl("unix:///" + std::string(107, 'x'));
  REQUIRE(absl::IsInvalidArgument(long_path.status()));
  CHECK(long_path.status().message().find("108 bytes") != absl::string_view::npos);
}

TEST_CASE("What is no URL of a Redis is refused, without the password") {
  for (const char* text : {"",
                           "127.0.0.1",
                           "http://a",
                           "redis://",
                           "redis://:6379",
                           "redis://a:",
                           "redis://a:0",
                           "redis://a:65536",
                           "redis://a:1x",
                           "redis://[::1]x",
                           "redis://[::1",
                           "redis://a/x",
                           "redis://a/-1",
                           "redis://a/1/2",
                           "redis://secret@a",
                           "redis://x:secret%4@a",
                           "redis://x:secret%zz@a",
                           "rediss://:secret@a",
                           "unix://",
                           "unix:///",
                           "unix://a/b"}) {
    INFO(text);
    const auto url = ParseUrl(text);
    REQUIRE(absl::IsInvalidArgument(url.status()));
    CHECK(url.status().message().find("secret") == absl::string_view::npos);
    CHECK(url.status().message().find("redis://") != absl::string_view::npos);
  }
}

}  // namespace
}  // namespace nerava::analytics::redis
