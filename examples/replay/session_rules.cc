#include "examples/replay/session_rules.h"

#include <fmt/core.h>

#include <cctype>
#include <limits>
#include <utility>

#include "absl/numeric/int128.h"
#include "examples/replay/event_ids.h"
#include "nerava/analytics/money.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::examples {
namespace {

using analytics::ChargeStarted;
using analytics::ChargeStopped;
using analytics::DomainEvent;
using analytics::WalletCredited;

constexpr std::int64_t kMicrosPerUnit = 1'000'000;
constexpr std::int64_t kMicrosPerCent = 10'000;

constexpr std::size_t kSessionId = FieldIndex("session_id");
constexpr std::size_t kUserId = FieldIndex("user_id");
constexpr std::size_t kStartedAt = FieldIndex("started_at");
constexpr std::size_t kStoppedAt = FieldIndex("stopped_at");
constexpr std::size_t kCreditedAt = FieldIndex("credited_at");
constexpr std::size_t kAmountCents = FieldIndex("amount_cents");

absl::Status BadField(std::size_t field, const absl::Status& why) {
  return absl::InvalidArgumentError(
      fmt::format("{}: {}", kFields[field].name, std::string(why.message())));
}

// Reads the fields of a row; the first that is bad is kept as the error.
class FieldParser {
 public:
  explicit FieldParser(const Row& row) : row_(row) {}

  absl::Time Time(std::size_t field) {
    const std::string& text = row_.values[field];
    if (text.empty()) return absl::InfinitePast();
    const absl::StatusOr<absl::Time> time = analytics::ParseTimestamp(text);
    Keep(field, time.status());
    return time.ok() ? *time : absl::InfinitePast();
  }

  std::optional<std::int64_t> Micros(std::size_t field) {
    const std::string& text = row_.values[field];
    if (text.empty()) return std::nullopt;
    const absl::StatusOr<std::int64_t> micros = analytics::MicrosFromDecimal(text);
    Keep(field, micros.status());
    return micros.ok() ? std::optional(*micros) : std::nullopt;
  }

  std::optional<std::int64_t> WholeNumber(std::size_t field) {
    const std::optional<std::int64_t> micros = Micros(field);
    if (!micros) return std::nullopt;
    if (*micros % kMicrosPerUnit != 0) {
      Keep(field, absl::InvalidArgumentError(
                      fmt::format("'{}' must be a whole number", row_.values[field])));
    }
    return *micros / kMicrosPerUnit;
  }

  const absl::Status& error() const { return error_; }

 private:
  void Keep(std::size_t field, const absl::Status& status) {
    if (error_.ok() && !status.ok()) error_ = BadField(field, status);
  }

  const Row& row_;
  absl::Status error_;
};

// numerator / denominator for non-negative numbers, half up; capped, so that the door refuses it.
std::int64_t RoundedQuotient(absl::int128 numerator, std::int64_t denominator) {
  const absl::int128 quotient = (numerator + denominator / 2) / denominator;
  const auto max = std::numeric_limits<std::int64_t>::max();
  return quotient > max ? max : static_cast<std::int64_t>(quotient);
}

// Minutes since midnight of "HH:MM"; -1 when it is none.
int MinuteOfDay(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] - '0'; };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_digit = std::isdigit(static_cast<unsigned char>(text[at])) != 0;
    if (at == 2 ? text[at] != ':' : !is_digit) return -1;
  }
  if (text.size() != 5) return -1;
  const int hour = digit(0) * 10 + digit(1);
  const int minute = digit(3) * 10 + digit(4);
  const bool valid = minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
  return valid ? hour * 60 + minute : -1;
}

}  // namespace

absl::StatusOr<DailyWindow> DailyWindow::Parse(std::string_view text) {
  DailyWindow window;
  const std::size_t equals = text.rfind('=');
  if (equals != std::string_view::npos && equals > 0 && text.size() == equals + 12 &&
      text[equals + 6] == '-') {
    window.id_ = text.substr(0, equals);
    window.begin_minute_ = MinuteOfDay(text.substr(equals + 1, 5));
    window.end_minute_ = MinuteOfDay(text.substr(equals + 7));
    if (window.begin_minute_ >= 0 && window.end_minute_ >= 0 &&
        window.begin_minute_ != window.end_minute_) {
      return window;
    }
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}' must be like green_hour=10:00-14:00, begin and end differing", text));
}

