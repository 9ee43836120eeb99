// Who comes back: active users, retention, streaks, and one user. A user is active when a session of
// theirs stops. What each number means is in docs/kpis.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

// A moment, and the local days that lead up to it.
struct PeopleQuery {
  std::optional<absl::Time> at = {};  // nothing from then on counts. Default: now
  KpiFilter filter = {};
  std::string time_zone = "UTC";  // a name of the IANA database
};

// Of the local day of `at`, of that and the 6 before, and of that and the 29 before.
struct ActiveUsers {
  absl::Time at;
  AnswerGrain grain = AnswerGrain::kExact;
  std::uint64_t daily = 0;
  std::uint64_t weekly = 0;
  std::uint64_t monthly = 0;
  double stickiness = 0;  // daily in percent of monthly
};

struct StreakCount {
  std::int64_t days = 0;
  std::uint64_t current = 0;  // users whose current streak is so long
  std::uint64_t longest = 0;  // users whose longest is
};

struct StreakLeader {
  std::string user_id;
  std::int64_t current = 0;  // days
  std::int64_t longest = 0;
};

// Consecutive local days with a session. A day of `at` without one does not end a streak.
struct Streaks {
  absl::Time at;
  AnswerGrain grain = AnswerGrain::kExact;
  std::uint64_t users = 0;  // that were ever active
  std::int64_t max_current = 0;
  std::int64_t max_longest = 0;
  std::vector<StreakCount> counts;    // ascending; without lengths that nobody has
  std::vector<StreakLeader> leaders;  // longest current streak first, then longest, then by user_id
};

struct RetentionQuery {
  Period period;
  KpiFilter filter = {};
  Interval interval = Interval::kWeek;  // not kHour
  std::string time_zone = "UTC";
};

struct RetentionBucket {
  Period bucket;                      // all of it
  bool complete = true;               // whether all of it lies before the end of the period
  std::uint64_t new_users = 0;        // never active before it: its cohort
  std::uint64_t returning_users = 0;  // active in it, and before it
  std::uint64_t lapsed_users = 0;     // active in the bucket before it, and not in it
  // Of its new users, how many were active in this bucket (all), in the next one, ...
  std::vector<std::uint64_t> retained = {};
};

struct Retention {
  static constexpr std::size_t kMaxBuckets = 400;
  AnsweredPeriod period;
  Interval interval = Interval::kWeek;
  std::string time_zone;
  std::vector<RetentionBucket> buckets;  // without gaps, oldest first
};

struct SessionsPerUser {
  struct Count {
    std::int64_t sessions = 0;
    std::uint64_t users = 0;
  };
  AnsweredPeriod period;
  std::uint64_t users = 0;
  std::vector<Count> counts;  // ascending; without numbers that nobody has
};

// All zeros for somebody without sessions.
struct UserSummary {
  struct Hub {
    std::string hub_id;  // empty: none
    std::int64_t sessions = 0;
  };
  std::string user_id;
  absl::Time at;
  // kPartial: they had sessions of which only is known that there were some; these are not counted. Of
  // days that were dropped altogether not even that is known.
  AnswerGrain grain = AnswerGrain::kExact;
  std::int64_t total_sessions = 0;
  std::int64_t active_window_sessions = 0;
  double energy_kwh = 0;
  double total_rewards_usd = 0;
  double owed_usd = 0;
  std::optional<absl::Time> first_session = {};  // when it stopped
  std::optional<absl::Time> last_session = {};
  std::int64_t active_days = 0;
  std::int64_t current_streak = 0;  // days
  std::int64_t longest_streak = 0;
  std::vector<Hub> hubs = {};  // most sessions first, then by hub_id
};

std::string ToJson(const ActiveUsers& users);
std::string ToJson(const Streaks& streaks);
std::string ToJson(const Retention& retention);
std::string ToJson(const SessionsPerUser& users);
std::string ToJson(const UserSummary& user);

}  // namespace nerava::analytics
