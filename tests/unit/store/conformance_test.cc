// What every store must do. A further store is one line in Stores().
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/projection/commit.h"
#include "nerava/analytics/store.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Credited;
using testing::Started;
using testing::Stopped;
using testing::TempDir;

const absl::Time kStored = absl::FromUnixSeconds(1'780'000'000);
const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z

using Outcomes = std::vector<InsertOutcome>;

absl::StatusOr<Outcomes> Insert(Store& store, const std::vector<EventPtr>& events) {
  Outcomes outcomes;
  absl::Status status = store.Write([&](WriteTransaction& transaction) {
    auto inserted = transaction.Insert(events, kStored);
    if (inserted.ok()) outcomes = *inserted;
    return inserted.status();
  });
  if (!status.ok()) return status;
  return outcomes;
}

std::multiset<std::string> IdsOfSessions(Store& store, std::vector<std::string_view> sessions) {
  std::multiset<std::string> ids;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                return transaction.EventsOfSessions(
                    sessions, [&](const AnalyticsEvent& event) { ids.insert(event.event_id); });
              })
              .ok());
  return ids;
}

std::multiset<std::string> IdsBetween(Store& store, absl::Time from, absl::Time to) {
  std::multiset<std::string> ids;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                return transaction.EventsBetween(
                    from, to, [&](const AnalyticsEvent& event) { ids.insert(event.event_id); });
              })
              .ok());
  return ids;
}

// A page of what comes after, and moves `position` to its end.
std::vector<std::string> PageAfter(Store& store, std::int64_t* position, std::int64_t limit) {
  std::vector<std::string> ids;
  const std::int64_t after = *position;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                return transaction.EventsAfter(after, limit,
                                               [&](std::int64_t at, const AnalyticsEvent& event) {
                                                 if (at <= *position)
                                                   ids.push_back("positions do not ascend");
                                                 *position = at;
                                                 ids.push_back(event.event_id);
                                                 return true;
                                               });
              })
              .ok());
  return ids;
}

using Ids = std::multiset<std::string>;
std::int64_t LastPosition(Store& store) {
  std::int64_t position = -1;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                const auto last = transaction.LastPosition();
                if (last.ok()) position = *last;
                return last.status();
              })
              .ok());
  return position;
}

using Page = std::vector<std::string>;

