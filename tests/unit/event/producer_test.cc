// Producer::Publish, with a bus behind it.
#include "nerava/analytics/producer.h"

#include <catch2/catch.hpp>
#include <utility>
#include <variant>

#include "nerava/analytics/bus.h"
#include "tests/support/child.h"
#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

TEST_CASE("what is published is the event that the bus has") {
  Bus bus;
  Producer producer({.region = "eu"}, &bus);
  const absl::StatusOr<EventPtr> published = producer.Publish(SomeStart());
  REQUIRE(published.ok());
  REQUIRE(bus.Recent().size() == 1);
  CHECK(bus.Recent()[0] == *published);
  CHECK((*published)->event_type == "analytics_charge_started");
  CHECK((*published)->session_id == "s-1");
  CHECK(producer.stats().published == 1);
}

TEST_CASE("an event that is not given away may be published again") {
  Bus bus;
  Producer producer({}, &bus);
  const DomainEvent event = SomeStart();
  CHECK(producer.Publish(event).ok());
  CHECK(std::get<ChargeStarted>(event).session_id == "s-1");
  CHECK(producer.Publish(event).ok());
  CHECK(bus.Recent().back()->session_id == "s-1");
}

TEST_CASE("what a required subscriber refuses is not counted as published") {
  Bus bus;
  Subscription full;
  REQUIRE(bus.Subscribe(
                 "*", [](const EventPtr&) { return absl::ResourceExhaustedError("full"); }, &full,
                 Bus::Delivery::kRequired)
              .ok());
  Producer producer({}, &bus);
  CHECK(producer.Publish(SomeStart()).status() == absl::ResourceExhaustedError("full"));
  CHECK(producer.stats().published == 0);
  CHECK(producer.stats().rejected == 0);
}

#if NERAVA_CAN_FORK
TEST_CASE("a forked child counts from 0, and its parent goes on") {
  Bus bus;
  Producer producer({}, &bus);
  REQUIRE(producer.Publish(SomeStart()).ok());
  REQUIRE_FALSE(producer.Publish(ChargeStarted()).ok());
  CHECK(testing::InChild([&] {
          if (producer.stats().published != 0 || producer.stats().rejected != 0) return 1;
          if (!producer.Publish(SomeStart()).ok() || producer.Publish(ChargeStarted()).ok())
            return 2;
          return producer.stats().published == 1 && producer.stats().rejected == 1 ? 0 : 3;
        }) == 0);
  CHECK(producer.stats().published == 1);
  CHECK(producer.stats().rejected == 1);
}
#endif

}  // namespace
}  // namespace nerava::analytics
