// Producer::Convert: what is filled in, and every limit at its edge.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "nerava/analytics/limits.h"
#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

template <typename Event, typename Change>
std::string VerdictOn(Event event, Change change) {
  change(event);
  return Verdict(Convert(event));
}

TEST_CASE("what a started charge says is carried over") {
  ChargeStarted start = SomeStart();
  start.header.event_id = "e-1";
  start.header.version = 7;
  start.window_id = "w-1";
  start.started_at = TestNow() - absl::Hours(1);
  const AnalyticsEvent event = Convert(start).value();
  CHECK(event.event_id == "e-1");
  CHECK(event.event_type == "analytics_charge_started");
  CHECK(event.kind() == EventKind::kChargeStarted);
  CHECK(event.version == 7);
  CHECK(event.time == start.started_at);
  CHECK(event.region == "eu");
  CHECK(event.AggregateId() == "s-1");
  CHECK(event.session_id == "s-1");
  CHECK(event.user_id == "u-1");
  CHECK(event.hub_id == "h-1");
  CHECK(event.window_id == "w-1");
  CHECK(event.fields.empty());
  CHECK(event.properties.empty());
}

TEST_CASE("amounts are carried over, absent ones stay absent") {
  ChargeStopped stop = SomeStop();
  stop.energy_mwh = 7'500'000;
  stop.total_reward_microusd = 0;
  const AnalyticsEvent event = Convert(stop).value();
  CHECK(event.kind() == EventKind::kChargeStopped);
  CHECK(event.energy_mwh == 7'500'000);
  CHECK(event.total_reward_microusd == 0);
  CHECK_FALSE(event.grid_reward_microusd.has_value());
  CHECK_FALSE(event.merchant_reward_microusd.has_value());
}

TEST_CASE("a missing id is made, and is another for every event") {
  const AnalyticsEvent first = Convert(SomeStart()).value();
  const AnalyticsEvent second = Convert(SomeStart()).value();
  CHECK(first.event_id.size() == 36);
  CHECK(first.event_id[14] == '7');
  CHECK(first.event_id != second.event_id);
}

TEST_CASE("the time is the event's own, else the timestamp, else now") {
  ChargeStarted start = SomeStart();
  CHECK(Convert(start)->time == TestNow());
  start.header.timestamp = At("2026-11-21");
  CHECK(Convert(start)->time == At("2026-11-21"));
  start.started_at = At("2026-11-20");
  CHECK(Convert(start)->time == At("2026-11-20"));
}

TEST_CASE("times are cut to whole microseconds") {
  ChargeStarted start = SomeStart();
  start.started_at = At("2026-11-20") + absl::Nanoseconds(1999);
  CHECK(Convert(start)->time == At("2026-11-20") + absl::Microseconds(1));
  CHECK(Convert(SomeStart(), TestNow() + absl::Nanoseconds(999))->time == TestNow());
}

TEST_CASE("the region and the aggregate are the event's own when it names them") {
  ChargeStarted start = SomeStart();
  start.header.region = "us";
  start.header.aggregate_id = "a";
  CHECK(Convert(start)->region == "us");
  CHECK(Convert(start)->AggregateId() == "a");
}

TEST_CASE("the usual aggregate is the type's required id") {
  WalletCredited credit = SomeCredit();
  credit.session_id = "s-1";
  CHECK(Convert(credit)->AggregateId() == "u-1");
  IncentiveWindowActivated window;
  window.window_id = "w-1";
  CHECK(Convert(window)->AggregateId() == "w-1");
  NovaRedeemed redeemed;
  redeemed.user_id = "u-1";
  redeemed.redemption_id = "r-1";
  redeemed.amount_cents = 1;
  CHECK(Convert(redeemed)->AggregateId() == "u-1");
}

TEST_CASE("the aggregate of another type is its session, else its user, else itself") {
  GenericEvent event;
  event.event_type = "foo";
  event.header.event_id = "e-1";
  CHECK(Convert(event)->AggregateId() == "e-1");
  event.user_id = "u-1";
  CHECK(Convert(event)->AggregateId() == "u-1");
  event.session_id = "s-1";
  CHECK(Convert(event)->AggregateId() == "s-1");
}

