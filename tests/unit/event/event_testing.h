// What the tests of events share: a clock that stands still and short names for what they do often.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/json.h"
#include "nerava/analytics/producer.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {

class StandingClock final : public Clock {
 public:
  explicit StandingClock(absl::Time now) : now_(now) {}
  absl::Time Now() const override { return now_; }

 private:
  absl::Time now_;
};

inline absl::Time At(std::string_view text) { return ParseTimestamp(text).value(); }

inline absl::Time TestNow() { return At("2026-11-22T09:30:00Z"); }

inline absl::StatusOr<AnalyticsEvent> Convert(DomainEvent event, absl::Time now = TestNow()) {
  const StandingClock clock(now);
  return Producer({.region = "eu"}, nullptr, clock).Convert(std::move(event));
}

inline absl::StatusOr<AnalyticsEvent> ConvertJson(std::string_view json,
                                                  absl::Time now = TestNow()) {
  absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  if (!event.ok()) return event.status();
  return Convert(*std::move(event), now);
}

// "missing_field: session_id is ...", or "accepted".
template <typename T>
std::string Verdict(const absl::StatusOr<T>& result) {
  if (result.ok()) return "accepted";
  return std::string(RejectReasonName(ReasonOf(result.status()))) + ": " +
         std::string(result.status().message());
}

inline ChargeStarted SomeStart() {
  ChargeStarted event;
  event.session_id = "s-1";
  event.user_id = "u-1";
  event.hub_id = "h-1";
  return event;
}

inline ChargeStopped SomeStop() {
  ChargeStopped event;
  event.session_id = "s-1";
  event.user_id = "u-1";
  return event;
}

inline WalletCredited SomeCredit() {
  WalletCredited event;
  event.user_id = "u-1";
  event.amount_cents = 325;
  return event;
}

}  // namespace nerava::analytics
