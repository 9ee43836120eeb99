// Funnels, load and people are those of the sessions, found the slow way, in the memory store and in
// SQLite alike.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "nerava/analytics/analytics.h"
#include "tests/property/seeds.h"
#include "tests/support/random_events.h"
#include "tests/support/session_list.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Filtered;
using testing::LocalDay;
using testing::NearestRank;
using testing::RandomEvents;
using testing::Session;
using testing::SessionsOf;
using testing::TempDir;

class FixedClock final : public Clock {
 public:
  explicit FixedClock(absl::Time now) : now_(now) {}
  absl::Time Now() const override { return now_; }

 private:
  const absl::Time now_;
};

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  REQUIRE(absl::LoadTimeZone(name, &zone));
  return zone;
}

// Where and when the clock is set in odd ways.
struct Place {
  const char* zone;
  absl::CivilDay day;
};
const std::array<Place, 6> kPlaces = {
    {{"UTC", absl::CivilDay(2026, 2, 28)},
     {"Europe/Berlin", absl::CivilDay(2026, 3, 20)},        // by an hour
     {"America/Sao_Paulo", absl::CivilDay(2018, 10, 28)},   // at midnight
     {"Asia/Kathmandu", absl::CivilDay(1985, 12, 25)},      // by 15 minutes
     {"Australia/Lord_Howe", absl::CivilDay(2026, 3, 30)},  // by 30 minutes
     {"Pacific/Apia", absl::CivilDay(2011, 12, 25)}}};      // by a day

// Random events at one of these places, in both stores, under a clock.
struct World {
  explicit World(std::uint64_t seed)
      : place(kPlaces[seed % kPlaces.size()]),
        zone(Zone(place.zone)),
        random(seed, absl::FromCivil(place.day, absl::UTCTimeZone()), 14),
        events(random.Distinct(1 + random.Below(150))),
        sessions(SessionsOf(events)),
        clock(random.Moment()),
        query(random.Query(events)),
        stores({Open("memory:"), Open(dir.SqliteUrl("events.db"))}) {
    for (const auto& batch : random.Batches(events)) {
      for (const auto& store : stores) Commit(*store, batch);
    }
  }

  template <typename Body>
  void ForEachStore(Body body) const {
    for (const auto& store : stores) {
      INFO(store->Description() << ", " << place.zone << ", from " << query.period.from << " to "
                                << query.period.to << ", region " << query.filter.region << ", hub "
                                << query.filter.hub_id << ", window " << query.filter.window_id
                                << ", now " << clock.Now());
      body(KpiCalculator(store, "default", clock));
    }
  }
  bool InPeriod(const std::optional<absl::Time>& time) const {
    return time && query.period.from <= *time && *time < query.period.to;
  }

  const Place place;
  const absl::TimeZone zone;
  RandomEvents random;
  const std::vector<EventPtr> events;
  const std::vector<Session> sessions;
  const FixedClock clock;
  const KpiQuery query;
  const TempDir dir;
  const std::array<std::shared_ptr<Store>, 2> stores;
};

std::optional<absl::Duration> Percentile(const std::vector<std::int64_t>& micros, int percent) {
  if (micros.empty()) return std::nullopt;
  return absl::Microseconds(NearestRank(micros, percent));
}

Funnel FunnelOf(const World& world, const FunnelQuery& query) {
  Funnel funnel;
  std::vector<std::int64_t> to_complete;
  std::vector<std::int64_t> to_credit;
  std::int64_t granted = 0;
  std::int64_t owed = 0;
  for (const Session& session : Filtered(world.sessions, query.filter)) {
    if (world.InPeriod(session.stop)) {
      if (!session.start) ++funnel.orphan_stops;
      granted += session.reward_microusd;
      owed += session.OwedMicrousd();
    }
    if (!world.InPeriod(session.start)) continue;
    ++funnel.sessions_started;
    if (!session.Completed()) {
      const bool running = *session.start > world.clock.Now() - query.abandon_after;
      ++(running ? funnel.sessions_running : funnel.sessions_abandoned);
    } else if (*session.stop - *session.start > query.conversion_window) {
      ++funnel.sessions_late;
    } else {
      ++funnel.sessions_completed;
      to_complete.push_back(absl::ToInt64Microseconds(*session.stop - *session.start));
      if (session.credit && *session.credit - *session.start <= query.conversion_window) {
        ++funnel.sessions_credited;
        to_credit.push_back(
            std::max<std::int64_t>(0, absl::ToInt64Microseconds(*session.credit - *session.stop)));
      }
    }
  }
  funnel.median_time_to_complete = Percentile(to_complete, 50);
  funnel.p90_time_to_complete = Percentile(to_complete, 90);
  funnel.median_time_to_credit = Percentile(to_credit, 50);
  funnel.p90_time_to_credit = Percentile(to_credit, 90);
  funnel.rewards_granted_usd = RoundedRatio(granted, 1'000'000);
  funnel.rewards_owed_usd = RoundedRatio(owed, 1'000'000);
  return funnel;
}

