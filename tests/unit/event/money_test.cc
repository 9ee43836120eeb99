#include "nerava/analytics/money.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "lib/event/decimal.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

TEST_CASE("decimals become micros exactly") {
  const auto [text, micros] = GENERATE(table<std::string, std::int64_t>({
      {"3.25", 3'250'000},
      {"0.29", 290'000},
      {"7.5", 7'500'000},
      {"0", 0},
      {"-0", 0},
      {"0.000", 0},
      {"0e999999999999999999999", 0},
      {"5", 5'000'000},
      {"-1.5", -1'500'000},
      {"1e-3", 1'000},
      {"1E+3", 1'000'000'000},
      {"12.5e-1", 1'250'000},
      {"0.000001", 1},
      {"0.0000005", 1},
      {"0.00000049999999", 0},
      {"-0.0000005", -1},
      {"0.0000015", 2},
      {"1e-7", 0},
      {"9e-7", 1},
      {"1e-999999999999999999999", 0},
      {"9.9999995", 10'000'000},
      {"9223372036854.775807", kMax},
      {"-9223372036854.775808", kMin},
      {"0.00000000000000000000000000001e29", 1'000'000},
  }));
  INFO(text);
  CHECK(MicrosFromDecimal(text).value() == micros);
}

TEST_CASE("what does not fit is out of range") {
  const std::string text =
      GENERATE("9223372036854.775808", "-9223372036854.775809", "9223372036854.7758075", "1e13",
               "99999999999999", "1e999999999999999999999", "-1e40");
  INFO(text);
  CHECK(MicrosFromDecimal(text).status().code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("what is no JSON number is refused") {
  const std::string text = GENERATE("", "-", "+1", ".5", "1.", "01", "00", "1e", "1e+", "1.5.5",
                                    "0x10", "1,5", " 1", "1 ", "NaN", "inf", "--1", "1e1.5");
  INFO(text);
  CHECK(MicrosFromDecimal(text).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a long number costs no more than its length") {
  const std::string zeros(50'000, '0');
  CHECK(MicrosFromDecimal("1." + zeros + "1").value() == 1'000'000);
  CHECK(MicrosFromDecimal("1" + zeros + "e-50000").value() == 1'000'000);
  CHECK(MicrosFromDecimal("1" + zeros).status().message().size() < 200);
}

TEST_CASE("doubles are taken as the decimal that they were written as") {
  CHECK(MicrosFromDouble(3.25).value() == 3'250'000);
  CHECK(MicrosFromDouble(0.29).value() == 290'000);
  CHECK(MicrosFromDouble(1.0000005).value() == 1'000'001);
  CHECK(MicrosFromDouble(-0.0).value() == 0);
  CHECK(MicrosFromDouble(1e300).status().code() == absl::StatusCode::kOutOfRange);
  CHECK(MicrosFromDouble(std::nan("")).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(MicrosFromDouble(HUGE_VAL).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("every whole number of cents survives the way through USD") {
  for (std::int64_t cents = 0; cents <= 100'000; ++cents) {
    REQUIRE(CentsFromUsd(static_cast<double>(cents) / 100).value() == cents);
  }
}

TEST_CASE("cents round half away from zero") {
  CHECK(CentsFromUsd(0.29).value() == 29);
  CHECK(CentsFromUsd(0.285).value() == 29);
  CHECK(CentsFromUsd(0.28499999).value() == 28);
  CHECK(CentsFromUsd(-0.285).value() == -29);
  CHECK(CentsFromUsd(std::nan("")).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("micros are shown rounded half away from zero") {
  CHECK(DecimalFromMicros(3'250'000) == 3.25);
  CHECK(DecimalFromMicros(1) == 0.000001);
  CHECK(DecimalFromMicros(1'005'000, 2) == 1.01);
  CHECK(DecimalFromMicros(1'004'999, 2) == 1.0);
  CHECK(DecimalFromMicros(-1'005'000, 2) == -1.01);
  CHECK(DecimalFromMicros(-1'004'999, 2) == -1.0);
  CHECK(DecimalFromMicros(500'000, 0) == 1.0);
  CHECK(DecimalFromMicros(kMax, 0) == 9223372036855.0);
  CHECK(DecimalFromMicros(kMin, 2) == -9223372036854.78);
}

TEST_CASE("ratios are rounded once, half away from zero") {
  CHECK(RoundedRatio(1, 3, 100) == 33.33);
  CHECK(RoundedRatio(2, 3, 100) == 66.67);
  CHECK(RoundedRatio(1, 8) == 0.13);
  CHECK(RoundedRatio(-1, 8) == -0.13);
  CHECK(RoundedRatio(1, -8) == -0.13);
  CHECK(RoundedRatio(-1, -8) == 0.13);
  CHECK(RoundedRatio(1, 200) == 0.01);
  CHECK(RoundedRatio(1, 201) == 0.0);
  CHECK(RoundedRatio(7, 7, 100) == 100.0);
  CHECK(RoundedRatio(kMax, kMax, 100) == 100.0);
  CHECK(RoundedRatio(kMin, kMin, 100) == 100.0);
}

TEST_CASE("a ratio over nothing is 0") { CHECK(RoundedRatio(5, 0, 100) == 0.0); }

TEST_CASE("scaled integers are shown as the shortest decimal, and read back the same") {
  CHECK(FormatScaled(3'250'000, 6) == "3.25");
  CHECK(FormatScaled(-1'500'000, 6) == "-1.5");
  CHECK(FormatScaled(1, 6) == "0.000001");
  CHECK(FormatScaled(100'000'000, 6) == "100");
  CHECK(FormatScaled(29, 0) == "29");
  CHECK(FormatScaled(0, 6) == "0");
  CHECK(FormatScaled(kMin, 6) == "-9223372036854.775808");
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const auto value = static_cast<std::int64_t>(random()) >> (random() % 60);
    REQUIRE(MicrosFromDecimal(FormatScaled(value, 6)).value() == value);
  }
}

}  // namespace
}  // namespace nerava::analytics
