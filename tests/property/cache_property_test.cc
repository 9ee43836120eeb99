// An answer out of the cache is the one that would be computed now, whoever wrote meanwhile.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "nerava/analytics/analytics.h"
#include "tests/property/seeds.h"
#include "tests/support/random_events.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::RandomEvents;
using testing::TempDir;

class MovingClock final : public Clock {
 public:
  absl::Time Now() const override { return now; }
  absl::Time now;
};

template <typename Answer>
std::string Json(const absl::StatusOr<Answer>& answer) {
  return answer.ok() ? ToJson(*answer) : answer.status().ToString();
}

// What both are asked: any question, over any period.
struct Asked {
  int question;
  KpiQuery query;
  Interval interval;
  Dimension dimension;
  std::string zone;

  std::string Ask(const KpiCalculator& kpis) const {
    const auto& [period, filter] = query;
    const PeopleQuery people{period.to, filter, zone};
    switch (question) {
      case 0:
        return Json(kpis.GetTrend({period, filter, interval, zone}));
      case 1:
        return Json(kpis.GetBreakdown({period, filter, dimension, 2}));
      case 2:
        return Json(kpis.Compare(query));
      case 3:
        return Json(kpis.GetFunnel({period, filter, absl::Hours(30), absl::Hours(20)}));
      case 4:
        return Json(kpis.GetFunnelBreakdown({period, filter}, dimension, 1));
      case 5:
        return Json(kpis.GetLoad({period, filter, zone}));
      case 6:
        return Json(kpis.GetLoadBreakdown({period, filter, zone}, dimension, 0));
      case 7:
        return Json(kpis.GetSessionSizes({period, filter}));
      case 8:
        return Json(kpis.GetActiveUsers(people));
      case 9:
        return Json(kpis.GetStreaks(people, 2));
      case 10:
        return Json(kpis.GetRetention({period, filter, Interval::kDay, zone}));
      case 11:
        return Json(kpis.GetSessionsPerUser(query));
      case 12:
        return Json(kpis.GetUser("u1", people));
      default:
        return Json(kpis.GetAllKpis(query));
    }
  }
};
constexpr int kQuestions = 20;  // most are about the four groups

struct World {
  explicit World(std::uint64_t seed) : random(seed), events(random.Distinct(150)) {
    clock.now = random.Moment();
  }

  KpiQuery Query() {
    if (random.OneIn(2)) return random.Query(events);
    KpiQuery query{*Period::LastDays(1 + random.Below(2), clock.now)};
    if (random.OneIn(4)) query.filter = random.Query(events).filter;
    return query;
  }

  Asked Question() {
    return {random.Below(kQuestions), Query(), static_cast<Interval>(random.Below(4)),
            static_cast<Dimension>(random.Below(3)),
            random.OneIn(2) ? "UTC" : "Australia/Lord_Howe"};
  }

  // Mostly by little.
  void MoveClock() {
    switch (random.Below(5)) {
      case 4: {  // so that an event is at the edge of a period
        const auto& event = events[static_cast<std::size_t>(random.Below(150))];
        clock.now = event->time + random.Below(3) * absl::Hours(24) +
                    absl::Microseconds(random.Below(3) - 1);
        break;
      }
      case 0:
        clock.now += absl::Microseconds(random.Below(3) - 1);
        break;
      case 1:
        clock.now += absl::Seconds(random.Below(100));
        break;
      case 2:
        clock.now = random.Moment();
        break;
      default:
        clock.now -= absl::Seconds(random.Below(20));
    }
  }

  RandomEvents random;
  const std::vector<EventPtr> events;
  MovingClock clock;
};

TEST_CASE("an answer out of the cache is the one that would be computed") {
  const std::string kind = GENERATE("memory", "sqlite");
  std::uint64_t hits = 0;
  std::uint64_t evictions = 0;
  ForEachSeed([&](std::uint64_t seed) {
    World world(seed);
    RandomEvents& random = world.random;
    const TempDir dir;
    const auto store = Open(kind == "memory" ? "memory:" : dir.SqliteUrl("events.db"));
    const auto other = kind == "memory" ? store : Open(dir.SqliteUrl("events.db"));
    const KpiCacheOptions cache{random.OneIn(3) ? 6'000 : 1 << 20, {}};
    const KpiCalculator cached(store, "default", world.clock, cache);
    const KpiCalculator computing(store, "default", world.clock, {0, {}});
    std::vector<Asked> questions;
    for (int i = 0; i < 4; ++i) questions.push_back(world.Question());
    for (const auto& batch : random.Batches(world.events)) {
      Commit(random.OneIn(2) ? *store : *other, batch);
      for (int i = random.Below(8); i >= 0; --i) {
        world.MoveClock();
        Asked asked = questions[static_cast<std::size_t>(random.Below(4))];
        if (random.OneIn(3)) asked.query = world.Query();
        INFO("question " << asked.question << ", now " << world.clock.now);
        REQUIRE(asked.Ask(cached) == asked.Ask(computing));
      }
      if (random.OneIn(10)) {
        DataRetention retention;
        retention.events = retention.aggregates = absl::Hours(48);
        retention.snapshots = absl::Hours(72);
        REQUIRE(ApplyRetention(*other, retention, random.Moment()).ok());
      }
    }
    const KpiCacheStats stats = cached.cache_stats();
    REQUIRE(stats.bytes <= cache.max_bytes);
    hits += stats.hits;
    evictions += stats.evictions;
    REQUIRE(computing.cache_stats().hits == 0);
  });
  if (std::getenv("NERAVA_SEED") == nullptr) {
    CHECK(hits > 0);
    CHECK(evictions > 0);
  }
}

}  // namespace
}  // namespace nerava::analytics