void CheckSame(const Funnel& expected, const Funnel& actual) {
  REQUIRE(actual.sessions_started == expected.sessions_started);
  REQUIRE(actual.sessions_completed == expected.sessions_completed);
  REQUIRE(actual.sessions_credited == expected.sessions_credited);
  REQUIRE(actual.sessions_late == expected.sessions_late);
  REQUIRE(actual.sessions_running == expected.sessions_running);
  REQUIRE(actual.sessions_abandoned == expected.sessions_abandoned);
  REQUIRE(actual.orphan_stops == expected.orphan_stops);
  REQUIRE(actual.median_time_to_complete == expected.median_time_to_complete);
  REQUIRE(actual.p90_time_to_complete == expected.p90_time_to_complete);
  REQUIRE(actual.median_time_to_credit == expected.median_time_to_credit);
  REQUIRE(actual.p90_time_to_credit == expected.p90_time_to_credit);
  REQUIRE(actual.rewards_granted_usd == expected.rewards_granted_usd);
  REQUIRE(actual.rewards_owed_usd == expected.rewards_owed_usd);
  REQUIRE(actual.sessions_started == actual.sessions_completed + actual.sessions_late +
                                         actual.sessions_running + actual.sessions_abandoned);
}

TEST_CASE("funnels are those of the sessions") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    FunnelQuery query{world.query.period, world.query.filter};
    if (world.random.OneIn(2)) query.conversion_window = absl::Hours(world.random.Below(100));
    // Often as long as a session took.
    for (const Session& session : world.sessions) {
      if (session.Completed() && world.random.OneIn(4)) {
        query.conversion_window = *session.stop - *session.start;
      }
    }
    query.abandon_after = absl::Hours(world.random.Below(100));
    const Funnel expected = FunnelOf(world, query);
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto funnel = kpis.GetFunnel(query);
      REQUIRE(funnel.ok());
      CheckSame(expected, *funnel);
      REQUIRE(funnel->completion_rate ==
              RoundedRatio(expected.sessions_completed, expected.sessions_started, 100));
      REQUIRE(funnel->credit_rate ==
              RoundedRatio(expected.sessions_credited, expected.sessions_completed, 100));

      const auto by_hub = kpis.GetFunnelBreakdown(query, Dimension::kHub, 0);
      REQUIRE(by_hub.ok());
      std::int64_t started = 0;
      for (const FunnelRow& row : by_hub->rows) {
        started += row.funnel.sessions_started;
        if (row.name.empty()) continue;
        FunnelQuery one = query;
        if (!one.filter.hub_id.empty()) REQUIRE(one.filter.hub_id == row.name);
        one.filter.hub_id = row.name;
        CheckSame(FunnelOf(world, one), row.funnel);
      }
      REQUIRE(started == expected.sessions_started);
      const auto cut = kpis.GetFunnelBreakdown(query, Dimension::kHub, 1);
      REQUIRE(cut.ok());
      REQUIRE(cut->rows.size() == std::min<std::size_t>(by_hub->rows.size(), 1));
      REQUIRE(cut->others == by_hub->rows.size() - cut->rows.size());
      if (cut->rows.size() == 1) {
        REQUIRE(cut->rows[0].name == by_hub->rows[0].name);
        REQUIRE(cut->other.sessions_started == started - by_hub->rows[0].funnel.sessions_started);
      }
    });
  });
}

