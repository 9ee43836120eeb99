#include "lib/journal/event_codec.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "tests/support/random_events.h"

namespace nerava::analytics {
namespace {

AnalyticsEvent RoundTrip(const AnalyticsEvent& event) {
  std::string bytes;
  EncodeEvent(event, &bytes);
  auto decoded = DecodeEvent(bytes);
  REQUIRE(decoded.ok());
  return *std::move(decoded);
}

AnalyticsEvent FullEvent() {
  AnalyticsEvent event;
  event.event_id = "id";
  event.event_type = "analytics_charge_stopped";
  event.version = -7;
  event.time = absl::FromUnixMicros(-1'234'567'890'123);
  event.region = "region";
  event.aggregate_id = "aggregate";
  event.session_id = "session";
  event.user_id = "user";
  event.hub_id = "hub";
  event.window_id = std::string(300, 'w');
  event.energy_mwh = 0;
  event.grid_reward_microusd = std::numeric_limits<std::int64_t>::max();
  event.merchant_reward_microusd = std::numeric_limits<std::int64_t>::min();
  event.total_reward_microusd = -1;
  event.amount_cents = 1;
  event.new_balance_cents = 127;
  event.fields = R"({"a":"\u00e4"})";
  event.properties = R"({"b":[1,2]})";
  return event;
}

void CheckSame(const AnalyticsEvent& a, const AnalyticsEvent& b) {
  CHECK(a.SamePayload(b));
  CHECK(a.time == b.time);
  CHECK(a.kind() == b.kind());
  CHECK(a.event_id == b.event_id);
  CHECK(a.fields == b.fields);
  CHECK(a.properties == b.properties);
}

TEST_CASE("An event is decoded as it was encoded, to the last field") {
  const AnalyticsEvent event = FullEvent();
  CheckSame(RoundTrip(event), event);
  AnalyticsEvent part = event;
  part.energy_mwh.reset();
  part.new_balance_cents.reset();
  part.user_id.clear();
  CheckSame(RoundTrip(part), part);
  CheckSame(RoundTrip(AnalyticsEvent()), AnalyticsEvent());
}

TEST_CASE("No beginning of an encoding is an event, and nothing may follow one") {
  std::string bytes;
  EncodeEvent(FullEvent(), &bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(absl::IsDataLoss(DecodeEvent(bytes.substr(0, size)).status()));
  }
  CHECK(absl::IsDataLoss(DecodeEvent(bytes + '\0').status()));
}

TEST_CASE("Lengths and numbers that cannot be are refused") {
  for (const std::string& bytes : {
           std::string("\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13),
           std::string(40, '\xff'),
           std::string("\x02", 1),
           std::string("\x00", 1),
       }) {
    CHECK(absl::IsDataLoss(DecodeEvent(bytes).status()));
  }
}

}  // namespace
}  // namespace nerava::analytics