bool DailyWindow::Contains(absl::Time time) const {
  const absl::TimeZone::CivilInfo civil = absl::UTCTimeZone().At(time);
  const int minute = civil.cs.hour() * 60 + civil.cs.minute();
  const bool after_begin = minute >= begin_minute_;
  const bool before_end = minute < end_minute_;
  return begin_minute_ < end_minute_ ? after_begin && before_end : after_begin || before_end;
}

absl::StatusOr<std::vector<DomainEvent>> SessionRules::ToEvents(const Row& row) const {
  FieldParser parse(row);
  const absl::Time started_at = parse.Time(kStartedAt);
  const absl::Time stopped_at = parse.Time(kStoppedAt);
  const absl::Time credited_at = parse.Time(kCreditedAt);
  const bool has_start = started_at != absl::InfinitePast();
  const bool has_stop = stopped_at != absl::InfinitePast();
  const bool has_credit_time = credited_at != absl::InfinitePast();

  ChargeStarted start;
  start.session_id = row.values[kSessionId];
  start.user_id = row.values[kUserId];
  start.hub_id = row.values[FieldIndex("hub_id")];
  start.window_id = row.values[FieldIndex("window_id")];
  start.started_at = started_at;
  start.header.region = row.values[FieldIndex("region")];
  if (start.window_id.empty() && has_start) {
    for (const DailyWindow& window : windows) {
      if (!window.Contains(started_at)) continue;
      start.window_id = window.id();
      break;
    }
  }

  ChargeStopped stop;
  stop.session_id = start.session_id;
  stop.user_id = start.user_id;
  stop.hub_id = start.hub_id;
  stop.window_id = start.window_id;
  stop.stopped_at = stopped_at;
  stop.header.region = start.header.region;
  stop.energy_mwh = parse.Micros(FieldIndex("kwh_consumed"));
  stop.grid_reward_microusd = parse.Micros(FieldIndex("grid_reward_usd"));
  stop.merchant_reward_microusd = parse.Micros(FieldIndex("merchant_reward_usd"));
  stop.total_reward_microusd = parse.Micros(FieldIndex("total_reward_usd"));

  WalletCredited credit;
  credit.user_id = start.user_id;
  credit.session_id = start.session_id;
  credit.credited_at = has_credit_time ? credited_at : stopped_at;
  credit.header.region = start.header.region;
  credit.amount_cents = parse.WholeNumber(kAmountCents);
  credit.new_balance_cents = parse.WholeNumber(FieldIndex("new_balance_cents"));

  if (!parse.error().ok()) return parse.error();
  if (start.session_id.empty()) return absl::InvalidArgumentError("session_id is missing");
  if (!has_start && !has_stop) {
    return absl::InvalidArgumentError("started_at and stopped_at are both missing");
  }
  if (credit.amount_cents && (credit.user_id.empty() || (!has_stop && !has_credit_time))) {
    return absl::InvalidArgumentError(
        "amount_cents needs user_id, and credited_at or stopped_at, which are missing");
  }

  bool credits = has_credit_time;
  if (has_stop && !stop.total_reward_microusd && microusd_per_kwh && stop.energy_mwh >= 0) {
    stop.total_reward_microusd =
        RoundedQuotient(absl::int128(*stop.energy_mwh) * *microusd_per_kwh, kMicrosPerUnit);
    credits = true;
  }
  if (!credit.amount_cents && credits && stop.total_reward_microusd >= 0 &&
      !credit.user_id.empty()) {
    const std::int64_t cents = RoundedQuotient(*stop.total_reward_microusd, kMicrosPerCent);
    if (cents > 0) credit.amount_cents = cents;
  }

  start.header.event_id = SessionEventId(start.session_id, "start");
  stop.header.event_id = SessionEventId(start.session_id, "stop");
  credit.header.event_id = SessionEventId(start.session_id, "credit");
  std::vector<DomainEvent> events;
  if (has_start) events.emplace_back(std::move(start));
  if (has_stop) events.emplace_back(std::move(stop));
  if (credit.amount_cents) events.emplace_back(std::move(credit));
  return events;
}

}  // namespace nerava::examples
