#include "nerava/analytics/people.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/bucket_sums.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/calendar.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "lib/kpi/streak.h"
#include "lib/kpi/weighted_values.h"
#include "lib/projection/checked_totals.h"
#include "nerava/analytics/money.h"
#include "nerava/analytics/pseudonym.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics {
namespace {

constexpr std::size_t kMaxDays = 40'000;
constexpr std::int64_t kMicrosPerUnit = 1'000'000;

struct Asked {
  absl::Time at;
  absl::TimeZone zone;
};

absl::StatusOr<Asked> CheckedPeople(const PeopleQuery& query, const Clock& clock) {
  auto period = CheckedPeriod({absl::UnixEpoch(), query.at.value_or(clock.Now())});
  if (!period.ok()) return period.status();
  auto zone = FindTimeZone(query.time_zone);
  if (!zone.ok()) return zone.status();
  return Asked{period->to, *zone};
}

// The bounds of the local days that have a part in [from, at): one more than there are days, the last
// one `at`.
absl::StatusOr<std::vector<absl::Time>> LocalDays(absl::Time from, const Asked& asked) {
  auto days = CutByCalendar({from, asked.at}, Interval::kDay, asked.zone, kMaxDays);
  if (!days.ok()) {
    absl::Status error = absl::InvalidArgumentError(
        fmt::format("at is {}; it must be within {} days of the first event",
                    absl::FormatTime(absl::RFC3339_full, asked.at, absl::UTCTimeZone()), kMaxDays));
    error.SetPayload(kOfTheQuestion, absl::Cord());
    return error;
  }
  std::vector<absl::Time> bounds;
  for (const Period& day : *days) bounds.push_back(day.from);
  bounds.push_back(asked.at);
  return bounds;
}

absl::StatusOr<Streaks> CountStreaks(ReadTransaction& transaction, const PeopleQuery& query,
                                     const Asked& asked, std::size_t leaders) {
  Streaks streaks;
  streaks.at = asked.at;
  Scanner scanner(transaction);
  auto first = scanner.First();
  if (!first.ok()) return first.status();
  if (!first->has_value()) return streaks;
  auto bounds = LocalDays(**first, asked);
  if (!bounds.ok()) return bounds.status();
  auto days = UsersByBucket(scanner, *bounds, query.filter);
  if (!days.ok()) return days.status();
  streaks.grain = CoarsestOf(scanner, *bounds, query.filter);

  MemberSet all;
  for (MemberSet& day : *days) all.Add(day);
  struct User {
    std::uint32_t number;
    Streak streak = {};
  };
  std::vector<User> users;
  users.reserve(all.size());
  all.ForEach([&](std::uint32_t number) { users.push_back({number}); });
  for (std::size_t day = 0; day < days->size(); ++day) {
    auto user = users.begin();
    (*days)[day].ForEach([&](std::uint32_t number) {
      user = std::lower_bound(user, users.end(), number,
                              [](const User& a, std::uint32_t b) { return a.number < b; });
      user->streak.Add(static_cast<std::int64_t>(day));
    });
  }

  const auto today = static_cast<std::int64_t>(days->size()) - 1;
  std::map<std::int64_t, StreakCount> counts;
  for (const User& user : users) {
    ++counts[user.streak.Current(today)].current;
    ++counts[user.streak.longest()].longest;
  }
  streaks.users = users.size();
  for (auto& [length, count] : counts) {
    count.days = length;
    if (count.current > 0) streaks.max_current = length;
    if (count.longest > 0) streaks.max_longest = length;
    streaks.counts.push_back(count);
  }

  if (leaders == 0) return streaks;
  // The ids are needed of those only that may be shown.
  const auto ahead = [&](const User& a, const User& b) {
    return std::pair(a.streak.Current(today), a.streak.longest()) >
           std::pair(b.streak.Current(today), b.streak.longest());
  };
  if (leaders < users.size()) {
    const auto last = users.begin() + static_cast<std::ptrdiff_t>(leaders);
    std::nth_element(users.begin(), last, users.end(), ahead);
    const User bar = *last;
    std::erase_if(users, [&](const User& user) { return ahead(bar, user); });
  }
  for (const User& user : users) {
    auto id = scanner.UserId(user.number);
    if (!id.ok()) return id.status();
    streaks.leaders.push_back({*std::move(id), user.streak.Current(today), user.streak.longest()});
  }
  std::sort(streaks.leaders.begin(), streaks.leaders.end(), [](const auto& a, const auto& b) {
    return std::tie(b.current, b.longest, a.user_id) < std::tie(a.current, a.longest, b.user_id);
  });
  if (streaks.leaders.size() > leaders) streaks.leaders.resize(leaders);
  return streaks;
}

// What a user did at one moment, and at which hub how often: facts that were taken back add up to
// nothing.
struct Visit {
  Totals totals;
  std::map<std::string, std::int64_t> hubs;
};

absl::StatusOr<UserSummary> SummarizeUser(ReadTransaction& transaction, const std::string& user_id,
                                          const KpiFilter& filter, const Asked& asked) {
  UserSummary user;
  user.user_id = user_id;
  user.at = asked.at;
  std::map<absl::Time, Visit> visits;
  auto grain =
      Scanner(transaction)
          .FactsOfUser(user_id, {absl::UnixEpoch(), asked.at}, filter, [&](const Fact& fact) {
            Visit& visit = visits[fact.time];
            visit.hubs[std::string(fact.hub_id)] += fact.totals.total_sessions;
            return AddChecked(fact.totals, &visit.totals);
          });
  if (!grain.ok()) return grain.status();
  user.grain = *grain;
  std::erase_if(visits, [](const auto& visit) { return visit.second.totals.total_sessions <= 0; });
  if (visits.empty()) return user;

  user.first_session = visits.begin()->first;
  user.last_session = visits.rbegin()->first;
  auto bounds = LocalDays(*user.first_session, asked);
  if (!bounds.ok()) return bounds.status();
  Totals totals;
  std::map<std::string, std::int64_t> hubs;
  Streak streak;
  std::int64_t last_day = -1;
  for (const auto& [time, visit] : visits) {
    if (absl::Status added = AddChecked(visit.totals, &totals); !added.ok()) return added;
    for (const auto& [hub_id, sessions] : visit.hubs) hubs[hub_id] += sessions;
    const auto next = std::upper_bound(bounds->begin(), bounds->end(), time);
    const std::int64_t day = next - bounds->begin() - 1;
    if (day == last_day) continue;
    streak.Add(day);
    ++user.active_days;
    last_day = day;
  }
  user.total_sessions = totals.total_sessions;
  user.active_window_sessions = totals.active_window_sessions;
  user.energy_kwh = RoundedRatio(totals.energy_mwh, kMicrosPerUnit);
  user.total_rewards_usd = RoundedRatio(totals.reward_microusd, kMicrosPerUnit);
  user.owed_usd = RoundedRatio(totals.owed_microusd, kMicrosPerUnit);
  user.current_streak = streak.Current(static_cast<std::int64_t>(bounds->size()) - 2);
  user.longest_streak = streak.longest();
  for (const auto& [hub_id, sessions] : hubs) {
    if (sessions > 0) user.hubs.push_back({hub_id, sessions});
  }
  std::sort(user.hubs.begin(), user.hubs.end(), [](const auto& a, const auto& b) {
    return std::tie(b.sessions, a.hub_id) < std::tie(a.sessions, b.hub_id);
  });
  return user;
}

Question QuestionOf(std::string_view name, const PeopleQuery& query, const Asked& asked) {
  return Question(name).Add(asked.at).Add(query.filter).Add(query.time_zone);
}

}  // namespace

