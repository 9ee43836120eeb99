#include "nerava/analytics/timestamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/civil_time.h"
#include "lib/event/text.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kYear0Seconds = -62'167'219'200;      // 0000-01-01T00:00:00Z
constexpr std::int64_t kYear10000Seconds = 253'402'300'800;  // 10000-01-01T00:00:00Z

// Reads a timestamp from left to right; every Take... is false when the text goes on otherwise.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  bool TakeAnyOf(std::string_view chars) {
    if (rest_.empty() || chars.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `count` digits, with a value of `min`..`max`.
  bool TakeNumber(std::size_t count, int min, int max, int* value) {
    if (rest_.size() < count) return false;
    *value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!IsDigit(rest_[i])) return false;
      *value = *value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return *value >= min && *value <= max;
  }

  // 1 to 9 digits after the point; those after the sixth are cut off.
  bool TakeFraction(std::int64_t* micros) {
    std::size_t count = 0;
    std::int64_t nanos = 0;
    for (; count < rest_.size() && IsDigit(rest_[count]); ++count) {
      if (count == 9) return false;
      nanos = nanos * 10 + (rest_[count] - '0');
    }
    rest_.remove_prefix(count);
    for (std::size_t i = count; i < 9; ++i) nanos *= 10;
    *micros = nanos / 1000;
    return count > 0;
  }

  char front() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  std::string_view rest_;
};

struct Parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::int64_t micros = 0;
  int offset_minutes = 0;
};

bool TakeDate(Scanner* scan, Parts* parts) {
  return scan->TakeNumber(4, 0, 9999, &parts->year) && scan->TakeAnyOf("-") &&
         scan->TakeNumber(2, 1, 12, &parts->month) && scan->TakeAnyOf("-") &&
         scan->TakeNumber(2, 1, 31, &parts->day) &&
         absl::CivilDay(parts->year, parts->month, parts->day).day() == parts->day;
}

bool TakeTimeOfDay(Scanner* scan, Parts* parts) {
  if (!scan->TakeNumber(2, 0, 23, &parts->hour) || !scan->TakeAnyOf(":") ||
      !scan->TakeNumber(2, 0, 59, &parts->minute)) {
    return false;
  }
  if (!scan->TakeAnyOf(":")) return true;
  if (!scan->TakeNumber(2, 0, 59, &parts->second)) return false;
  return !scan->TakeAnyOf(".") || scan->TakeFraction(&parts->micros);
}

bool TakeOffset(Scanner* scan, Parts* parts) {
  if (scan->done() || scan->TakeAnyOf("Zz")) return true;
  const bool west = scan->front() == '-';
  int hours = 0;
  int minutes = 0;
  if (!scan->TakeAnyOf("+-") || !scan->TakeNumber(2, 0, 23, &hours)) return false;
  const bool colon = scan->TakeAnyOf(":");
  if ((colon || !scan->done()) && !scan->TakeNumber(2, 0, 59, &minutes)) return false;
  parts->offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
  return true;
}

bool TakeAll(std::string_view text, Parts* parts) {
  Scanner scan(text);
  if (!TakeDate(&scan, parts)) return false;
  if (scan.done()) return true;
  return scan.TakeAnyOf("Tt ") && TakeTimeOfDay(&scan, parts) && TakeOffset(&scan, parts) &&
         scan.done();
}

void PutDigits(int value, std::size_t count, char* out) {
  for (std::size_t i = count; i > 0; --i, value /= 10) {
    out[i - 1] = static_cast<char>('0' + value % 10);
  }
}

// Fills the digits of "YYYY-MM-DD?HH:MM:SS.ffffff", which `text` begins with. Years outside 0..9999
// (infinite times among them) become the nearest time that has four digits.
std::string FillIn(std::string text, absl::Time time) {
  constexpr std::int64_t kFirst = kYear0Seconds * kMicrosPerSecond;
  constexpr std::int64_t kLast = kYear10000Seconds * kMicrosPerSecond - 1;
  const std::int64_t micros = std::clamp(absl::ToUnixMicros(time), kFirst, kLast);
  const std::int64_t fraction = ((micros % kMicrosPerSecond) + kMicrosPerSecond) % kMicrosPerSecond;
  const absl::CivilSecond civil = absl::CivilSecond(1970) + (micros - fraction) / kMicrosPerSecond;
  PutDigits(static_cast<int>(civil.year()), 4, &text[0]);
  PutDigits(civil.month(), 2, &text[5]);
  PutDigits(civil.day(), 2, &text[8]);
  PutDigits(civil.hour(), 2, &text[11]);
  PutDigits(civil.minute(), 2, &text[14]);
  PutDigits(civil.second(), 2, &text[17]);
  PutDigits(static_cast<int>(fraction), 6, &text[20]);
  return text;
}

}  // namespace

absl::StatusOr<absl::Time> ParseTimestamp(std::string_view text) {
  Parts parts;
  if (!TakeAll(text, &parts)) {
    return Refuse(RejectReason::kInvalidTime,
                  fmt::format("{} is no ISO 8601 time such as 2026-11-22T09:30:00Z", Quoted(text)));
  }
  const absl::CivilSecond civil(parts.year, parts.month, parts.day, parts.hour, parts.minute,
                                parts.second);
  const std::int64_t seconds = civil - absl::CivilSecond(1970) - parts.offset_minutes * 60;
  if (seconds < 0 || seconds >= kYear10000Seconds) {
    return Refuse(RejectReason::kInvalidTime,
                  fmt::format("{} is outside the years 1970 to 9999", Quoted(text)));
  }
  return absl::FromUnixMicros(seconds * kMicrosPerSecond + parts.micros);
}

std::string FormatTimestamp(absl::Time time) {
  return FillIn("0000-00-00T00:00:00.000000+00:00", time);
}

std::string FormatSqlTimestamp(absl::Time time) {
  return FillIn("0000-00-00 00:00:00.000000", time);
}

}  // namespace nerava::analytics