// By going through the period a second at a time would take too long: at each moment where anything
// changes instead.
Load LoadOf(const World& world, const LoadQuery& query) {
  Load load;
  const auto cell_of = [&](absl::Time time) -> std::size_t {
    const auto local = world.zone.At(time).cs;
    return static_cast<std::size_t>(24 * static_cast<int>(absl::GetWeekday(local)) + local.hour());
  };
  std::set<absl::Time> moments{query.period.from, query.period.to};
  for (absl::Time t = query.period.from; t < query.period.to + absl::Hours(1);
       t += absl::Minutes(15)) {
    moments.insert(absl::FromUnixSeconds(absl::ToUnixSeconds(t) / 900 * 900));
  }
  struct Run {
    absl::Time from, to;
  };
  std::vector<Run> runs;
  std::array<std::int64_t, Load::kHours> energy{};
  for (const Session& session : Filtered(world.sessions, query.filter)) {
    if (world.InPeriod(session.start)) ++load.cells[cell_of(*session.start)].sessions_started;
    if (world.InPeriod(session.stop)) {
      ++load.cells[cell_of(*session.stop)].total_sessions;
      energy[cell_of(*session.stop)] += session.energy_mwh;
    }
    if (!session.start) continue;
    const absl::Time most = *session.start + query.longest_session;
    runs.push_back({*session.start, session.Completed() ? std::min(*session.stop, most)
                                                        : std::min(most, world.clock.Now())});
    moments.insert(runs.back().from);
    moments.insert(runs.back().to);
  }
  std::array<absl::Duration, Load::kHours> used{};
  std::array<absl::Duration, Load::kHours> total{};
  for (auto at = moments.begin(); std::next(at) != moments.end(); ++at) {
    const absl::Time from = std::max(*at, query.period.from);
    const absl::Time to = std::min({*std::next(at), query.period.to, world.clock.Now()});
    if (from >= to) continue;
    const std::size_t cell = cell_of(from);
    const auto running = std::count_if(runs.begin(), runs.end(), [&](const Run& run) {
      return run.from <= from && from < run.to;
    });
    load.cells[cell].peak_concurrency =
        std::max<std::int64_t>(load.cells[cell].peak_concurrency, running);
    used[cell] += (to - from) * running;
    total[cell] += to - from;
  }
  for (std::size_t i = 0; i < Load::kHours; ++i) {
    load.cells[i].energy_kwh = RoundedRatio(energy[i], 1'000'000);
    load.cells[i].avg_concurrency =
        RoundedRatio(absl::ToInt64Microseconds(used[i]), absl::ToInt64Microseconds(total[i]));
  }
  return load;
}

void CheckSame(const Load& expected, const Load& actual) {
  for (std::size_t i = 0; i < Load::kHours; ++i) {
    INFO("hour " << i << " of the week");
    REQUIRE(actual.cells[i].sessions_started == expected.cells[i].sessions_started);
    REQUIRE(actual.cells[i].total_sessions == expected.cells[i].total_sessions);
    REQUIRE(actual.cells[i].energy_kwh == expected.cells[i].energy_kwh);
    REQUIRE(actual.cells[i].avg_concurrency == expected.cells[i].avg_concurrency);
    REQUIRE(actual.cells[i].peak_concurrency == expected.cells[i].peak_concurrency);
  }
}

TEST_CASE("load by the hour of the week is that of the sessions") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    const LoadQuery query{world.query.period, world.query.filter, world.place.zone,
                          absl::Hours(world.random.Below(72))};
    const Load expected = LoadOf(world, query);
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto load = kpis.GetLoad(query);
      REQUIRE(load.ok());
      CheckSame(expected, *load);
      const auto by_hub = kpis.GetLoadBreakdown(query, Dimension::kHub, 0);
      REQUIRE(by_hub.ok());
      std::set<std::string> shown;
      for (const LoadRow& row : by_hub->rows) {
        shown.insert(row.name);
        if (row.name.empty()) continue;
        LoadQuery one = query;
        one.filter.hub_id = row.name;
        CheckSame(LoadOf(world, one), row.load);
      }
      // Also those at which sessions only went on.
      for (const Session& session : Filtered(world.sessions, query.filter)) {
        if (session.hub_id.empty()) continue;
        LoadQuery one = query;
        one.filter.hub_id = session.hub_id;
        const Load own = LoadOf(world, one);
        const bool ran = std::any_of(own.cells.begin(), own.cells.end(), [](const LoadCell& cell) {
          return cell.sessions_started + cell.total_sessions + cell.peak_concurrency > 0;
        });
        if (ran) REQUIRE(shown.contains(session.hub_id));
      }
    });
  });
}

