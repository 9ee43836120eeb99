// What is dropped changes no answer that can still be given: SQLite after any number of steps of the
// retention is held against a memory store that has kept everything.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "nerava/analytics/analytics.h"
#include "tests/property/seeds.h"
#include "tests/support/charging.h"
#include "tests/support/random_events.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::RandomEvents;
using testing::TempDir;

constexpr int kWorldDays = 60;  // more than three blocks

absl::Time Midnight(absl::Time time) {
  return absl::UnixEpoch() + absl::Floor(time - absl::UnixEpoch(), kDay);
}

// The part of a period over which there are still answers, its bounds where they are drawn now, and
// how exact that is.
AnsweredPeriod Left(const Period& asked, const KpiFilter& filter, const Horizons& kept) {
  AnsweredPeriod left{asked};
  if (asked.from >= asked.to) return left;
  const bool by_hub = !filter.hub_id.empty() || !filter.window_id.empty();
  const absl::Time needed = by_hub ? kept.aggregates : kept.days;
  if (asked.from < needed) left.grain = AnswerGrain::kPartial;
  for (absl::Time* bound : {&left.from, &left.to}) {
    if (*bound >= kept.aggregates || *bound == Midnight(*bound)) continue;
    if (left.grain == AnswerGrain::kExact) left.grain = AnswerGrain::kDay;
    *bound = Midnight(*bound + kDay / 2);
  }
  left.from = std::max(left.from, needed);
  left.to = std::max(left.to, left.from);
  return left;
}

void CheckSame(const KpiSummary& expected, const KpiSummary& actual) {
  for (const Totals::Field& field : Totals::Fields()) {
    INFO(field.name);
    REQUIRE(actual.totals.*field.member == expected.totals.*field.member);
  }
  REQUIRE(actual.unique_users == expected.unique_users);
}

DataRetention RandomRetention(RandomEvents& random) {
  DataRetention retention;
  retention.events = (2 + random.Below(random.OneIn(2) ? 3 : 30)) * kDay;
  retention.aggregates = retention.events + random.Below(random.OneIn(2) ? 4 : 20) * kDay;
  retention.snapshots = retention.aggregates + random.Below(random.OneIn(2) ? 4 : 20) * kDay;
  return retention;
}

