// ToJson of both kinds of events, and the tiers that are written with them.
#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

// Its analytics event as JSON, without the base keys but with `properties`.
std::string Domain(std::string_view json) {
  const absl::StatusOr<AnalyticsEvent> event = ConvertJson(json);
  INFO(event.status());
  REQUIRE(event.ok());
  const std::string text = ToJson(*event);
  const std::string version = "\"version\":1,";
  return text.substr(text.find(version) + version.size());
}

TEST_CASE("a charge_started is written with all keys in the backend's order") {
  ChargeStarted event = SomeStart();
  event.header.event_id = "e-1";
  event.window_id = "green_hour";
  event.started_at = At("2026-11-22T09:00:00.5Z");
  CHECK(ToJson(Convert(event).value()) ==
        R"({"event_id":"e-1","event_type":"analytics_charge_started",)"
        R"("timestamp":"2026-11-22T09:00:00.500000+00:00","region":"eu","aggregate_id":"s-1",)"
        R"("version":1,"session_id":"s-1","user_id":"u-1","hub_id":"h-1",)"
        R"("started_at":"2026-11-22T09:00:00.500000+00:00","window_id":"green_hour",)"
        R"("properties":{"session_type":"charging","has_active_window":true}})");
}

TEST_CASE("a charge_stopped is written with numbers, and null for what is absent") {
  CHECK(Domain(R"({"event_type":"charge_stopped","session_id":"s","kwh_consumed":7.50,
                   "grid_reward_usd":0,"total_reward_usd":3.25})") ==
        R"("session_id":"s","user_id":null,"hub_id":null,)"
        R"("stopped_at":"2026-11-22T09:30:00.000000+00:00","kwh_consumed":7.5,"window_id":null,)"
        R"("grid_reward_usd":0,"merchant_reward_usd":null,"total_reward_usd":3.25,)"
        R"("properties":{"session_type":"charging","has_active_window":false,)"
        R"("reward_tier":"medium"}})");
}

TEST_CASE("a wallet_credited is written") {
  CHECK(Domain(R"({"event_type":"wallet_credited","user_id":"u","amount_cents":29})") ==
        R"("user_id":"u","amount_cents":29,"session_id":null,"new_balance_cents":null,)"
        R"("credited_at":"2026-11-22T09:30:00.000000+00:00",)"
        R"("properties":{"credit_type":"charging_reward","amount_tier":"low"}})");
}

TEST_CASE("an incentive_window_activated is written") {
  CHECK(Domain(R"({"event_type":"incentive_window_activated","window_id":"w",
                   "window_label":"\"Green\"","price_per_kwh":0.29,"extra":[1, 2]})") ==
        R"("window_id":"w","window_label":"\"Green\"","price_per_kwh":0.29,"multiplier":null,)"
        R"("activated_at":"2026-11-22T09:30:00.000000+00:00","extra":[1,2],"properties":{}})");
}

TEST_CASE("an incentive_window_deactivated is written") {
  CHECK(Domain(R"({"event_type":"incentive_window_deactivated","window_id":"w"})") ==
        R"("window_id":"w","window_label":null,)"
        R"("deactivated_at":"2026-11-22T09:30:00.000000+00:00","properties":{}})");
}

TEST_CASE("a driver_signed_up is written") {
  CHECK(Domain(R"({"event_type":"driver_signed_up","user_id":"u","auth_provider":"apple"})") ==
        R"("user_id":"u","email":null,"auth_provider":"apple",)"
        R"("created_at":"2026-11-22T09:30:00.000000+00:00","properties":{}})");
}

TEST_CASE("a wallet_pass_installed is written") {
  CHECK(Domain(R"({"event_type":"wallet_pass_installed","user_id":"u","pass_type":"gold"})") ==
        R"("user_id":"u","pass_type":"gold",)"
        R"("installed_at":"2026-11-22T09:30:00.000000+00:00","properties":{}})");
}

TEST_CASE("a nova_earned is written, without the tiers of a credit") {
  CHECK(Domain(R"({"event_type":"nova_earned","user_id":"u","amount_cents":900})") ==
        R"("user_id":"u","amount_cents":900,"session_id":null,"new_balance_cents":null,)"
        R"("earned_at":"2026-11-22T09:30:00.000000+00:00","properties":{}})");
}

TEST_CASE("a nova_redeemed is written") {
  CHECK(Domain(R"({"event_type":"nova_redeemed","user_id":"u","amount_cents":9,"merchant_id":"m",
                   "redemption_id":"r"})") ==
        R"("user_id":"u","amount_cents":9,"merchant_id":"m","redemption_id":"r",)"
        R"("new_balance_cents":null,"redeemed_at":"2026-11-22T09:30:00.000000+00:00",)"
        R"("properties":{}})");
}