TEST_CASE("another type gets the prefix and has no kind") {
  GenericEvent event;
  event.event_type = GENERATE("foo", "analytics_foo");
  CHECK(Convert(event)->event_type == "analytics_foo");
  CHECK(Convert(event)->kind() == EventKind::kOther);
}

TEST_CASE("a type that has a struct is refused as a generic event") {
  GenericEvent event;
  event.event_type = GENERATE("charge_started", "analytics_charge_started");
  CHECK(Verdict(Convert(event)) == "wrong_type: event_type \"" + event.event_type +
                                       "\" is no GenericEvent; use the struct of that type");
}

TEST_CASE("domain fields without a member are kept as JSON, before unknown ones") {
  IncentiveWindowActivated window;
  window.window_id = "w-1";
  window.window_label = "Green";
  window.price_per_kwh = 0.29;
  window.multiplier = 2;
  window.header.fields = R"({ "x" : [ 1 , null ], "gone": null })";
  window.header.properties = R"({ "p" : null })";
  const AnalyticsEvent event = Convert(window).value();
  CHECK(event.fields ==
        R"({"window_label":"Green","price_per_kwh":0.29,"multiplier":2,"x":[1,null]})");
  CHECK(event.properties == R"({"p":null})");
}

TEST_CASE("properties that follow from the event are dropped, of that type only") {
  const std::string all =
      R"({"session_type":1,"has_active_window":1,"reward_tier":1,"credit_type":1,"amount_tier":1})";
  ChargeStarted start = SomeStart();
  start.header.properties = all;
  CHECK(Convert(start)->properties == R"({"reward_tier":1,"credit_type":1,"amount_tier":1})");
  ChargeStopped stop = SomeStop();
  stop.header.properties = all;
  CHECK(Convert(stop)->properties == R"({"credit_type":1,"amount_tier":1})");
  WalletCredited credit = SomeCredit();
  credit.header.properties = all;
  CHECK(Convert(credit)->properties ==
        R"({"session_type":1,"has_active_window":1,"reward_tier":1})");
}

TEST_CASE("empty objects of fields and properties are the same as none") {
  ChargeStarted start = SomeStart();
  start.header.fields = " {} ";
  start.header.properties = R"({"session_type":"charging"})";
  CHECK(Convert(start)->fields.empty());
  CHECK(Convert(start)->properties.empty());
}

TEST_CASE("required fields may not be absent") {
  const std::string tail = " is missing or empty; it is required";
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.session_id.clear(); }) ==
        "missing_field: session_id" + tail);
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.session_id.clear(); }) ==
        "missing_field: session_id" + tail);
  CHECK(VerdictOn(SomeCredit(), [](auto& e) { e.user_id.clear(); }) ==
        "missing_field: user_id" + tail);
  CHECK(VerdictOn(SomeCredit(), [](auto& e) { e.amount_cents.reset(); }) ==
        "missing_field: amount_cents" + tail);
  CHECK(Verdict(Convert(IncentiveWindowActivated{})) == "missing_field: window_id" + tail);
  CHECK(Verdict(Convert(IncentiveWindowDeactivated{})) == "missing_field: window_id" + tail);
  CHECK(Verdict(Convert(DriverSignedUp{})) == "missing_field: user_id" + tail);
  CHECK(Verdict(Convert(WalletPassInstalled{})) == "missing_field: user_id" + tail);
  CHECK(Verdict(Convert(NovaEarned{})) == "missing_field: user_id" + tail);
  CHECK(Verdict(Convert(NovaRedeemed{})) == "missing_field: user_id" + tail);
  CHECK(Verdict(Convert(FirstRedemptionCompleted{})) == "missing_field: user_id" + tail);
  CHECK(Verdict(Convert(GenericEvent{})) == "missing_field: event_type" + tail);
  CHECK(Verdict(ConvertJson(R"({"event_type":"charge_started","session_id":""})")) ==
        "missing_field: session_id" + tail);
}

TEST_CASE("ids have at most 100 bytes") {
  const std::string fits(100, 'x');
  const std::string over(101, 'x');
  const std::string tail = " is 101 bytes long; at most 100 are allowed";
  CHECK(VerdictOn(SomeStart(), [&](auto& e) {
          e.session_id = e.user_id = e.hub_id = e.window_id = fits;
          e.header.event_id = e.header.aggregate_id = fits;
        }) == "accepted");
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.session_id = over; }) ==
        "too_long: session_id" + tail);
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.user_id = over; }) == "too_long: user_id" + tail);
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.hub_id = over; }) == "too_long: hub_id" + tail);
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.window_id = over; }) ==
        "too_long: window_id" + tail);
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.header.event_id = over; }) ==
        "too_long: event_id" + tail);
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.header.aggregate_id = over; }) ==
        "too_long: aggregate_id" + tail);
}