// A store that drops and one that does not, with the events that the first one took.
struct Stores {
  void Add(const std::vector<EventPtr>& batch) {
    const absl::Time from = KeptFrom(*dropping).accepts_from();
    const CommitResult result = Commit(*dropping, batch);
    std::vector<EventPtr> taken;
    std::vector<std::size_t> too_old;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i]->time < from) {
        too_old.push_back(i);
      } else {
        taken.push_back(batch[i]);
      }
    }
    REQUIRE(result.too_old == too_old);
    REQUIRE(result.committed == taken.size());
    all.insert(all.end(), taken.begin(), taken.end());
    Commit(*keeping, taken);
  }

  // Single steps, as if the process had ended after them.
  void DropSome(const Horizons& wanted, int steps) {
    for (int i = 0; i < steps; ++i) {
      const auto step = dropping->Retain(wanted, absl::ZeroDuration());
      INFO(step.status().ToString());
      REQUIRE(step.ok());
      REQUIRE(step->kept_from.events == KeptFrom(*dropping).events);
      if (step->done) return;
    }
  }

  void DropAll(const DataRetention& retention, absl::Time now) {
    const auto run = ApplyRetention(*dropping, retention, now);
    INFO(run.status().ToString());
    REQUIRE(run.ok());
    const Horizons kept = KeptFrom(*dropping);
    REQUIRE(run->kept_from.days == kept.days);
    REQUIRE(dropping
                ->Read([&](ReadTransaction& transaction) {
                  return transaction.EventsBetween(
                      absl::UnixEpoch(), Midnight(now - retention.events),
                      [](const AnalyticsEvent&) { FAIL("an event was not dropped"); });
                })
                .ok());
    const auto again = ApplyRetention(*dropping, retention, now);
    REQUIRE(again.ok());
    REQUIRE(again->events + again->aggregate_days + again->snapshot_days == 0);
  }

  void Check(RandomEvents& random) const {
    const Horizons kept = KeptFrom(*dropping);
    INFO("events from " << kept.events << ", aggregates " << kept.aggregates << ", days "
                        << kept.days);
    REQUIRE(kept.events >= kept.aggregates);
    REQUIRE(kept.aggregates >= kept.days);
    REQUIRE(Count(*dropping).total == static_cast<std::uint64_t>(std::count_if(
                                          all.begin(), all.end(), [&](const EventPtr& event) {
                                            return event->time >= kept.events;
                                          })));

    const KpiCalculator actual(dropping, "default");
    const KpiCalculator reference(keeping, "default");
    const KpiQuery query = random.Query(all);
    const AnsweredPeriod left = Left(query.period, query.filter, kept);
    INFO("from " << query.period.from << " to " << query.period.to << ", hub "
                 << query.filter.hub_id << ", window " << query.filter.window_id);

    const auto summary = actual.Summarize(query);
    REQUIRE(summary.ok());
    REQUIRE(summary->period.grain == left.grain);
    REQUIRE(summary->period.from == query.period.from);
    CheckSame(*reference.Summarize({left, query.filter}), *summary);
    if (left.grain == AnswerGrain::kExact) CheckSame(*reference.Summarize(query), *summary);

    for (const char* zone : {"UTC", "Europe/Berlin", "Asia/Kathmandu"}) {
      const auto trend = actual.GetTrend(
          {query.period, query.filter, static_cast<Interval>(random.Below(4)), zone});
      REQUIRE(trend.ok());
      for (const TrendBucket& bucket : trend->buckets) {
        const AnsweredPeriod part = Left(bucket.summary.period, query.filter, kept);
        REQUIRE(bucket.summary.period.grain == part.grain);
        CheckSame(*reference.Summarize({part, query.filter}), bucket.summary);
      }
    }

    // What needs each session, or each hub.
    AnsweredPeriod detailed{query.period};
    if (detailed.from < kept.aggregates && detailed.from < detailed.to) {
      detailed.grain = AnswerGrain::kPartial;
      detailed.from = std::min(kept.aggregates, detailed.to);
    }
    const auto funnel = actual.GetFunnel({query.period, query.filter});
    REQUIRE(funnel.ok());
    REQUIRE(funnel->period.grain == detailed.grain);
    const auto expected_funnel = reference.GetFunnel({detailed, query.filter});
    REQUIRE(funnel->sessions_completed == expected_funnel->sessions_completed);
    REQUIRE(funnel->p90_time_to_complete == expected_funnel->p90_time_to_complete);
    REQUIRE(funnel->rewards_owed_usd == expected_funnel->rewards_owed_usd);
    const auto hubs = actual.GetBreakdown({query.period, query.filter, Dimension::kHub, 0});
    const auto expected_hubs = reference.GetBreakdown({detailed, query.filter, Dimension::kHub, 0});
    REQUIRE(hubs->period.grain == detailed.grain);
    REQUIRE(hubs->rows.size() == expected_hubs->rows.size());
    for (std::size_t i = 0; i < hubs->rows.size(); ++i) {
      REQUIRE(hubs->rows[i].name == expected_hubs->rows[i].name);
      CheckSame(expected_hubs->rows[i].summary, hubs->rows[i].summary);
    }

    // A session that began before may run on into the period.
    const absl::Duration longest = absl::Hours(random.Below(30));
    const auto load = actual.GetLoad({query.period, query.filter, "UTC", longest});
    REQUIRE(load.ok());
    const bool all_there = query.period.from - longest >= kept.aggregates;
    if (query.period.from < query.period.to) {
      REQUIRE(load->period.grain == (all_there ? AnswerGrain::kExact : AnswerGrain::kPartial));
    }
    if (load->period.grain == AnswerGrain::kExact) {
      REQUIRE(ToJson(*load) ==
              ToJson(*reference.GetLoad({query.period, query.filter, "UTC", longest})));
    }

    CheckPeople(kept, actual, reference, random.Moment());
    CheckUsers(kept, actual, reference, random.Moment());
  }

  // By UTC day, so that they are exact as long as these are there.
  void CheckPeople(const Horizons& kept, const KpiCalculator& actual,
                   const KpiCalculator& reference, absl::Time at) const {
    if (at < kept.aggregates) at = Midnight(at);
    const PeopleQuery query{at};
    const auto streaks = actual.GetStreaks(query, 3);
    REQUIRE(streaks.ok());
    const bool complete = kept.days == absl::InfinitePast();
    if (complete) {
      const auto expected = reference.GetStreaks(query, 3);
      REQUIRE(streaks->grain == AnswerGrain::kExact);
      REQUIRE(ToJson(*streaks) == ToJson(*expected));
      const Period period{RandomEvents::kBegin, at};
      if (period.from < period.to) {
        const RetentionQuery by_day{period, {}, Interval::kDay};
        const auto retention = actual.GetRetention(by_day);
        REQUIRE(ToJson(*retention) == ToJson(*reference.GetRetention(by_day)));
      }
    }
  }

  void CheckUsers(const Horizons& kept, const KpiCalculator& actual, const KpiCalculator& reference,
                  absl::Time at) const {
    const PeopleQuery query{at};
    const bool complete = kept.days == absl::InfinitePast();
    for (const char* user_id : {"user0", "user3"}) {
      const auto user = actual.GetUser(user_id, query);
      REQUIRE(user.ok());
      const auto expected = reference.GetUser(user_id, query);
      if (user->grain == AnswerGrain::kExact && complete) {
        REQUIRE(ToJson(*user) == ToJson(*expected));
      } else if (complete && at < kept.aggregates && at != Midnight(at)) {
        REQUIRE(user->total_sessions <= expected->total_sessions);  // or later on that day
      } else if (complete) {
        REQUIRE(*expected->first_session < kept.aggregates);
        REQUIRE(user->total_sessions < expected->total_sessions);
      }
    }
  }

  const TempDir dir;
  std::shared_ptr<Store> dropping = Open(dir.SqliteUrl("events.db"));
  const std::shared_ptr<Store> keeping = Open("memory:");
  std::vector<EventPtr> all;  // that were taken
};

