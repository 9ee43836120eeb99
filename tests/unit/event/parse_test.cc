// ParseDomainEvent: names, types and spellings.
#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

template <typename Event>
Event Parsed(std::string_view json) {
  const absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  INFO(json << "\n" << event.status());
  REQUIRE(event.ok());
  REQUIRE(std::holds_alternative<Event>(*event));
  return std::get<Event>(*event);
}

std::string Stopped(std::string_view members) {
  return R"({"event_type":"charge_stopped","session_id":"s",)" + std::string(members) + "}";
}

TEST_CASE("base keys are read into the header") {
  const auto event = Parsed<ChargeStarted>(
      R"({"event_id":"e","event_type":"charge_started","timestamp":"2026-11-22 09:30:00",
          "region":"eu","aggregate_id":"a","version":3,"session_id":"s"})");
  CHECK(event.header.event_id == "e");
  CHECK(event.header.timestamp == TestNow());
  CHECK(event.header.region == "eu");
  CHECK(event.header.aggregate_id == "a");
  CHECK(event.header.version == 3);
  CHECK(event.header.fields.empty());
  CHECK(event.header.properties.empty());
}

TEST_CASE("a charge_started is read") {
  const auto event = Parsed<ChargeStarted>(
      R"({"event_type":"charge_started","session_id":"s","user_id":"u","hub_id":"h",
          "started_at":"2026-11-22T10:30:00+01:00","window_id":"green_hour"})");
  CHECK(event.session_id == "s");
  CHECK(event.user_id == "u");
  CHECK(event.hub_id == "h");
  CHECK(event.window_id == "green_hour");
  CHECK(event.started_at == TestNow());
}