TEST_CASE("types have at most 100 bytes, the prefix not counted") {
  GenericEvent event;
  event.event_type = std::string(100, 'x');
  const AnalyticsEvent accepted = Convert(event).value();
  CHECK(accepted.event_type.name().size() == 110);
  CHECK(ConvertJson(ToJson(accepted))->event_type == accepted.event_type);
  event.event_type += 'x';
  CHECK(Verdict(Convert(event)) ==
        "too_long: event_type is 101 bytes long; at most 100 are allowed");
}

TEST_CASE("regions have at most 50 bytes") {
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.header.region = std::string(50, 'x'); }) ==
        "accepted");
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.header.region = std::string(51, 'x'); }) ==
        "too_long: region is 51 bytes long; at most 50 are allowed");
}

TEST_CASE("other text has at most 1000 bytes") {
  DriverSignedUp event;
  event.user_id = "u";
  event.email = std::string(1000, 'x');
  CHECK(Verdict(Convert(event)) == "accepted");
  event.email += 'x';
  CHECK(Verdict(Convert(event)) == "too_long: email is 1001 bytes long; at most 1000 are allowed");
}

TEST_CASE("text must be UTF-8 without NUL") {
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.user_id = "\u00e9\U0001F50C"; }) == "accepted");
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.user_id = "a\xff"; }) ==
        "invalid_text: user_id is \"a\\xff\"; it must be valid UTF-8");
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.user_id = std::string("a\0b", 3); }) ==
        "invalid_text: user_id is \"a\\x00b\"; it must not hold a NUL");
}

TEST_CASE("rewards lie between 0 and a million USD") {
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.total_reward_microusd = kMaxMicroUsd; }) ==
        "accepted");
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.total_reward_microusd = kMaxMicroUsd + 1; }) ==
        "invalid_number: total_reward_usd is 1000000.000001; at most 1000000 is allowed");
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.total_reward_microusd = -1'500'000; }) ==
        "negative: total_reward_usd is -1.5; it must not be negative");
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.grid_reward_microusd = -1; }) ==
        "negative: grid_reward_usd is -0.000001; it must not be negative");
  CHECK(VerdictOn(SomeStop(), [](auto& e) {
          e.merchant_reward_microusd = std::numeric_limits<std::int64_t>::min();
        }) == "negative: merchant_reward_usd is -9223372036854.775808; it must not be negative");
}

TEST_CASE("energy lies between 0 and a million kWh") {
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.energy_mwh = 0; }) == "accepted");
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.energy_mwh = kMaxMilliwattHours; }) == "accepted");
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.energy_mwh = kMaxMilliwattHours + 1; }) ==
        "invalid_number: kwh_consumed is 1000000.000001; at most 1000000 is allowed");
  CHECK(VerdictOn(SomeStop(), [](auto& e) { e.energy_mwh = -1; }) ==
        "negative: kwh_consumed is -0.000001; it must not be negative");
}

TEST_CASE("amounts lie between 0 and a hundred million cents") {
  CHECK(VerdictOn(SomeCredit(), [](auto& e) { e.amount_cents = 0; }) == "accepted");
  CHECK(VerdictOn(SomeCredit(), [](auto& e) { e.amount_cents = kMaxCents; }) == "accepted");
  CHECK(VerdictOn(SomeCredit(), [](auto& e) { e.amount_cents = kMaxCents + 1; }) ==
        "invalid_number: amount_cents is 100000001; at most 100000000 is allowed");
  CHECK(VerdictOn(SomeCredit(), [](auto& e) { e.new_balance_cents = -1; }) ==
        "negative: new_balance_cents is -1; it must not be negative");
}

