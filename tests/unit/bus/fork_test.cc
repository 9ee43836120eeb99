// A bus that was made before fork(), in the child.
#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <thread>
#include <vector>

#include "nerava/analytics/bus.h"
#include "tests/support/child.h"
#include "tests/support/events.h"

#if NERAVA_CAN_FORK

namespace nerava::analytics {
namespace {

using testing::Child;
using testing::InChild;

TEST_CASE("Ending a subscription in a child waits for its own calls, not for the parent's") {
  Bus bus;
  std::latch entered(1), leave(1);
  int calls = 0;
  Subscription subscription;
  REQUIRE(bus.Subscribe(
                 "*",
                 [&](const EventPtr& event) {
                   ++calls;
                   if (event->event_id == "fork") {
                     return InChild([&] {
                              subscription.Reset();  // inside a handler: does not wait
                              return bus.Publish(MakeEvent("unheard")).ok() && calls == 2 ? 0 : 1;
                            }) == 0
                                ? absl::OkStatus()
                                : absl::InternalError("the child failed");
                   }
                   entered.count_down();
                   leave.wait();
                   return absl::OkStatus();
                 },
                 &subscription)
              .ok());
  std::thread publisher([&] { REQUIRE(bus.Publish(MakeEvent("stay")).ok()); });
  entered.wait();

  Child child([&] {
    subscription.Reset();
    return bus.Publish(MakeEvent("unheard")).ok() && calls == 1 ? 0 : 1;
  });
  CHECK(child.Wait() == 0);
  CHECK(bus.Publish(MakeEvent("fork")).ok());
  CHECK(bus.stats().handler_failures == 0);

  leave.count_down();
  publisher.join();
}

TEST_CASE("A child counts from 0, with the subscribers and recent events it had") {
  Bus bus;
  std::atomic<int> calls{0};
  Subscription all, refusing;
  REQUIRE(bus.Subscribe(
                 "*", [&](const EventPtr&) { return ++calls, absl::OkStatus(); }, &all)
              .ok());
  REQUIRE(bus.Subscribe(
                 "bad", [](const EventPtr&) { return absl::InternalError("no"); }, &refusing,
                 Bus::Delivery::kRequired)
              .ok());
  REQUIRE(bus.Publish(MakeEvent("1")).ok());
  REQUIRE_FALSE(bus.Publish(MakeEvent("2", "analytics_bad")).ok());

  CHECK(InChild([&] {
          const BusStats before = bus.stats();
          if (before.published + before.refused + before.deliveries + before.handler_failures > 0) {
            return 1;
          }
          if (before.subscribers != 2 || bus.Recent().size() != 1) return 2;
          if (!bus.Publish(MakeEvent("3")).ok()) return 3;
          return bus.stats().published == 1 && bus.stats().deliveries == 1 ? 0 : 4;
        }) == 0);
  const BusStats own = bus.stats();
  CHECK(own.published == 1);
  CHECK(own.refused == 1);
  CHECK(own.deliveries == 1);
  CHECK(own.handler_failures == 1);
}

TEST_CASE("Forks among threads that publish, subscribe and read leave no lock held") {
  Bus bus;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!done) {
        Subscription subscription;
        static_cast<void>(bus.Subscribe(
            "*", [](const EventPtr&) { return absl::OkStatus(); }, &subscription));
        static_cast<void>(bus.Publish(MakeEvent("parent")));
        static_cast<void>(bus.Recent());
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    Child child([&] {
      int heard = 0;
      Subscription subscription;
      const auto count = [&](const EventPtr&) { return ++heard, absl::OkStatus(); };
      if (!bus.Subscribe("*", count, &subscription).ok()) return 1;
      if (!bus.Publish(MakeEvent("child")).ok() || heard != 1) return 2;
      return bus.Recent().back()->event_id == "child" ? 0 : 3;
    });
    CHECK(child.Wait() == 0);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace nerava::analytics

#endif  // NERAVA_CAN_FORK