TEST_CASE("a first_redemption_completed is written") {
  CHECK(Domain(R"({"event_type":"first_redemption_completed","user_id":"u","amount_cents":9,
                   "merchant_id":"m"})") ==
        R"("user_id":"u","redemption_id":null,"merchant_id":"m","amount_cents":9,)"
        R"("completed_at":"2026-11-22T09:30:00.000000+00:00","properties":{}})");
}

TEST_CASE("another type is written with what it has") {
  CHECK(Domain(R"({"event_type":"foo","hub_id":"h","x":1.50,"properties":{"p":[true]}})") ==
        R"("hub_id":"h","x":1.50,"properties":{"p":[true]}})");
  CHECK(Domain(R"({"event_type":"foo"})") == R"("properties":{}})");
}

TEST_CASE("the caller's properties follow those that follow from the event") {
  CHECK(Domain(R"({"event_type":"wallet_credited","user_id":"u","amount_cents":500,
                   "properties":{"a":1,"amount_tier":"low","credit_type":"x","b":2}})")
            .find(R"("properties":{"credit_type":"charging_reward","amount_tier":"high",)"
                  R"("a":1,"b":2}})") != std::string::npos);
}

TEST_CASE("reward tiers change at 2 and 5 USD") {
  CHECK(RewardTier(5'000'000) == "high");
  CHECK(RewardTier(4'999'999) == "medium");
  CHECK(RewardTier(2'000'000) == "medium");
  CHECK(RewardTier(1'999'999) == "low");
  CHECK(RewardTier(0) == "low");
  CHECK(RewardTier(std::nullopt) == "low");
}

TEST_CASE("amount tiers change at 200 and 500 cents") {
  CHECK(AmountTier(500) == "high");
  CHECK(AmountTier(499) == "medium");
  CHECK(AmountTier(200) == "medium");
  CHECK(AmountTier(199) == "low");
  CHECK(AmountTier(std::nullopt) == "low");
}

TEST_CASE("a domain event is written as the backend would, without what is absent") {
  ChargeStopped event = SomeStop();
  event.total_reward_microusd = 290'000;
  event.stopped_at = TestNow();
  event.header.properties = R"({"p":1})";
  event.header.fields = R"( { "x": [1] } )";
  CHECK(ToJson(DomainEvent(event)) ==
        R"({"event_type":"charge_stopped","version":1,"session_id":"s-1","user_id":"u-1",)"
        R"("stopped_at":"2026-11-22T09:30:00.000000+00:00","total_reward_usd":0.29, "x": [1] ,)"
        R"("properties":{"p":1}})");
}

TEST_CASE("a number that JSON does not have is written as null") {
  IncentiveWindowActivated event;
  event.window_id = "w";
  event.multiplier = std::numeric_limits<double>::infinity();
  CHECK(ToJson(DomainEvent(event)) ==
        R"({"event_type":"incentive_window_activated","version":1,"window_id":"w",)"
        R"("multiplier":null})");
}

TEST_CASE("text is written with escapes only where JSON needs them") {
  GenericEvent event;
  event.event_type = "\"\\/\b\f\n\r\t\x1f\x7f\u00e9\U0001F50C";
  CHECK(ToJson(DomainEvent(event)) ==
        "{\"event_type\":\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u001f\x7f\u00e9\U0001F50C\","
        "\"version\":1}");
}

TEST_CASE("the JSON of an event whose fields were filled with rubbish is an object still") {
  AnalyticsEvent event = ConvertJson(R"({"event_type":"driver_signed_up","user_id":"u"})").value();
  event.fields = "rubbish";
  CHECK(ParseDomainEvent(ToJson(event)).ok());
}

TEST_CASE("names of types and their times") {
  CHECK(AnalyticsType("charge_started") == "analytics_charge_started");
  CHECK(AnalyticsType("analytics_foo") == "analytics_foo");
  CHECK(EventType("analytics_charge_started").kind() == EventKind::kChargeStarted);
  CHECK(EventType("analytics_charge_stopped").kind() == EventKind::kChargeStopped);
  CHECK(EventType("analytics_wallet_credited").kind() == EventKind::kWalletCredited);
  CHECK(EventType("analytics_nova_earned").kind() == EventKind::kOther);
  CHECK(EventType("charge_started").kind() == EventKind::kOther);
  CHECK(TimeFieldOf("charge_started") == "started_at");
  CHECK(TimeFieldOf("analytics_charge_stopped") == "stopped_at");
  CHECK(TimeFieldOf("driver_signed_up") == "created_at");
  CHECK(TimeFieldOf("foo").empty());
}

}  // namespace
}  // namespace nerava::analytics
