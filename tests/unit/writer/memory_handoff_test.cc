#include <catch2/catch.hpp>

#include "lib/writer/handoff.h"
#include "tests/support/events.h"

namespace nerava::analytics {
namespace {

std::string Ids(const std::vector<EventPtr>& events) {
  std::string ids;
  for (const EventPtr& event : events) ids += event->event_id;
  return ids;
}

TEST_CASE("A hand-off gives the oldest events until they are acknowledged") {
  MemoryHandoff handoff(10);
  for (const char* id : {"a", "b", "c"}) REQUIRE(handoff.Offer(MakeEvent(id)).ok());

  CHECK(Ids(handoff.Oldest(2)) == "ab");
  CHECK(Ids(handoff.Oldest(5)) == "abc");
  handoff.Acknowledge(1);
  CHECK(Ids(handoff.Oldest(2)) == "bc");
  CHECK(handoff.size() == 2);
  handoff.Acknowledge(2);
  CHECK(handoff.Oldest(2).empty());
}

TEST_CASE("A full hand-off refuses until something is acknowledged") {
  MemoryHandoff handoff(2);
  REQUIRE(handoff.Offer(MakeEvent("a")).ok());
  REQUIRE(handoff.Offer(MakeEvent("b")).ok());

  CHECK(absl::IsResourceExhausted(handoff.Offer(MakeEvent("c"))));
  CHECK(Ids(handoff.Oldest(5)) == "ab");
  handoff.Acknowledge(1);
  CHECK(handoff.Offer(MakeEvent("c")).ok());
  CHECK(Ids(handoff.Oldest(5)) == "bc");
}

}  // namespace
}  // namespace nerava::analytics