void CheckSizes(std::vector<std::int64_t> values, std::int64_t bin, double unit,
                const Sizes& actual) {
  REQUIRE(actual.sessions == static_cast<std::int64_t>(values.size()));
  std::map<std::size_t, std::int64_t> bins;
  for (const std::int64_t value : values) {
    ++bins[std::min<std::size_t>(static_cast<std::size_t>(value / bin), Sizes::kMaxBins - 1)];
  }
  REQUIRE(actual.bins.size() == (bins.empty() ? 0 : bins.rbegin()->first + 1));
  for (std::size_t i = 0; i < actual.bins.size(); ++i) REQUIRE(actual.bins[i] == bins[i]);
  if (values.empty()) return;
  const auto close = [&](std::int64_t value) {
    return Approx(static_cast<double>(value) / unit).margin(0.0051);
  };
  REQUIRE(actual.p10 == close(NearestRank(values, 10)));
  REQUIRE(actual.median == close(NearestRank(values, 50)));
  REQUIRE(actual.p90 == close(NearestRank(values, 90)));
  REQUIRE(actual.max == close(*std::max_element(values.begin(), values.end())));
}

TEST_CASE("sizes of sessions are those of the sessions") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    SizesQuery query{world.query.period, world.query.filter};
    query.length_bin = absl::Minutes(1 + world.random.Below(200));
    query.energy_bin_mwh = 1'000 * (1 + world.random.Below(5'000));
    std::vector<std::int64_t> lengths;
    std::vector<std::int64_t> energies;
    for (const Session& session : Filtered(world.sessions, query.filter)) {
      if (world.InPeriod(session.start) && session.Completed()) {
        lengths.push_back(absl::ToInt64Microseconds(*session.stop - *session.start));
      }
      if (world.InPeriod(session.stop) && session.energy_mwh > 0) {
        energies.push_back(session.energy_mwh);
      }
    }
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto sizes = kpis.GetSessionSizes(query);
      REQUIRE(sizes.ok());
      CheckSizes(lengths, absl::ToInt64Microseconds(query.length_bin), 60e6, sizes->length_minutes);
      CheckSizes(energies, query.energy_bin_mwh, 1e6, sizes->energy_kwh);
    });
  });
}

// By user, the local days of their sessions before `at`, by the number of the day.
using DaysByUser = std::map<std::string, std::set<std::int64_t>>;
DaysByUser DaysOf(const World& world, const PeopleQuery& query) {
  // A day that a place left out does not lie between others.
  std::map<std::int64_t, std::int64_t> number;
  for (absl::Time t = absl::FromCivil(world.place.day, absl::UTCTimeZone()) - absl::Hours(72);
       t < absl::FromCivil(world.place.day + 30, absl::UTCTimeZone()); t += absl::Minutes(15)) {
    const auto next = static_cast<std::int64_t>(number.size());
    number.emplace(LocalDay(t, world.zone), next);
  }
  DaysByUser days;
  for (const Session& session : Filtered(world.sessions, query.filter)) {
    if (!session.stop || session.user_id.empty() || *session.stop >= *query.at) continue;
    days[session.user_id].insert(number.at(LocalDay(*session.stop, world.zone)));
  }
  days[""].insert(number.at(LocalDay(*query.at - absl::Microseconds(1), world.zone)));  // today
  return days;
}

StreakLeader StreakOf(const std::string& user, const std::set<std::int64_t>& days,
                      std::int64_t today) {
  StreakLeader streak{user, 0, 0};
  for (const std::int64_t first : days) {
    std::int64_t length = 1;
    while (days.contains(first + length)) ++length;
    streak.longest = std::max(streak.longest, length);
    if (first + length - 1 >= today - 1) streak.current = std::max(streak.current, length);
  }
  return streak;
}