TEST_CASE("numbers are finite and not negative") {
  IncentiveWindowActivated window;
  window.window_id = "w";
  window.multiplier = 0;
  window.price_per_kwh = std::numeric_limits<double>::max();
  CHECK(Verdict(Convert(window)) == "accepted");
  window.price_per_kwh = std::nan("");
  CHECK(Verdict(Convert(window)) ==
        "invalid_number: price_per_kwh is nan; it must be a finite number");
  window.price_per_kwh = std::numeric_limits<double>::infinity();
  CHECK(Verdict(Convert(window)) ==
        "invalid_number: price_per_kwh is inf; it must be a finite number");
  window.price_per_kwh = -0.29;
  CHECK(Verdict(Convert(window)) == "negative: price_per_kwh is -0.29; it must not be negative");
}

TEST_CASE("a version is at least 1") {
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.header.version = 0; }) ==
        "invalid_number: version is 0; it must be at least 1");
}

TEST_CASE("events lie at most five minutes in the future") {
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.started_at = TestNow() + absl::Minutes(5); }) ==
        "accepted");
  CHECK(VerdictOn(
            SomeStart(),
            [](auto& e) { e.started_at = TestNow() + absl::Minutes(5) + absl::Microseconds(1); }) ==
        "in_future: started_at is 2026-11-22T09:35:00.000001+00:00, but it is "
        "2026-11-22T09:30:00.000000+00:00 now; at most 5 minutes ahead are allowed");
  CHECK(VerdictOn(SomeStart(), [](auto& e) {
          e.header.timestamp = absl::InfiniteFuture();
        }).find("in_future: timestamp is 9999-12-31") == 0);
}

TEST_CASE("events lie at or after 1970") {
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.started_at = absl::UnixEpoch(); }) == "accepted");
  CHECK(VerdictOn(SomeStart(),
                  [](auto& e) { e.started_at = absl::UnixEpoch() - absl::Nanoseconds(1); }) ==
        "invalid_time: started_at is 1969-12-31T23:59:59.999999+00:00; times before 1970 are "
        "not accepted");
  CHECK(Verdict(Convert(SomeStart(), absl::UnixEpoch() - absl::Seconds(1)))
            .find("invalid_time: the producer's clock is 1969") == 0);
}