TEST_CASE("what is dropped changes no answer that can still be given") {
  std::int64_t days_in_blocks = 0;
  ForEachSeed([&](std::uint64_t seed) {
    RandomEvents random(seed, RandomEvents::kBegin, kWorldDays);
    const auto events = WithoutLongSessions(random.Distinct(1 + random.Below(200)));
    Stores stores;
    DataRetention retention = RandomRetention(random);
    for (const auto& batch : random.Batches(random.Shuffled(events))) {
      stores.Add(batch);
      if (random.OneIn(4)) retention = RandomRetention(random);
      const absl::Time now = random.Moment() + random.Below(6) * kDay;
      if (random.OneIn(3)) stores.DropAll(retention, now);
      if (random.OneIn(3)) {
        stores.DropSome({Midnight(now - retention.events), Midnight(now - retention.aggregates),
                         Midnight(now - retention.snapshots)},
                        1 + random.Below(5));
      }
      if (random.OneIn(5)) {  // another process
        stores.dropping = nullptr;
        stores.dropping = Open(stores.dir.SqliteUrl("events.db"));
      }
      stores.Check(random);
      days_in_blocks += DaysInBlocks(*stores.dropping);
    }
  });
  if (std::getenv("NERAVA_SEED") == nullptr) CHECK(days_in_blocks > 0);
}

TEST_CASE("six years of days, dropped every day, keep what was promised") {
  const DataRetention retention;  // the defaults
  const absl::Time begin = RandomEvents::kBegin;
  constexpr int kDays = 6 * 365;
  RandomEvents random(1);
  Stores stores;
  for (int day = 0; day < kDays; ++day) {
    const absl::Time midnight = begin + day * kDay;
    std::vector<EventPtr> batch;
    for (int i = 0; i < 2; ++i) {
      const std::string id = std::to_string(day) + "-" + std::to_string(i);
      const absl::Time start = midnight + absl::Seconds(random.Below(86'400));
      const absl::Time stop = start + absl::Minutes(random.Below(600));
      const auto started = testing::Started("a" + id, "s" + id, start);
      const auto stopped = testing::Stopped("o" + id, "s" + id, stop);
      started->user_id = stopped->user_id = "u" + std::to_string(random.Below(10));
      batch.insert(batch.end(), {started, stopped});
    }
    stores.Add(batch);
    const auto run = ApplyRetention(*stores.dropping, retention, midnight + kDay);
    REQUIRE(run.ok());
    REQUIRE(run->events + run->aggregate_days + run->snapshot_days <= 4 + 4 + 1 + 1);
  }

  const absl::Time now = begin + kDays * kDay;
  const Horizons kept = KeptFrom(*stores.dropping);
  CHECK(kept.events == now - retention.events);
  CHECK(kept.aggregates == now - retention.aggregates);
  CHECK(kept.days == now - retention.snapshots);
  CHECK(DaysInBlocks(*stores.dropping) > 1700);
  CHECK(Count(*stores.dropping).total < 91 * 4 + 4);

  const KpiCalculator actual(stores.dropping, "default");
  const KpiCalculator reference(stores.keeping, "default");
  const Period five_years{now - retention.snapshots, now};
  const auto summary = actual.Summarize({five_years});
  REQUIRE(summary.ok());
  CHECK(summary->period.grain == AnswerGrain::kExact);
  CheckSame(*reference.Summarize({five_years}), *summary);
  const Period ragged{now - absl::Hours(17'000) + absl::Microseconds(1), now - absl::Minutes(7)};
  CheckSame(*reference.Summarize({ragged}), *actual.Summarize({ragged}));
  CHECK(actual.Summarize({{begin, now}})->period.grain == AnswerGrain::kPartial);

  // A late event into a closed day corrects what is kept of it.
  const absl::Time late = now - 80 * kDay;
  stores.Add({testing::Started("late", "late", late),
              testing::Stopped("later", "late", late + absl::Hours(1))});
  CheckSame(*reference.Summarize({five_years}), *actual.Summarize({five_years}));
  const auto day = actual.GetTrend({{Midnight(late), Midnight(late) + kDay}});
  CheckSame(*reference.Summarize({{Midnight(late), Midnight(late) + kDay}}),
            day->buckets.at(0).summary);
}

}  // namespace
}  // namespace nerava::analytics