absl::StatusOr<ActiveUsers> KpiCalculator::GetActiveUsers(const PeopleQuery& query) const {
  auto asked = CheckedPeople(query, clock_);
  if (!asked.ok()) return asked.status();
  constexpr std::size_t kWeek = 7;
  constexpr std::size_t kMonth = 30;
  // Wherever clocks were set, these are more days.
  const absl::Time from = asked->at - (kMonth + 2) * absl::Hours(24);
  auto days = LocalDays(std::max(from, absl::UnixEpoch()), *asked);
  if (!days.ok()) return days.status();
  const auto begin = [&](std::size_t last) {
    return days->size() > last ? (*days)[days->size() - 1 - last] : days->front();
  };
  const absl::Time bounds[] = {begin(kMonth), begin(kWeek), begin(1), asked->at};
  return CachedRead<ActiveUsers>(*cache_, *store_, QuestionOf("active users", query, *asked),
                                 [&](ReadTransaction& transaction) -> absl::StatusOr<ActiveUsers> {
                                   Scanner scanner(transaction);
                                   auto users = UsersByBucket(scanner, bounds, query.filter);
                                   if (!users.ok()) return users.status();
                                   ActiveUsers active;
                                   active.at = asked->at;
                                   active.grain = CoarsestOf(scanner, bounds, query.filter);
                                   MemberSet& all = (*users)[2];
                                   active.daily = all.size();
                                   all.Add((*users)[1]);
                                   active.weekly = all.size();
                                   all.Add((*users)[0]);
                                   active.monthly = all.size();
                                   active.stickiness =
                                       RoundedRatio(static_cast<std::int64_t>(active.daily),
                                                    static_cast<std::int64_t>(active.monthly), 100);
                                   return active;
                                 });
}