TEST_CASE("fields and properties must be JSON objects within the limits of an event") {
  const auto fields = [](const std::string& text) {
    return VerdictOn(SomeStart(), [&](auto& e) { e.header.fields = text; });
  };
  const auto properties = [](const std::string& text) {
    return VerdictOn(SomeStart(), [&](auto& e) { e.header.properties = text; });
  };
  const auto nested = [](std::size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  CHECK(fields("[]") == "malformed_json: header.fields is an array; it must be a JSON object");
  CHECK(properties("7") ==
        "malformed_json: header.properties is a number; it must be a JSON object");
  CHECK(fields(R"({"a":"\u0000"})").find("invalid_text: header.fields holds a NUL") == 0);
  CHECK(properties("{\"a\":\"\xff\"}") == "invalid_text: header.properties is not valid UTF-8");
  CHECK(properties(R"({"a":1,"a":2})") ==
        "malformed_json: header.properties has \"a\" more than once");
  CHECK(fields(nested(32)) == "accepted");
  CHECK(fields(nested(33)).find("too_large: header.fields is nested too deep in \"a\"") == 0);
  CHECK(properties(nested(31)) == "accepted");
  CHECK(properties(nested(32)).find("too_large: header.properties is nested too deep") == 0);
}

TEST_CASE("fields and properties together have at most 65536 bytes") {
  const auto object = [](std::size_t bytes) {
    return "{\"a\":\"" + std::string(bytes - 8, 'x') + "\"}";
  };
  ChargeStarted start = SomeStart();
  start.header.fields = object(kMaxJsonBytes / 2);
  start.header.properties = object(kMaxJsonBytes / 2);
  CHECK(Verdict(Convert(start)) == "accepted");
  start.header.properties = object(kMaxJsonBytes / 2 + 1);
  CHECK(Verdict(Convert(start)) ==
        "too_large: header.fields and header.properties are 65537 bytes long together; at most "
        "65536 are allowed");
}

TEST_CASE("fields may not have the name of a base key or of the type's own field") {
  const std::string name = GENERATE("event_id", "event_type", "timestamp", "region", "aggregate_id",
                                    "version", "properties", "session_id", "started_at");
  CHECK(VerdictOn(SomeStart(), [&](auto& e) { e.header.fields = "{\"" + name + "\":null}"; }) ==
        "other: header.fields has \"" + name + "\", which the event has a member for");
  CHECK(VerdictOn(SomeStart(), [](auto& e) { e.header.fields = R"({"stopped_at":1})"; }) ==
        "accepted");
}

TEST_CASE("a producer whose own region is bad refuses every event") {
  const StandingClock clock(TestNow());
  ChargeStarted start = SomeStart();
  start.header.region = "us";
  CHECK(Verdict(Producer({.region = ""}, nullptr, clock).Convert(start)) ==
        "missing_field: the producer's region is missing or empty; it is required");
  CHECK(Verdict(Producer({.region = std::string(51, 'x')}, nullptr, clock).Convert(start)) ==
        "too_long: the producer's region is 51 bytes long; at most 50 are allowed");
}

TEST_CASE("a producer without a bus converts and does not publish") {
  Producer producer({}, nullptr);
  CHECK(producer.Convert(SomeStart()).ok());
  CHECK(producer.Publish(SomeStart()).status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(producer.stats().published == 0);
}

TEST_CASE("refused JSON is counted by reason") {
  Producer producer({}, nullptr);
  CHECK_FALSE(producer.PublishJson("{").ok());
  CHECK_FALSE(producer.PublishJson("{").ok());
  CHECK_FALSE(producer.PublishJson("{}").ok());
  const ProducerStats stats = producer.stats();
  CHECK(stats.rejected == 3);
  CHECK(stats.rejected_by_reason[static_cast<std::size_t>(RejectReason::kMalformedJson)] == 2);
  CHECK(stats.rejected_by_reason[static_cast<std::size_t>(RejectReason::kMissingField)] == 1);
}

TEST_CASE("a retry stamped anew has the same payload, a changed one has not") {
  ChargeStopped stop = SomeStop();
  stop.header.event_id = "e-1";
  const AnalyticsEvent first = Convert(stop).value();
  const AnalyticsEvent retry = Convert(stop, TestNow() + absl::Hours(1)).value();
  CHECK(first.time != retry.time);
  CHECK(first.SamePayload(retry));
  stop.total_reward_microusd = 0;
  CHECK_FALSE(first.SamePayload(Convert(stop).value()));
}

TEST_CASE("the order of names in its JSON does not make another payload, another value does") {
  const auto payload = [](std::string_view json) { return ConvertJson(json).value(); };
  const AnalyticsEvent first = payload(R"({"event_type": "door_opened", "event_id": "e-1",
      "door": 1, "who": {"name": "x", "age": [{"y": 2, "d": 3}]},
      "properties": {"a": 1, "b": null}})");
  const AnalyticsEvent retry = payload(R"({"properties": {"b": null, "a": 1},
      "who": {"age": [{"d": 3, "y": 2}], "name": "x"}, "door": 1,
      "event_id": "e-1", "event_type": "door_opened"})");
  REQUIRE(first.fields != retry.fields);
  REQUIRE(first.properties != retry.properties);
  CHECK(first.SamePayload(retry));

  AnalyticsEvent other = retry;
  other.fields = R"({"who":{"age":[{"d":4,"y":2}],"name":"x"},"door":1})";
  CHECK_FALSE(first.SamePayload(other));
  other = retry;
  other.properties.clear();
  CHECK_FALSE(first.SamePayload(other));
}

TEST_CASE("JSON that is refused on conversion is counted too") {
  Producer producer({}, nullptr);
  CHECK(producer.ConvertJson(R"({"event_type": "charge_started", "session_id": "s-1"})").ok());
  CHECK_FALSE(producer.ConvertJson("{").ok());
  CHECK_FALSE(producer.ConvertJson(R"({"event_type": "charge_started"})").ok());
  const ProducerStats stats = producer.stats();
  CHECK(stats.published == 0);
  CHECK(stats.rejected == 2);
  CHECK(stats.rejected_by_reason[static_cast<std::size_t>(RejectReason::kMalformedJson)] == 1);
  CHECK(stats.rejected_by_reason[static_cast<std::size_t>(RejectReason::kMissingField)] == 1);
}

TEST_CASE("the system's clock goes") {
  CHECK(Clock::System().Now() > At("2020-01-01"));
  CHECK(&Clock::System() == &Clock::System());
}

}  // namespace
}  // namespace nerava::analytics
