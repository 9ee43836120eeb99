// Pages of events in the order of commits are what was committed, each event once, whatever is erased
// and dropped between them, and while others commit.
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lib/projection/erase.h"
#include "nerava/analytics/analytics.h"
#include "tests/property/seeds.h"
#include "tests/support/random_events.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::RandomEvents;
using testing::TempDir;

struct Placed {
  std::int64_t position;
  std::string id;
  std::string json;
  friend bool operator==(const Placed&, const Placed&) = default;
};

std::vector<Placed> PageAfter(Store& store, std::int64_t position, std::int64_t limit) {
  std::vector<Placed> page;
  const absl::Status status = store.Read([&](ReadTransaction& transaction) {
    return transaction.EventsAfter(position, limit,
                                   [&](std::int64_t at, const AnalyticsEvent& event) {
                                     page.push_back({at, event.event_id, ToJson(event)});
                                     return true;
                                   });
  });
  INFO(status.ToString());
  REQUIRE(status.ok());
  return page;
}

// All events as the store has them now, by id, in no order.
std::map<std::string, AnalyticsEvent> Stored(Store& store) {
  std::map<std::string, AnalyticsEvent> events;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                return transaction.EventsBetween(
                    absl::UnixEpoch(), RandomEvents::kBegin + 1000 * kDay,
                    [&](AnalyticsEvent event) { events.emplace(event.event_id, event); });
              })
              .ok());
  return events;
}

// What was stored, in the order in which it was; and a reader who asks for a page now and then.
class Log {
 public:
  explicit Log(const std::shared_ptr<Store>& store) : store_(store) {}

  // Of an id that is in the batch twice the first event that is not too old is stored. One that was dropped
  // may come anew.
  void Commit(const std::vector<EventPtr>& batch) {
    const auto before = Stored(*store_);
    const absl::Time accepts_from = KeptFrom(*store_).accepts_from();
    analytics::Commit(*store_, batch);
    auto added = Stored(*store_);
    std::erase_if(added, [&](const auto& event) { return before.contains(event.first); });
    for (const EventPtr& event : batch) {
      if (event->time < accepts_from || added.erase(event->event_id) == 0) continue;
      std::erase(order_, event->event_id);
      order_.push_back(event->event_id);
      positions_.erase(event->event_id);
    }
  }

  // Pages of this size from the begin are the events that are left, in their order.
  void CheckPages(std::int64_t limit) {
    const auto stored = Stored(*store_);
    std::vector<std::string> expected;
    for (const std::string& id : order_) {
      const auto found = stored.find(id);
      if (found != stored.end()) expected.push_back(ToJson(found->second));
    }
    std::vector<std::string> seen;
    std::int64_t position = 0;
    for (;;) {
      const auto page = PageAfter(*store_, position, limit);
      REQUIRE(page.size() <= static_cast<std::size_t>(limit));
      for (const Placed& event : page) {
        REQUIRE(event.position > position);
        position = event.position;
        seen.push_back(event.json);
      }
      if (page.size() < static_cast<std::size_t>(limit)) break;
    }
    REQUIRE(seen == expected);
  }

  // From any position on there is the rest of what there is from 0 on, and each keeps its position.
  void CheckResumes(RandomEvents& random) {
    const auto all = PageAfter(*store_, 0, 1'000'000);
    const std::int64_t last = all.empty() ? 0 : all.back().position;
    const std::int64_t from = random.Below(static_cast<int>(last) + 1);
    std::vector<Placed> rest;
    for (const Placed& event : all) {
      if (event.position > from) rest.push_back(event);
    }
    REQUIRE(PageAfter(*store_, from, 1'000'000) == rest);
    for (const Placed& event : all) {
      std::int64_t& position = positions_[event.id];
      REQUIRE((position == 0 || position == event.position));
      position = event.position;
    }
  }

 private:
  const std::shared_ptr<Store>& store_;  // which is opened anew now and then
  std::vector<std::string> order_;
  std::map<std::string, std::int64_t> positions_;  // by id
};

void Run(std::uint64_t seed, const std::string& url) {
  RandomEvents random(seed, RandomEvents::kBegin, 30);
  auto store = Open(url);
  Log log(store);
  const auto events =
      random.WithRepeats(WithoutLongSessions(random.Distinct(1 + random.Below(200))));
  for (const auto& batch : random.Batches(random.Shuffled(events))) {
    log.Commit(batch);
    if (random.OneIn(5)) {
      Horizons wanted;
      wanted.events = wanted.days = RandomEvents::kBegin + random.Below(15) * kDay;
      REQUIRE(store->Retain(wanted, absl::Milliseconds(random.Below(2))).ok());
    }
    if (random.OneIn(5)) {
      const auto totals = random.OneIn(2) ? ErasedTotals::kKeep : ErasedTotals::kRemove;
      const auto erased =
          EraseFromStore(*store, {"user" + std::to_string(random.Below(5))}, totals,
                         [](const std::vector<std::string>&) { return absl::OkStatus(); });
      REQUIRE(erased.ok());
    }
    if (random.OneIn(10) && url != "memory:") {
      store = nullptr;
      store = Open(url);
    }
    log.CheckPages(1 + random.Below(20));
    log.CheckResumes(random);
  }
}

TEST_CASE("pages in the order of commits are what was committed") {
  ForEachSeed([](std::uint64_t seed) {
    const TempDir dir;
    Run(seed, "memory:");
    Run(seed, dir.SqliteUrl("events.db"));
  });
}

// Without checks of Catch's, which are for the test's own thread.
void Insert(Store& store, const std::vector<EventPtr>& batch) {
  CommitBatch(store, batch, absl::FromUnixSeconds(1'780'000'000)).IgnoreError();
}

// A reader who goes on from his last position has every event once, however pages and commits meet.
TEST_CASE("a reader beside writers misses no event and sees none twice") {
  const std::string kind = GENERATE("memory", "sqlite", "sqlite of two openings");
  INFO(kind);
  const TempDir dir;
  const std::string url = kind == "memory" ? "memory:" : dir.SqliteUrl("events.db");
  RandomEvents random(1, RandomEvents::kBegin, 1);  // several partitions of a day
  const auto events = random.Distinct(3000);
  const auto batches = random.Batches(events);
  auto store = Open(url);
  auto other = kind == "sqlite of two openings" ? Open(url) : store;
  std::atomic<bool> written{false};
  std::thread writers([&] {
    std::thread second([&] {
      for (std::size_t i = 0; i < batches.size(); i += 2) Insert(*other, batches[i]);
    });
    for (std::size_t i = 1; i < batches.size(); i += 2) Insert(*store, batches[i]);
    second.join();
    written = true;
  });
  std::vector<std::string> seen;
  std::int64_t position = 0;
  bool done = false;
  while (!done) {
    done = written;  // before the page: then the page has what was left
    for (;;) {
      const auto page = PageAfter(*store, position, 1 + random.Below(50));
      if (page.empty()) break;
      for (const Placed& event : page) seen.push_back(event.json);
      position = page.back().position;
    }
  }
  writers.join();
  REQUIRE(seen.size() == events.size());
  std::multiset<std::string> expected;
  for (const EventPtr& event : events) expected.insert(ToJson(*event));
  CHECK(std::multiset<std::string>(seen.begin(), seen.end()) == expected);
}

}  // namespace
}  // namespace nerava::analytics