absl::StatusOr<Streaks> KpiCalculator::GetStreaks(const PeopleQuery& query,
                                                  std::size_t leaders) const {
  auto asked = CheckedPeople(query, clock_);
  if (!asked.ok()) return asked.status();
  return CachedRead<Streaks>(
      *cache_, *store_,
      QuestionOf("streaks", query, *asked).Add(static_cast<std::int64_t>(leaders)),
      [&](ReadTransaction& transaction) {
        return CountStreaks(transaction, query, *asked, leaders);
      });
}

absl::StatusOr<SessionsPerUser> KpiCalculator::GetSessionsPerUser(const KpiQuery& query) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  return CachedRead<SessionsPerUser>(
      *cache_, *store_, Question("sessions per user").Add(*period).Add(query.filter),
      [&](ReadTransaction& transaction) -> absl::StatusOr<SessionsPerUser> {
        WeightedValues by_user;
        const absl::Time bounds[] = {period->from, period->to};
        Scanner scanner(transaction);
        absl::Status read = scanner.Scan(
            bounds, query.filter, Detail::kRegion,
            [&](std::size_t, const AggregateRow& row) {
              auto users = UserSet::Parse(row.users);
              if (!users.ok()) return users.status();
              users->ForEachCount(
                  [&](std::uint32_t user, std::int64_t sessions) { by_user.Add(user, sessions); });
              return absl::OkStatus();
            },
            [&](std::size_t, const Fact& fact, std::uint32_t user) {
              if (user != 0) by_user.Add(user, fact.user_sessions);
              return absl::OkStatus();
            });
        if (!read.ok()) return read;
        std::map<std::int64_t, std::uint64_t> counts;
        for (const auto& [user, sessions] : by_user.Sorted()) {
          if (sessions > 0) ++counts[sessions];
        }
        SessionsPerUser result{scanner.Answered(*period, query.filter, Detail::kRegion), 0, {}};
        for (const auto& [sessions, users] : counts) {
          result.users += users;
          result.counts.push_back({sessions, users});
        }
        return result;
      });
}

absl::StatusOr<UserSummary> KpiCalculator::GetUser(const std::string& user_id,
                                                   const PeopleQuery& query) const {
  if (user_id.empty()) return absl::InvalidArgumentError("user_id is empty; it must name a user");
  auto asked = CheckedPeople(query, clock_);
  if (!asked.ok()) return asked.status();
  const std::string stored = PseudonymOf(user_id, user_id_key_);
  auto user =
      CachedRead<UserSummary>(*cache_, *store_, QuestionOf("user", query, *asked).Add(stored),
                              [&](ReadTransaction& transaction) {
                                return SummarizeUser(transaction, stored, query.filter, *asked);
                              });
  if (user.ok()) user->user_id = user_id;
  return user;
}

}  // namespace nerava::analytics