TEST_CASE("streaks are those of the sessions") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    const PeopleQuery query{world.random.Moment(), world.query.filter, world.place.zone};
    DaysByUser days = DaysOf(world, query);
    const std::int64_t today = *days[""].begin();
    days.erase("");
    std::vector<StreakLeader> leaders;
    std::map<std::int64_t, StreakCount> counts;
    for (const auto& [user, of_user] : days) {
      leaders.push_back(StreakOf(user, of_user, today));
      ++counts[leaders.back().current].current;
      ++counts[leaders.back().longest].longest;
    }
    std::sort(leaders.begin(), leaders.end(), [](const auto& a, const auto& b) {
      return std::tie(b.current, b.longest, a.user_id) < std::tie(a.current, a.longest, b.user_id);
    });
    const auto shown = static_cast<std::size_t>(world.random.Below(4));
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto streaks = kpis.GetStreaks(query, shown);
      REQUIRE(streaks.ok());
      REQUIRE(streaks->users == days.size());
      REQUIRE(streaks->counts.size() == counts.size());
      std::int64_t max_longest = 0;
      for (const StreakCount& count : streaks->counts) {
        REQUIRE(count.current == counts[count.days].current);
        REQUIRE(count.longest == counts[count.days].longest);
        if (count.longest > 0) max_longest = count.days;
      }
      REQUIRE(streaks->max_longest == max_longest);
      REQUIRE(streaks->max_current == (leaders.empty() ? 0 : leaders[0].current));
      REQUIRE(streaks->leaders.size() == std::min(shown, leaders.size()));
      for (std::size_t i = 0; i < streaks->leaders.size(); ++i) {
        REQUIRE(streaks->leaders[i].user_id == leaders[i].user_id);
        REQUIRE(streaks->leaders[i].current == leaders[i].current);
        REQUIRE(streaks->leaders[i].longest == leaders[i].longest);
      }
    });
  });
}

TEST_CASE("one user is the sum of their sessions") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    const PeopleQuery query{world.random.Moment(), world.query.filter, world.place.zone};
    const std::string user_id = "user" + std::to_string(world.random.Below(6));
    DaysByUser days = DaysOf(world, query);
    const StreakLeader streak = StreakOf(user_id, days[user_id], *days[""].begin());
    UserSummary expected;
    std::int64_t energy = 0;
    std::int64_t reward = 0;
    std::int64_t owed = 0;
    std::map<std::string, std::int64_t> hubs;
    for (const Session& session : Filtered(world.sessions, query.filter)) {
      if (!session.stop || session.user_id != user_id || *session.stop >= *query.at) continue;
      ++expected.total_sessions;
      expected.active_window_sessions += session.window_id.empty() ? 0 : 1;
      energy += session.energy_mwh;
      reward += session.reward_microusd;
      owed += session.OwedMicrousd();
      ++hubs[session.hub_id];
      const auto first = expected.first_session.value_or(*session.stop);
      const auto last = expected.last_session.value_or(*session.stop);
      expected.first_session = std::min(first, *session.stop);
      expected.last_session = std::max(last, *session.stop);
    }
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto user = kpis.GetUser(user_id, query);
      REQUIRE(user.ok());
      REQUIRE(user->total_sessions == expected.total_sessions);
      REQUIRE(user->active_window_sessions == expected.active_window_sessions);
      REQUIRE(user->energy_kwh == RoundedRatio(energy, 1'000'000));
      REQUIRE(user->total_rewards_usd == RoundedRatio(reward, 1'000'000));
      REQUIRE(user->owed_usd == RoundedRatio(owed, 1'000'000));
      REQUIRE(user->first_session == expected.first_session);
      REQUIRE(user->last_session == expected.last_session);
      REQUIRE(user->active_days == static_cast<std::int64_t>(days[user_id].size()));
      REQUIRE(user->current_streak == streak.current);
      REQUIRE(user->longest_streak == streak.longest);
      std::int64_t before = expected.total_sessions;
      REQUIRE(user->hubs.size() == hubs.size());
      for (const auto& hub : user->hubs) {
        REQUIRE(hub.sessions == hubs.at(hub.hub_id));
        REQUIRE(hub.sessions <= before);
        before = hub.sessions;
      }
    });
  });
}