TEST_CASE("store conformance") {
  const std::string kind = GENERATE("memory", "sqlite");
  INFO(kind);
  const TempDir dir;
  auto opened = OpenStore(kind == "memory" ? "memory:" : dir.SqliteUrl("events.db"));
  REQUIRE(opened.ok());
  Store& store = **opened;

  SECTION("an event is inserted once; the same again is a duplicate") {
    CHECK(*Insert(store, {Started("e1", "s1", kNoon)}) == Outcomes{InsertOutcome::kInserted});
    CHECK(*Insert(store, {Started("e1", "s1", kNoon)}) == Outcomes{InsertOutcome::kDuplicate});
    CHECK(IdsOfSessions(store, {"s1"}) == Ids{"e1"});
  }

  SECTION("a retry with another time, on another day, is a duplicate and the first time stays") {
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon)}).ok());
    CHECK(*Insert(store, {Started("e1", "s1", kNoon + absl::Hours(72))}) ==
          Outcomes{InsertOutcome::kDuplicate});
    CHECK(IdsBetween(store, kNoon, kNoon + absl::Microseconds(1)) == Ids{"e1"});
    CHECK(IdsBetween(store, kNoon + absl::Hours(1), kNoon + absl::Hours(100)).empty());
  }

  SECTION("the same id with another payload is a conflict and the first stays") {
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon)}).ok());
    CHECK(*Insert(store, {Started("e1", "s2", kNoon)}) == Outcomes{InsertOutcome::kConflict});
    CHECK(IdsOfSessions(store, {"s2"}).empty());
  }

  SECTION("repeats inside one batch are found") {
    CHECK(*Insert(store, {Started("e1", "s1", kNoon), Started("e1", "s1", kNoon),
                          Started("e1", "s2", kNoon), Started("e2", "s2", kNoon)}) ==
          Outcomes{InsertOutcome::kInserted, InsertOutcome::kDuplicate, InsertOutcome::kConflict,
                   InsertOutcome::kInserted});
  }

  SECTION("ids are told apart to the letter, whether they look like UUIDs or not") {
    const std::string uuid = "0f9619ff-8b86-4011-b42d-00cf4fc964ff";
    const std::string upper = "0F9619FF-8B86-4011-B42D-00CF4FC964FF";
    CHECK(*Insert(store, {Started(uuid, uuid, kNoon), Started(upper, upper, kNoon),
                          Started("\x0f\x16", "0", kNoon)}) ==
          Outcomes(3, InsertOutcome::kInserted));
    CHECK(IdsOfSessions(store, {uuid}) == Ids{uuid});
    CHECK(IdsOfSessions(store, {upper}) == Ids{upper});
  }

  SECTION("events of sessions come from all days, each once, and of no other session") {
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon), Stopped("e2", "s1", kNoon + absl::Hours(30)),
                           Credited("e3", "s1", kNoon + absl::Hours(900), 100),
                           Started("e4", "s2", kNoon), Credited("e5", "", kNoon, 100)})
                .ok());
    CHECK(IdsOfSessions(store, {"s1", "s3"}) == Ids{"e1", "e2", "e3"});
    CHECK(IdsOfSessions(store, {"s1", "s2"}) == Ids{"e1", "e2", "e3", "e4"});
    CHECK(IdsOfSessions(store, {}).empty());
  }

  SECTION("a range holds its first moment and not its last") {
    const absl::Time midnight = kNoon + absl::Hours(12);
    const absl::Duration tick = absl::Microseconds(1);
    REQUIRE(Insert(store, {Started("before", "s1", midnight - tick), Started("on", "s2", midnight),
                           Started("after", "s3", midnight + tick)})
                .ok());
    CHECK(IdsBetween(store, midnight, midnight + tick) == Ids{"on"});
    CHECK(IdsBetween(store, midnight - tick, midnight + tick) == Ids{"before", "on"});
    CHECK(IdsBetween(store, midnight - tick, midnight) == Ids{"before"});
    CHECK(IdsBetween(store, midnight, midnight).empty());
  }

  SECTION("a transaction whose body fails leaves nothing behind") {
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon)}).ok());
    const absl::Status status = store.Write([&](WriteTransaction& transaction) {
      REQUIRE(transaction
                  .Insert({Started("e2", "s1", kNoon), Started("e3", "s9", kNoon - absl::Hours(99)),
                           Stopped("e4", "s2", kNoon + absl::Hours(99))},
                          kStored)
                  .ok());
      return absl::AbortedError("changed my mind");
    });
    CHECK(status == absl::AbortedError("changed my mind"));
    CHECK(IdsOfSessions(store, {"s1", "s2", "s9"}) == Ids{"e1"});
    // What was rolled back can be stored afterwards, and is found then.
    CHECK(*Insert(store, {Started("e2", "s1", kNoon), Started("e3", "s9", kNoon)}) ==
          Outcomes(2, InsertOutcome::kInserted));
    CHECK(*Insert(store, {Started("e2", "s1", kNoon), Started("e3", "s9", kNoon)}) ==
          Outcomes(2, InsertOutcome::kDuplicate));
    CHECK(IdsOfSessions(store, {"s1", "s9"}) == Ids{"e1", "e2", "e3"});
  }

  SECTION("events are counted by type and region") {
    auto elsewhere = std::make_shared<AnalyticsEvent>(*Started("e3", "s3", kNoon));
    elsewhere->region = "nevada";
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon), Stopped("e2", "s1", kNoon), elsewhere,
                           Started("e1", "s1", kNoon)})
                .ok());
    EventCounts counts;
    REQUIRE(store
                .Read([&](ReadTransaction& transaction) {
                  auto counted = transaction.CountEvents();
                  if (counted.ok()) counts = *counted;
                  return counted.status();
                })
                .ok());
    CHECK(counts.total == 3);
    CHECK(counts.by_type == std::map<std::string, std::uint64_t>{{"analytics_charge_started", 2},
                                                                 {"analytics_charge_stopped", 1}});
    CHECK(counts.by_region == std::map<std::string, std::uint64_t>{{"default", 2}, {"nevada", 1}});
  }

  SECTION("events come in the order of commits, whenever they happened, a page at a time") {
    std::int64_t position = 0;
    CHECK(PageAfter(store, &position, 10).empty());
    CHECK(position == 0);
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon), Started("e2", "s2", kNoon - absl::Hours(99)),
                           Started("e3", "s3", kNoon + absl::Hours(99)), Started("e1", "s1", kNoon),
                           Stopped("e4", "s1", kNoon - absl::Hours(50))})
                .ok());
    CHECK(PageAfter(store, &position, 3) == Page{"e1", "e2", "e3"});
    REQUIRE(Insert(store, {Started("late", "s5", kNoon - absl::Hours(99))}).ok());
    CHECK(PageAfter(store, &position, 0).empty());
    CHECK(PageAfter(store, &position, 1) == Page{"e4"});
    CHECK(PageAfter(store, &position, 9) == Page{"late"});
    CHECK(PageAfter(store, &position, 9).empty());
    std::int64_t begin = 0;
    CHECK(PageAfter(store, &begin, 9) == Page{"e1", "e2", "e3", "e4", "late"});
    CHECK(begin == position);
    CHECK(LastPosition(store) == position);
  }

  SECTION("who reads in the order of commits may stop anywhere, and go on there") {
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon), Started("e2", "s2", kNoon - absl::Hours(99)),
                           Started("e3", "s3", kNoon)})
                .ok());
    std::int64_t seen = 0;
    Page ids;
    const absl::Status read = store.Read([&](ReadTransaction& transaction) {
      return transaction.EventsAfter(0, 9, [&](std::int64_t position, const AnalyticsEvent& event) {
        ids.push_back(event.event_id);
        seen = position;
        return ids.size() < 2;
      });
    });
    CHECK(read.ok());
    CHECK(ids == Page{"e1", "e2"});
    CHECK(PageAfter(store, &seen, 9) == Page{"e3"});
  }

  SECTION("a position is no event's that was rolled back, and one that none had is refused") {
    REQUIRE(Insert(store, {Started("e1", "s1", kNoon)}).ok());
    std::int64_t position = 0;
    PageAfter(store, &position, 9);
    const absl::Status status = store.Write([&](WriteTransaction& transaction) {
      REQUIRE(transaction.Insert({Started("e2", "s1", kNoon)}, kStored).ok());
      return absl::AbortedError("changed my mind");
    });
    REQUIRE_FALSE(status.ok());
    CHECK(PageAfter(store, &position, 9).empty());
    CHECK(LastPosition(store) == position);
    const auto after = [&](std::int64_t beyond) {
      return store.Read([&](ReadTransaction& transaction) {
        return transaction.EventsAfter(beyond, 9,
                                       [](std::int64_t, const AnalyticsEvent&) { return true; });
      });
    };
    CHECK(absl::IsOutOfRange(after(position + 1)));
    CHECK(absl::IsOutOfRange(after(std::numeric_limits<std::int64_t>::max())));
    REQUIRE(Insert(store, {Started("e3", "s1", kNoon)}).ok());
    CHECK(PageAfter(store, &position, 9) == Page{"e3"});
  }

  SECTION("a reader's error comes back as it is") {
    CHECK(store.Read([](ReadTransaction&) { return absl::AbortedError("enough"); }) ==
          absl::AbortedError("enough"));
    CHECK(IdsOfSessions(store, {"s1"}).empty());
  }
}

}  // namespace
}  // namespace nerava::analytics