TEST_CASE("a charge_stopped is read, its numbers exactly") {
  const auto event = Parsed<ChargeStopped>(Stopped(
      R"("user_id":"u","hub_id":"h","stopped_at":"2026-11-22T09:30:00Z","kwh_consumed":7.5,
         "window_id":"w","grid_reward_usd":0.29,"merchant_reward_usd":0,"total_reward_usd":3.25)"));
  CHECK(event.stopped_at == TestNow());
  CHECK(event.energy_mwh == 7'500'000);
  CHECK(event.grid_reward_microusd == 290'000);
  CHECK(event.merchant_reward_microusd == 0);
  CHECK(event.total_reward_microusd == 3'250'000);
}

TEST_CASE("a wallet_credited is read") {
  const auto event = Parsed<WalletCredited>(
      R"({"event_type":"wallet_credited","user_id":"u","amount_cents":29.0,"session_id":"s",
          "new_balance_cents":1029,"credited_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.user_id == "u");
  CHECK(event.amount_cents == 29);
  CHECK(event.session_id == "s");
  CHECK(event.new_balance_cents == 1029);
  CHECK(event.credited_at == TestNow());
}

TEST_CASE("an incentive_window_activated is read") {
  const auto event = Parsed<IncentiveWindowActivated>(
      R"({"event_type":"incentive_window_activated","window_id":"w","window_label":"Green",
          "price_per_kwh":0.29,"multiplier":2,"activated_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.window_id == "w");
  CHECK(event.window_label == "Green");
  CHECK(event.price_per_kwh == 0.29);
  CHECK(event.multiplier == 2.0);
  CHECK(event.activated_at == TestNow());
}

TEST_CASE("an incentive_window_deactivated is read") {
  const auto event = Parsed<IncentiveWindowDeactivated>(
      R"({"event_type":"incentive_window_deactivated","window_id":"w","window_label":"Green",
          "deactivated_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.window_id == "w");
  CHECK(event.window_label == "Green");
  CHECK(event.deactivated_at == TestNow());
}

TEST_CASE("a driver_signed_up is read") {
  const auto event = Parsed<DriverSignedUp>(
      R"({"event_type":"driver_signed_up","user_id":"u","email":"a@b.example",
          "auth_provider":"apple","created_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.user_id == "u");
  CHECK(event.email == "a@b.example");
  CHECK(event.auth_provider == "apple");
  CHECK(event.created_at == TestNow());
}

TEST_CASE("a wallet_pass_installed is read") {
  const auto event = Parsed<WalletPassInstalled>(
      R"({"event_type":"wallet_pass_installed","user_id":"u","pass_type":"gold",
          "installed_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.user_id == "u");
  CHECK(event.pass_type == "gold");
  CHECK(event.installed_at == TestNow());
}

TEST_CASE("a nova_earned is read") {
  const auto event = Parsed<NovaEarned>(
      R"({"event_type":"nova_earned","user_id":"u","amount_cents":5,"session_id":"s",
          "new_balance_cents":6,"earned_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.user_id == "u");
  CHECK(event.amount_cents == 5);
  CHECK(event.session_id == "s");
  CHECK(event.new_balance_cents == 6);
  CHECK(event.earned_at == TestNow());
}

TEST_CASE("a nova_redeemed is read") {
  const auto event = Parsed<NovaRedeemed>(
      R"({"event_type":"nova_redeemed","user_id":"u","amount_cents":5,"merchant_id":"m",
          "redemption_id":"r","new_balance_cents":6,"redeemed_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.user_id == "u");
  CHECK(event.amount_cents == 5);
  CHECK(event.merchant_id == "m");
  CHECK(event.redemption_id == "r");
  CHECK(event.new_balance_cents == 6);
  CHECK(event.redeemed_at == TestNow());
}

TEST_CASE("a first_redemption_completed is read") {
  const auto event = Parsed<FirstRedemptionCompleted>(
      R"({"event_type":"first_redemption_completed","user_id":"u","redemption_id":"r",
          "merchant_id":"m","amount_cents":5,"completed_at":"2026-11-22T09:30:00Z"})");
  CHECK(event.user_id == "u");
  CHECK(event.redemption_id == "r");
  CHECK(event.merchant_id == "m");
  CHECK(event.amount_cents == 5);
  CHECK(event.completed_at == TestNow());
}

TEST_CASE("any other type is generic: known ids are members, the rest stays as JSON") {
  const auto event = Parsed<GenericEvent>(
      R"({"event_type":"hub_opened","hub_id":"h","user_id":"u","session_id":"s","window_id":"w",
          "opened_at":"noon","amount_cents":2.50})");
  CHECK(event.event_type == "hub_opened");
  CHECK(event.hub_id == "h");
  CHECK(event.user_id == "u");
  CHECK(event.session_id == "s");
  CHECK(event.window_id == "w");
  CHECK(event.header.fields == R"({"opened_at":"noon","amount_cents":2.50})");
}

TEST_CASE("the type may have the prefix of analytics events") {
  CHECK(Parsed<ChargeStarted>(R"({"event_type":"analytics_charge_started","session_id":"s"})")
            .session_id == "s");
  CHECK(Parsed<GenericEvent>(R"({"event_type":"analytics_foo"})").event_type == "analytics_foo");
}

TEST_CASE("unknown fields and properties keep order, spelling and nesting") {
  const auto event = Parsed<ChargeStarted>(
      R"({"z": 1.50, "event_type":"charge_started", "session_id":"s",
          "a": [1, {"k": "v\n", "e": []}, [true, false, null], 1E+2, -0.0],
          "properties": {"y": {"n": 12345678901234567890123}, "x": "\u00e9\ud83d\udd0c"},
          "big": 18446744073709551615, "o": {}})");
  CHECK(event.header.fields ==
        R"({"z":1.50,"a":[1,{"k":"v\n","e":[]},[true,false,null],1E+2,-0.0],)"
        R"("big":18446744073709551615,"o":{}})");
  CHECK(event.header.properties ==
        "{\"y\":{\"n\":12345678901234567890123},\"x\":\"\u00e9\U0001F50C\"}");
}

TEST_CASE("null is the same as absent") {
  const auto event = Parsed<ChargeStopped>(
      Stopped(R"("user_id":null,"stopped_at":null,"total_reward_usd":null,"version":null,
                 "timestamp":null,"properties":null,"unknown":null)"));
  CHECK(event.user_id.empty());
  CHECK(event.stopped_at == absl::InfinitePast());
  CHECK_FALSE(event.total_reward_microusd.has_value());
  CHECK(event.header.version == 1);
  CHECK(event.header.fields.empty());
}

TEST_CASE("an empty time is absent") {
  CHECK(Parsed<ChargeStopped>(Stopped(R"("stopped_at":"")")).stopped_at == absl::InfinitePast());
}

TEST_CASE("numbers of another JSON type, text among them, are refused") {
  const auto [members, message] = GENERATE(table<std::string, std::string>({
      {R"("total_reward_usd":"3.25")", "total_reward_usd is text \"3.25\"; it must be a number"},
      {R"("kwh_consumed":true)", "kwh_consumed is a boolean true; it must be a number"},
      {R"("kwh_consumed":[1.0]})", ""},
      {R"("user_id":12)", "user_id is a number 12; it must be text"},
      {R"("user_id":{"id": 12})", "user_id is an object {\"id\":12}; it must be text"},
      {R"("stopped_at":1700000000)", "stopped_at is a number 1700000000; it must be ISO 8601 text"},
      {R"("version":"1")", "version is text \"1\"; it must be a whole number"},
      {R"("properties":[1, 2])", "properties is an array [1,2]; it must be an object"},
      {R"("properties":"")", "properties is text \"\"; it must be an object"},
  }));
  const std::string verdict = Verdict(ParseDomainEvent(Stopped(members)));
  if (message.empty()) {
    CHECK(verdict.find("malformed_json") == 0);
  } else {
    CHECK(verdict == "wrong_type: " + message);
  }
}

TEST_CASE("amounts that cannot be are refused with their spelling") {
  const auto [members, verdict] = GENERATE(table<std::string, std::string>({
      {R"("total_reward_usd":1e30)",
       "invalid_number: total_reward_usd is 1e30; at most 1000000 is allowed"},
      {R"("kwh_consumed":123456789012345678901234567890)",
       "invalid_number: kwh_consumed is 123456789012345678901234567890; at most 1000000 is "
       "allowed"},
      {R"("total_reward_usd":-1e30)",
       "negative: total_reward_usd is -1e30; it must not be negative"},
      {R"("total_reward_usd":1e999)",
       "invalid_number: the event holds a number beyond 1.8e308 near byte 72"},
  }));
  CHECK(Verdict(ParseDomainEvent(Stopped(members))) == verdict);
}

TEST_CASE("cents are whole") {
  const auto credit = [](std::string_view cents) {
    return ParseDomainEvent(R"({"event_type":"wallet_credited","user_id":"u","amount_cents":)" +
                            std::string(cents) + "}");
  };
  CHECK(std::get<WalletCredited>(credit("29").value()).amount_cents == 29);
  CHECK(std::get<WalletCredited>(credit("29.0").value()).amount_cents == 29);
  CHECK(std::get<WalletCredited>(credit("2.9e1").value()).amount_cents == 29);
  CHECK(Verdict(credit("28.5")) == "invalid_number: amount_cents is 28.5; it must be whole cents");
  CHECK(Verdict(credit("28.999999999999999999999")) ==
        "invalid_number: amount_cents is 28.999999999999999999999; it must be whole cents");
}

TEST_CASE("a version is a whole number from 1 to 2147483647") {
  const auto version = [](std::string_view number) {
    return ParseDomainEvent(Stopped("\"version\":" + std::string(number)));
  };
  CHECK(std::get<ChargeStopped>(version("1").value()).header.version == 1);
  CHECK(std::get<ChargeStopped>(version("2147483647").value()).header.version == 2147483647);
  const std::string bad = GENERATE("0", "-1", "1.5", "2147483648", "99999999999999999999");
  CHECK(Verdict(version(bad)) ==
        "invalid_number: version is " + bad + "; it must be a whole number from 1 to 2147483647");
}

TEST_CASE("a time in no known spelling is refused with its field") {
  CHECK(Verdict(ParseDomainEvent(Stopped(R"("stopped_at":"yesterday")"))) ==
        "invalid_time: stopped_at \"yesterday\" is no ISO 8601 time such as 2026-11-22T09:30:00Z");
  CHECK(Verdict(ParseDomainEvent(Stopped(R"("timestamp":"0026-11-22")"))) ==
        "invalid_time: timestamp \"0026-11-22\" is outside the years 1970 to 9999");
}

TEST_CASE("an event without a type is refused") {
  const std::string json = GENERATE(R"({})", R"({"event_type":null})", R"({"event_type":""})",
                                    R"({"event_type":"analytics_"})");
  CHECK(Verdict(ParseDomainEvent(json)) ==
        "missing_field: event_type is missing or empty; it is required");
  CHECK(Verdict(ParseDomainEvent(R"({"event_type":7})")) ==
        "wrong_type: event_type is a number 7; it must be text");
}

}  // namespace
}  // namespace nerava::analytics
