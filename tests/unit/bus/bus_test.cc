#include "nerava/analytics/bus.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "nerava/analytics/limits.h"
#include "tests/support/events.h"

namespace nerava::analytics {
namespace {

Bus::Handler Record(std::vector<std::string>* calls, std::string name) {
  return [calls, name = std::move(name)](const EventPtr& event) {
    calls->push_back(name + ":" + event->event_id);
    return absl::OkStatus();
  };
}

Bus::Handler Count(std::atomic<int>* calls) {
  return [calls](const EventPtr&) {
    ++*calls;
    return absl::OkStatus();
  };
}

TEST_CASE("A handler gets the events of its type, with or without the prefix, and of all with *") {
  Bus bus;
  std::vector<std::string> calls;
  Subscription plain, prefixed, all;
  REQUIRE(bus.Subscribe("foo", Record(&calls, "plain"), &plain).ok());
  REQUIRE(bus.Subscribe("analytics_foo", Record(&calls, "prefixed"), &prefixed).ok());
  REQUIRE(bus.Subscribe("*", Record(&calls, "all"), &all).ok());

  REQUIRE(bus.Publish(MakeEvent("1", "analytics_foo")).ok());
  REQUIRE(bus.Publish(MakeEvent("2", "analytics_bar")).ok());

  CHECK(calls == std::vector<std::string>{"plain:1", "prefixed:1", "all:1", "all:2"});
  CHECK(bus.stats().subscribers == 3);
  CHECK(bus.stats().deliveries == 4);
  CHECK(bus.stats().published == 2);
}

TEST_CASE(
    "Required subscribers are called first, and within a kind the order is that of subscribing") {
  Bus bus;
  std::vector<std::string> calls;
  Subscription a, b, c, d;
  REQUIRE(bus.Subscribe("*", Record(&calls, "a"), &a).ok());
  REQUIRE(bus.Subscribe("foo", Record(&calls, "b"), &b, Bus::Delivery::kRequired).ok());
  REQUIRE(bus.Subscribe("foo", Record(&calls, "c"), &c).ok());
  REQUIRE(bus.Subscribe("*", Record(&calls, "d"), &d, Bus::Delivery::kRequired).ok());

  REQUIRE(bus.Publish(MakeEvent("1", "analytics_foo")).ok());

  CHECK(calls == std::vector<std::string>{"b:1", "d:1", "a:1", "c:1"});
}

TEST_CASE("What a required subscriber refuses is refused, and nobody else hears of it") {
  Bus bus;
  std::vector<std::string> calls;
  Subscription required, other;
  REQUIRE(bus.Subscribe("*", Record(&calls, "other"), &other).ok());
  REQUIRE(bus.Subscribe(
                 "*", [](const EventPtr&) { return absl::ResourceExhaustedError("full"); },
                 &required, Bus::Delivery::kRequired)
              .ok());

  CHECK(bus.Publish(MakeEvent("1")) == absl::ResourceExhaustedError("full"));

  CHECK(calls.empty());
  CHECK(bus.Recent().empty());
  CHECK(bus.stats().refused == 1);
  CHECK(bus.stats().published == 0);
  CHECK(bus.stats().handler_failures == 1);
}

TEST_CASE("A required subscriber that throws refuses the event") {
  Bus bus;
  Subscription required;
  REQUIRE(bus.Subscribe(
                 "*", [](const EventPtr&) -> absl::Status { throw std::runtime_error("boom"); },
                 &required, Bus::Delivery::kRequired)
              .ok());

  const absl::Status status = bus.Publish(MakeEvent("1"));

  CHECK(absl::IsInternal(status));
  CHECK(status.ToString().find("boom") != std::string::npos);
}

TEST_CASE("A handler that fails or throws harms no other, is counted and reported") {
  std::vector<std::string> reports;
  BusOptions options;
  options.on_error = [&](std::string_view type, const AnalyticsEvent& event,
                         const absl::Status& error) {
    reports.push_back(std::string(type) + " " + event.event_id + " " + error.ToString());
    throw std::runtime_error("swallowed");
  };
  Bus bus(options);
  std::atomic<int> calls{0};
  Subscription failing, throwing, odd, last;
  REQUIRE(bus.Subscribe(
                 "foo", [](const EventPtr&) { return absl::AbortedError("no"); }, &failing)
              .ok());
  REQUIRE(bus.Subscribe(
                 "*", [](const EventPtr&) -> absl::Status { throw std::runtime_error("boom"); },
                 &throwing)
              .ok());
  REQUIRE(bus.Subscribe(
                 "*", [](const EventPtr&) -> absl::Status { throw 1; }, &odd)
              .ok());
  REQUIRE(bus.Subscribe("*", Count(&calls), &last).ok());

  CHECK(bus.Publish(MakeEvent("1", "analytics_foo")).ok());

  CHECK(calls == 1);
  CHECK(bus.stats().handler_failures == 3);
  REQUIRE(reports.size() == 3);
  CHECK(reports[0] == "analytics_foo 1 ABORTED: no");
  CHECK(reports[1].find("* 1 INTERNAL: the handler threw: boom") == 0);
  CHECK(reports[2].find("* 1 INTERNAL") == 0);
}

TEST_CASE("Bad subscriptions are refused and leave the subscription inactive") {
  Bus bus;
  std::atomic<int> calls{0};
  Subscription subscription;
  REQUIRE(bus.Subscribe("foo", Count(&calls), &subscription).ok());
  REQUIRE(subscription.active());

  const std::string too_long(kMaxTypeBytes + 1, 'x');
  CHECK(absl::IsInvalidArgument(bus.Subscribe("", Count(&calls), &subscription)));
  CHECK_FALSE(subscription.active());
  CHECK(absl::IsInvalidArgument(bus.Subscribe(too_long, Count(&calls), &subscription)));
  CHECK(absl::IsInvalidArgument(bus.Subscribe("foo", nullptr, &subscription)));
  CHECK(bus.stats().subscribers == 0);
  CHECK(absl::IsInvalidArgument(bus.Publish(nullptr)));
}

TEST_CASE("Reset, destruction and assignment end a subscription, a move does not") {
  Bus bus;
  std::atomic<int> calls{0};
  {
    Subscription first;
    REQUIRE(bus.Subscribe("*", Count(&calls), &first).ok());
    Subscription second(std::move(first));
    CHECK(second.active());
    REQUIRE(bus.Publish(MakeEvent("1")).ok());
    CHECK(calls == 1);
    second = Subscription();
    REQUIRE(bus.Publish(MakeEvent("2")).ok());
    CHECK(calls == 1);
    REQUIRE(bus.Subscribe("*", Count(&calls), &second).ok());
  }
  REQUIRE(bus.Publish(MakeEvent("3")).ok());
  CHECK(calls == 1);
  CHECK(bus.stats().subscribers == 0);
}

TEST_CASE("A subscription may outlive its bus") {
  std::atomic<int> calls{0};
  Subscription subscription;
  {
    Bus bus;
    REQUIRE(bus.Subscribe("*", Count(&calls), &subscription).ok());
  }
  CHECK_FALSE(subscription.active());
  subscription.Reset();
}

TEST_CASE("Ending a subscription frees what its handler holds") {
  Bus bus;
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  Subscription subscription;
  REQUIRE(bus.Subscribe(
                 "*", [held](const EventPtr&) { return absl::OkStatus(); }, &subscription)
              .ok());
  held.reset();
  REQUIRE_FALSE(watched.expired());

  subscription.Reset();

  CHECK(watched.expired());
}

TEST_CASE("A handler may own another's subscription, which ends with it") {
  Bus bus;
  std::atomic<int> calls{0};
  auto owned = std::make_shared<Subscription>();
  REQUIRE(bus.Subscribe("*", Count(&calls), owned.get()).ok());
  Subscription owner;
  REQUIRE(bus.Subscribe(
                 "*", [owned](const EventPtr&) { return absl::OkStatus(); }, &owner)
              .ok());
  owned.reset();
  REQUIRE(bus.Publish(MakeEvent("1")).ok());

  owner.Reset();

  REQUIRE(bus.Publish(MakeEvent("2")).ok());
  CHECK(calls == 1);
  CHECK(bus.stats().subscribers == 0);
}

TEST_CASE("A handler may end its own subscription") {
  Bus bus;
  int calls = 0;
  Subscription subscription;
  REQUIRE(bus.Subscribe(
                 "*",
                 [&](const EventPtr&) {
                   ++calls;
                   subscription.Reset();
                   return absl::OkStatus();
                 },
                 &subscription)
              .ok());

  REQUIRE(bus.Publish(MakeEvent("1")).ok());
  REQUIRE(bus.Publish(MakeEvent("2")).ok());

  CHECK(calls == 1);
  CHECK_FALSE(subscription.active());
}

TEST_CASE("A handler may end another's subscription, which then is not called any more") {
  Bus bus;
  std::atomic<int> calls{0};
  Subscription first, second;
  REQUIRE(bus.Subscribe(
                 "*",
                 [&](const EventPtr&) {
                   second.Reset();
                   return absl::OkStatus();
                 },
                 &first)
              .ok());
  REQUIRE(bus.Subscribe("*", Count(&calls), &second).ok());

  REQUIRE(bus.Publish(MakeEvent("1")).ok());

  CHECK(calls == 0);
}

TEST_CASE("A handler may subscribe and publish") {
  Bus bus;
  std::atomic<int> calls{0};
  Subscription outer, inner;
  REQUIRE(bus.Subscribe(
                 "outer",
                 [&](const EventPtr&) {
                   absl::Status status = bus.Subscribe("inner", Count(&calls), &inner);
                   return status.ok() ? bus.Publish(MakeEvent("2", "analytics_inner")) : status;
                 },
                 &outer)
              .ok());

  REQUIRE(bus.Publish(MakeEvent("1", "analytics_outer")).ok());

  CHECK(calls == 1);
  CHECK(bus.stats().published == 2);
}

TEST_CASE("A handler may end its own subscription from a call nested in another") {
  Bus bus;
  int calls = 0;
  Subscription subscription;
  REQUIRE(bus.Subscribe(
                 "*",
                 [&](const EventPtr&) {
                   if (++calls == 1) return bus.Publish(MakeEvent("2"));
                   subscription.Reset();
                   return absl::OkStatus();
                 },
                 &subscription)
              .ok());

  REQUIRE(bus.Publish(MakeEvent("1")).ok());

  CHECK(calls == 2);
  CHECK(bus.stats().handler_failures == 0);
}

TEST_CASE("Ending a subscription waits for a call that runs on another thread") {
  Bus bus;
  std::latch entered(1);
  std::atomic<bool> finished{false};
  Subscription subscription;
  REQUIRE(bus.Subscribe(
                 "*",
                 [&](const EventPtr&) {
                   entered.count_down();
                   // Until Reset() has begun: it has taken the subscriber off the list.
                   while (bus.stats().subscribers > 0) std::this_thread::yield();
                   finished = true;
                   return absl::OkStatus();
                 },
                 &subscription)
              .ok());
  std::thread publisher([&] { bus.Publish(MakeEvent("1")).IgnoreError(); });
  entered.wait();

  subscription.Reset();

  CHECK(finished);
  publisher.join();
}

TEST_CASE("Two handlers on two threads may end each other's subscription") {
  Bus bus;
  std::latch both_run(2);
  Subscription first, second;
  const auto end = [&both_run](Subscription* other) {
    return [&both_run, other](const EventPtr&) {
      both_run.arrive_and_wait();
      other->Reset();
      return absl::OkStatus();
    };
  };
  REQUIRE(bus.Subscribe("a", end(&second), &first).ok());
  REQUIRE(bus.Subscribe("b", end(&first), &second).ok());

  std::thread publisher([&] { bus.Publish(MakeEvent("1", "analytics_a")).IgnoreError(); });
  CHECK(bus.Publish(MakeEvent("2", "analytics_b")).ok());
  publisher.join();

  CHECK_FALSE(first.active());
  CHECK_FALSE(second.active());
  CHECK(bus.stats().subscribers == 0);
  CHECK(bus.stats().deliveries == 2);
}

TEST_CASE("A handler whose subscription another one ends is freed when the publish ends") {
  Bus bus;
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> observer = owned;
  Subscription ended, ender;
  REQUIRE(
      bus.Subscribe(
             "*", [owned = std::move(owned)](const EventPtr&) { return absl::OkStatus(); }, &ended)
          .ok());
  REQUIRE(bus.Subscribe(
                 "*",
                 [&](const EventPtr&) {
                   ended.Reset();
                   return absl::OkStatus();
                 },
                 &ender)
              .ok());

  REQUIRE(bus.Publish(MakeEvent("1")).ok());

  CHECK(observer.expired());
}

TEST_CASE("Recent events are the last ones, oldest first, by type and aggregate") {
  BusOptions options;
  options.recent_capacity = 3;
  Bus bus(options);
  REQUIRE(bus.Publish(MakeEvent("1", "analytics_a", "x")).ok());
  CHECK(bus.Recent().size() == 1);
  REQUIRE(bus.Publish(MakeEvent("2", "analytics_a", "x")).ok());
  REQUIRE(bus.Publish(MakeEvent("3", "analytics_b", "x")).ok());
  REQUIRE(bus.Publish(MakeEvent("4", "analytics_a", "y")).ok());

  const auto ids = [](const std::vector<EventPtr>& events) {
    std::string all;
    for (const EventPtr& event : events) all += event->event_id;
    return all;
  };
  CHECK(ids(bus.Recent()) == "234");
  CHECK(ids(bus.Recent("a")) == "24");
  CHECK(ids(bus.Recent("analytics_a")) == "24");
  CHECK(ids(bus.Recent("", "x")) == "23");
  CHECK(ids(bus.Recent("a", "y")) == "4");

  bus.Forget([](const AnalyticsEvent& event) { return event.event_id == "3"; });
  CHECK(ids(bus.Recent()) == "24");
  REQUIRE(bus.Publish(MakeEvent("5")).ok());
  REQUIRE(bus.Publish(MakeEvent("6")).ok());
  CHECK(ids(bus.Recent()) == "456");
  CHECK(ids(bus.Recent("c")).empty());
}

TEST_CASE("A bus that keeps no events still delivers them") {
  BusOptions options;
  options.recent_capacity = 0;
  Bus bus(options);
  std::atomic<int> calls{0};
  Subscription subscription;
  REQUIRE(bus.Subscribe("*", Count(&calls), &subscription).ok());
  REQUIRE(bus.Publish(MakeEvent("1")).ok());
  CHECK(calls == 1);
  CHECK(bus.Recent().empty());
}

TEST_CASE("Eight threads publish while subscriptions come and go") {
  constexpr int kThreads = 8;
  constexpr int kEvents = 2000;
  Bus bus;
  std::atomic<int> steady{0};
  Subscription subscription;
  REQUIRE(bus.Subscribe("test", Count(&steady), &subscription, Bus::Delivery::kRequired).ok());

  std::atomic<bool> done{false};
  std::vector<std::thread> publishers;
  for (int t = 0; t < kThreads; ++t) {
    publishers.emplace_back([&, t] {
      for (int i = 0; i < kEvents; ++i) {
        bus.Publish(MakeEvent(std::to_string(t * kEvents + i))).IgnoreError();
      }
    });
  }
  std::thread churn([&] {
    while (!done) {
      // Freed with the scope: a call after Reset would be a use after free.
      auto calls = std::make_unique<std::atomic<int>>(0);
      Subscription passing;
      bus.Subscribe("*", Count(calls.get()), &passing).IgnoreError();
      bus.Recent("test");
      passing.Reset();
    }
  });
  for (std::thread& publisher : publishers) publisher.join();
  done = true;
  churn.join();

  CHECK(steady == kThreads * kEvents);
  CHECK(bus.stats().published == kThreads * kEvents);
  CHECK(bus.stats().handler_failures == 0);
  CHECK(bus.Recent().size() == 1000);
}

}  // namespace
}  // namespace nerava::analytics
