#include "nerava/analytics/timestamp.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <string>

#include "nerava/analytics/rejection.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kHalfPastNine = 1'795'339'800;  // 2026-11-22T09:30:00Z

std::int64_t Micros(std::string_view text) {
  const auto time = ParseTimestamp(text);
  INFO(text << ": " << time.status());
  REQUIRE(time.ok());
  return absl::ToUnixMicros(*time);
}

TEST_CASE("every usual spelling of one moment is the same time") {
  const std::string text = GENERATE(
      "2026-11-22T09:30:00Z", "2026-11-22t09:30:00z", "2026-11-22 09:30:00", "2026-11-22T09:30:00",
      "2026-11-22T09:30", "2026-11-22 09:30Z", "2026-11-22T09:30:00.000000000Z",
      "2026-11-22T10:30:00+01:00", "2026-11-22T10:30:00+0100", "2026-11-22T10:30:00+01",
      "2026-11-22 01:30:00-08:00", "2026-11-22T15:00:00.0+05:30", "2026-11-22T09:30:00-00:00",
      "2026-11-23T09:29:00+23:59", "2026-11-21T09:31:00-23:59");
  CHECK(Micros(text) == kHalfPastNine * 1'000'000);
}

TEST_CASE("a date alone is its midnight") {
  CHECK(FormatTimestamp(ParseTimestamp("2024-02-29").value()) ==
        "2024-02-29T00:00:00.000000+00:00");
}

TEST_CASE("fractions of one to nine digits are cut to microseconds") {
  const auto [text, micros] =
      GENERATE(table<const char*, std::int64_t>({{"1970-01-01T00:00:00.5Z", 500'000},
                                                 {"1970-01-01T00:00:00.123Z", 123'000},
                                                 {"1970-01-01T00:00:00.123456", 123'456},
                                                 {"1970-01-01T00:00:00.1234569Z", 123'456},
                                                 {"1970-01-01T00:00:00.999999999Z", 999'999},
                                                 {"1970-01-01T00:00:00.000000999+00:00", 0}}));
  CHECK(Micros(text) == micros);
}

TEST_CASE("what is no ISO 8601 time is refused") {
  const std::string text = GENERATE(
      "", "yesterday", "2026", "2026-11", "2026-1-2", "2026-13-01", "2026-00-01", "2026-11-00",
      "2026-02-29", "2026-02-30", "2026-11-31", "2026-11-22T", "2026-11-22T09", "2026-11-22T24:00",
      "2026-11-22T09:60", "2026-11-22T09:30:", "2026-11-22T09:30:60Z", "2026-11-22T09:30:00.",
      "2026-11-22T09:30:00.Z", "2026-11-22T09:30:00,5Z", "2026-11-22T09:30:00.1234567890Z",
      "2026-11-22T09:30:00+24:00", "2026-11-22T09:30:00+01:60", "2026-11-22T09:30:00+1",
      "2026-11-22T09:30:00+01:", "2026-11-22T09:30:00+010", "2026-11-22T09:30:00 Z",
      "2026-11-22T09:30:00ZZ", " 2026-11-22", "2026-11-22 ", "2026-11-22Z", "20261122T093000Z",
      "2026-11-22X09:30:00", "+2026-11-22", "2026-11-22T-9:30:00", "2026/11/22", "1795339800");
  const auto time = ParseTimestamp(text);
  INFO(text);
  REQUIRE_FALSE(time.ok());
  CHECK(time.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(ReasonOf(time.status()) == RejectReason::kInvalidTime);
  CHECK(time.status().message() ==
        '"' + text + "\" is no ISO 8601 time such as 2026-11-22T09:30:00Z");
}

TEST_CASE("the years 1970 to 9999 are accepted to the microsecond") {
  CHECK(Micros("1970-01-01T00:00:00Z") == 0);
  CHECK(Micros("1970-01-01T01:00:00+01:00") == 0);
  CHECK(Micros("9999-12-31T23:59:59.999999Z") == 253'402'300'799'999'999);
  const std::string outside = GENERATE("1969-12-31T23:59:59.999999Z", "1970-01-01T00:59:59+01:00",
                                       "0026-11-22", "9999-12-31T23:59:59-00:01", "0000-01-01");
  CHECK(ParseTimestamp(outside).status().message() ==
        '"' + outside + "\" is outside the years 1970 to 9999");
}

TEST_CASE("a refusal shows a short excerpt of a huge or broken text") {
  const std::string huge = std::string("\n\xff") + std::string(1 << 20, 'x');
  const std::string message(ParseTimestamp(huge).status().message());
  CHECK(message.find("\"\\x0a\\xffxxx") == 0);
  CHECK(message.size() < 150);
}

TEST_CASE("times are printed with a fixed width, in two spellings") {
  const absl::Time time = absl::FromUnixMicros(kHalfPastNine * 1'000'000 + 42);
  CHECK(FormatTimestamp(time) == "2026-11-22T09:30:00.000042+00:00");
  CHECK(FormatSqlTimestamp(time) == "2026-11-22 09:30:00.000042");
  CHECK(FormatSqlTimestamp(absl::FromUnixMicros(-1)) == "1969-12-31 23:59:59.999999");
}

TEST_CASE("infinite times are printed as the first and last that have the width") {
  CHECK(FormatSqlTimestamp(absl::InfinitePast()) == "0000-01-01 00:00:00.000000");
  CHECK(FormatSqlTimestamp(absl::InfiniteFuture()) == "9999-12-31 23:59:59.999999");
}

TEST_CASE("what is printed is read back as the same time") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> any(0, 253'402'300'799'999'999);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t micros = any(random);
    const absl::Time time = absl::FromUnixMicros(micros);
    REQUIRE(Micros(FormatTimestamp(time)) == micros);
    REQUIRE(Micros(FormatSqlTimestamp(time)) == micros);
    REQUIRE(FormatTimestamp(time) ==
            absl::FormatTime("%Y-%m-%dT%H:%M:%E6S%Ez", time, absl::UTCTimeZone()));
  }
}

}  // namespace
}  // namespace nerava::analytics
