#include "nerava/analytics/money.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "absl/numeric/int128.h"
#include "lib/event/decimal.h"
#include "lib/event/text.h"

namespace nerava::analytics {
namespace {

constexpr int kMicroPlaces = 6;
constexpr int kCentPlaces = 2;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The parts of a JSON number, without its leading sign.
struct NumberText {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::int64_t exponent = 0;
};

std::string_view TakeDigits(std::string_view* text) {
  const auto end = std::find_if_not(text->begin(), text->end(), IsDigit);
  const auto count = static_cast<std::size_t>(end - text->begin());
  const std::string_view digits = text->substr(0, count);
  text->remove_prefix(count);
  return digits;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// Any exponent beyond this makes 0 or too much of every number that fits in memory.
constexpr std::int64_t kMaxExponent = 1'000'000'000'000;

bool TakeExponent(std::string_view* text, std::int64_t* exponent) {
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  const std::string_view digits = TakeDigits(text);
  for (const char c : digits) *exponent = std::min(kMaxExponent, *exponent * 10 + (c - '0'));
  if (negative) *exponent = -*exponent;
  return !digits.empty();
}

bool Split(std::string_view text, NumberText* number) {
  number->negative = TakeChar(&text, '-');
  number->whole = TakeDigits(&text);
  if (number->whole.empty() || (number->whole.size() > 1 && number->whole[0] == '0')) return false;
  if (TakeChar(&text, '.')) {
    number->fraction = TakeDigits(&text);
    if (number->fraction.empty()) return false;
  }
  if (TakeChar(&text, 'e') || TakeChar(&text, 'E')) {
    if (!TakeExponent(&text, &number->exponent)) return false;
  }
  return text.empty();
}

absl::Status TooLarge(std::string_view text) {
  return absl::OutOfRangeError(fmt::format("{} is too large a number", Excerpt(text)));
}

// n / d, d > 0, rounded half away from zero.
absl::int128 DivideRounded(absl::int128 n, absl::int128 d) {
  const absl::int128 half = d / 2;
  return (n < 0 ? n - half : n + half) / d;
}

std::int64_t PowerOfTen(int exponent) {
  std::int64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

absl::StatusOr<std::int64_t> ScaleDouble(double value, int places) {
  if (!std::isfinite(value)) {
    return absl::InvalidArgumentError(fmt::format("{} is no finite number", value));
  }
  const absl::StatusOr<ScaledDecimal> scaled = ScaleDecimal(FormatDouble(value), places);
  if (!scaled.ok()) return scaled.status();
  return scaled->value;
}

}  // namespace

absl::StatusOr<ScaledDecimal> ScaleDecimal(std::string_view text, int places) {
  NumberText number;
  if (!Split(text, &number)) {
    return absl::InvalidArgumentError(
        fmt::format("{} is no decimal number such as 3.25", Quoted(text)));
  }
  // The digits are 0.d0 d1 d2... times 10^point, d0 not 0.
  const std::size_t digit_count = number.whole.size() + number.fraction.size();
  const auto digit = [&number](std::size_t i) {
    return i < number.whole.size() ? number.whole[i] : number.fraction[i - number.whole.size()];
  };
  std::size_t first = 0;
  while (first < digit_count && digit(first) == '0') ++first;
  if (first == digit_count) return ScaledDecimal{};
  const std::int64_t point = static_cast<std::int64_t>(number.whole.size()) -
                             static_cast<std::int64_t>(first) + number.exponent + places;
  if (point > std::numeric_limits<std::int64_t>::digits10 + 1) return TooLarge(text);
  if (point < 0) return ScaledDecimal{0, false};

  // At most 19 digits: fits the unsigned integer.
  const std::size_t kept = first + static_cast<std::size_t>(point);
  std::uint64_t magnitude = 0;
  for (std::size_t i = first; i < kept; ++i) {
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(i < digit_count ? digit(i) - '0' : 0);
  }
  if (kept < digit_count && digit(kept) >= '5') ++magnitude;
  bool exact = true;
  for (std::size_t i = kept; i < digit_count; ++i) exact = exact && digit(i) == '0';

  const std::uint64_t largest =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + number.negative;
  if (magnitude > largest) return TooLarge(text);
  return ScaledDecimal{static_cast<std::int64_t>(number.negative ? 0 - magnitude : magnitude),
                       exact};
}

std::string FormatScaled(std::int64_t value, int places) {
  const auto unsigned_value = static_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = value < 0 ? 0 - unsigned_value : unsigned_value;
  const auto scale = static_cast<std::uint64_t>(PowerOfTen(places));
  std::string text = fmt::format("{}{}", value < 0 ? "-" : "", magnitude / scale);
  if (magnitude % scale == 0) return text;
  text += fmt::format(".{:0{}}", magnitude % scale, places);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string FormatDouble(double value) {
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                    value + 0.0);  // no "-0"
  return std::string(buffer.data(), result.ptr);
}

absl::StatusOr<std::int64_t> MicrosFromDecimal(std::string_view decimal) {
  const absl::StatusOr<ScaledDecimal> scaled = ScaleDecimal(decimal, kMicroPlaces);
  if (!scaled.ok()) return scaled.status();
  return scaled->value;
}

absl::StatusOr<std::int64_t> MicrosFromDouble(double value) {
  return ScaleDouble(value, kMicroPlaces);
}

absl::StatusOr<std::int64_t> CentsFromUsd(double usd) { return ScaleDouble(usd, kCentPlaces); }

double DecimalFromMicros(std::int64_t micros, int decimals) {
  const int places = std::clamp(decimals, 0, kMicroPlaces);
  const absl::int128 rounded = DivideRounded(micros, PowerOfTen(kMicroPlaces - places));
  return static_cast<double>(rounded) / static_cast<double>(PowerOfTen(places));
}

double RoundedRatio(std::int64_t numerator, std::int64_t denominator, std::int64_t scale) {
  if (denominator == 0) return 0;
  absl::int128 n = absl::int128(numerator) * scale * 100;
  absl::int128 d = denominator;
  if (d < 0) {
    n = -n;
    d = -d;
  }
  return static_cast<double>(DivideRounded(n, d)) / 100;
}

}  // namespace nerava::analytics