TEST_CASE("active users are those of the last local days") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    const PeopleQuery query{world.random.Moment() + absl::Hours(24 * world.random.Below(10)),
                            world.query.filter, world.place.zone};
    DaysByUser days = DaysOf(world, query);
    const std::int64_t today = *days[""].begin();
    days.erase("");
    const auto within = [&](std::int64_t last) {
      std::uint64_t users = 0;
      for (const auto& [user, of_user] : days) {
        users += *of_user.rbegin() > today - last ? 1U : 0U;
      }
      return users;
    };
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto active = kpis.GetActiveUsers(query);
      REQUIRE(active.ok());
      REQUIRE(active->daily == within(1));
      REQUIRE(active->weekly == within(7));
      REQUIRE(active->monthly == within(30));
    });
  });
}

TEST_CASE("retention is that of each user's first bucket, and sessions per user add up") {
  ForEachSeed([](std::uint64_t seed) {
    World world(seed);
    const RetentionQuery query{world.query.period, world.query.filter,
                               Interval(1 + world.random.Below(3)), world.place.zone};
    const auto trend = KpiCalculator(world.stores[0], "default")
                           .GetTrend({query.period, query.filter, query.interval, query.time_zone});
    REQUIRE(trend.ok());
    std::vector<absl::Time> ends;  // of the buckets
    for (const TrendBucket& bucket : trend->buckets) ends.push_back(bucket.bucket.to);
    const auto bucket_of = [&](absl::Time time) {  // -1: before them
      if (ends.empty() || time < trend->buckets[0].bucket.from) return std::ptrdiff_t{-1};
      return std::upper_bound(ends.begin(), ends.end(), time) - ends.begin();
    };
    std::map<std::string, std::set<std::ptrdiff_t>> buckets;
    std::map<std::string, std::int64_t> sessions;
    std::map<std::string, bool> just_before;
    for (const Session& session : Filtered(world.sessions, query.filter)) {
      if (!session.stop || session.user_id.empty()) continue;
      if (world.InPeriod(session.stop)) ++sessions[session.user_id];
      if (*session.stop >= query.period.to) continue;
      buckets[session.user_id].insert(bucket_of(*session.stop));
    }
    world.ForEachStore([&](const KpiCalculator& kpis) {
      const auto retention = kpis.GetRetention(query);
      REQUIRE(retention.ok());
      REQUIRE(retention->buckets.size() == ends.size());
      for (std::size_t i = 0; i < ends.size(); ++i) {
        const auto b = static_cast<std::ptrdiff_t>(i);
        INFO("bucket " << i);
        const RetentionBucket& bucket = retention->buckets[i];
        REQUIRE(bucket.complete == (ends[i] <= trend->period.to));
        std::uint64_t fresh = 0;
        std::uint64_t returning = 0;
        std::uint64_t lapsed = 0;
        std::vector<std::uint64_t> retained(ends.size() - i);
        for (const auto& [user, active] : buckets) {
          const bool in = active.contains(b);
          fresh += *active.begin() == b ? 1U : 0U;
          returning += in && *active.begin() < b ? 1U : 0U;
          lapsed += i > 0 && active.contains(b - 1) && !in ? 1U : 0U;
          for (std::size_t k = 0; k < retained.size() && *active.begin() == b; ++k) {
            retained[k] += active.contains(b + static_cast<std::ptrdiff_t>(k)) ? 1U : 0U;
          }
        }
        REQUIRE(bucket.new_users == fresh);
        REQUIRE(bucket.returning_users == returning);
        if (i > 0) REQUIRE(bucket.lapsed_users == lapsed);
        REQUIRE(bucket.retained == retained);
      }

      const auto per_user = kpis.GetSessionsPerUser(world.query);
      REQUIRE(per_user.ok());
      std::map<std::int64_t, std::uint64_t> counts;
      for (const auto& [user, n] : sessions) ++counts[n];
      REQUIRE(per_user->users == sessions.size());
      REQUIRE(per_user->counts.size() == counts.size());
      for (const auto& count : per_user->counts) REQUIRE(count.users == counts[count.sessions]);
    });
  });
}

}  // namespace
}  // namespace nerava::analytics
