#include "nerava/analytics/people.h"

#include <memory>
#include <string>
#include <utility>

#include "capi/boundary.h"
#include "capi/handles.h"
#include "capi/kpi.h"
#include "capi/report.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::ActiveUsers;
using nerava::analytics::AnsweredPeriod;
using nerava::analytics::KpiCalculator;
using nerava::analytics::KpiQuery;
using nerava::analytics::Retention;
using nerava::analytics::RetentionBucket;
using nerava::analytics::SessionsPerUser;
using nerava::analytics::StreakCount;
using nerava::analytics::StreakLeader;
using nerava::analytics::Streaks;
using nerava::analytics::UserSummary;

namespace {

ActiveUsers AskActiveUsers(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  return Value(calculator.GetActiveUsers(ToPeopleQuery(query, ToTimeZone(time_zone))));
}

Streaks AskStreaks(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                   std::uint64_t leaders) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  return Value(calculator.GetStreaks(ToPeopleQuery(query, ToTimeZone(time_zone)), leaders));
}

Retention AskRetention(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
                       nva_string time_zone) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  KpiQuery asked = ToQuery(calculator, query);
  return Value(calculator.GetRetention(
      {asked.period, std::move(asked.filter), ToInterval(interval), ToTimeZone(time_zone)}));
}

SessionsPerUser AskSessionsPerUser(nva_kpi* kpi, const nva_kpi_query* query) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  return Value(calculator.GetSessionsPerUser(ToQuery(calculator, query)));
}

UserSummary AskUser(nva_kpi* kpi, nva_string user_id, const nva_kpi_query* query,
                    nva_string time_zone) {
  const KpiCalculator& calculator = *Require(kpi, "kpi").impl;
  return Value(
      calculator.GetUser(Text(user_id, "user_id"), ToPeopleQuery(query, ToTimeZone(time_zone))));
}

// A report of rows that have nothing but their content.
template <typename Rows>
nva_report* ReportOf(const AnsweredPeriod& period, const Rows& rows) {
  auto report = std::make_unique<nva_report>();
  for (const auto& row : rows) report->rows.push_back({period, true, {}, 0, period.grain, row});
  return report.release();
}

}  // namespace

nva_status nva_kpi_active_users(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                nva_active_users* result, uint32_t struct_size) {
  return Guarded([&] {
    const ActiveUsers users = AskActiveUsers(kpi, query, time_zone);
    Write(nva_active_users{0, ToC(users.grain), ToMicros(users.at), users.daily, users.weekly,
                           users.monthly, users.stickiness},
          result, struct_size, "result");
  });
}

nva_status nva_kpi_active_users_json(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                     char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskActiveUsers(kpi, query, time_zone)));
  });
}

nva_status nva_kpi_streaks(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                           nva_streaks* result, uint32_t struct_size, nva_report** counts) {
  return Guarded([&] {
    if (counts != nullptr) *counts = nullptr;
    const Streaks streaks = AskStreaks(kpi, query, time_zone, 0);
    Write(nva_streaks{0, ToC(streaks.grain), ToMicros(streaks.at), streaks.users,
                      streaks.max_current, streaks.max_longest},
          result, struct_size, "result");
    if (counts != nullptr)
      *counts = ReportOf({{streaks.at, streaks.at}, streaks.grain}, streaks.counts);
  });
}

nva_status nva_kpi_streak_leaders(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                  uint64_t leaders, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    const Streaks streaks = AskStreaks(kpi, query, time_zone, leaders);
    auto report = std::make_unique<nva_report>();
    for (const StreakLeader& leader : streaks.leaders) {
      report->rows.push_back(
          {{streaks.at, streaks.at}, true, leader.user_id, 0, streaks.grain, leader});
    }
    handle = report.release();
  });
}

nva_status nva_kpi_streaks_json(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                uint64_t leaders, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskStreaks(kpi, query, time_zone, leaders)));
  });
}

nva_status nva_kpi_retention(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
                             nva_string time_zone, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    auto report = std::make_unique<nva_report>();
    Retention retention = AskRetention(kpi, query, interval, time_zone);
    for (auto& bucket : retention.buckets) {
      report->rows.push_back(
          {bucket.bucket, bucket.complete, {}, 0, retention.period.grain, std::move(bucket)});
    }
    handle = report.release();
  });
}

nva_status nva_kpi_retention_json(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
                                  nva_string time_zone, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskRetention(kpi, query, interval, time_zone)));
  });
}

nva_status nva_kpi_sessions_per_user(nva_kpi* kpi, const nva_kpi_query* query, nva_report** out) {
  return Guarded([&] {
    nva_report*& handle = Out(out);
    const SessionsPerUser users = AskSessionsPerUser(kpi, query);
    handle = ReportOf(users.period, users.counts);
  });
}

nva_status nva_kpi_sessions_per_user_json(nva_kpi* kpi, const nva_kpi_query* query, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskSessionsPerUser(kpi, query)));
  });
}

nva_status nva_kpi_user(nva_kpi* kpi, nva_string user_id, const nva_kpi_query* query,
                        nva_string time_zone, nva_user_summary* result, uint32_t struct_size) {
  return Guarded([&] {
    const UserSummary user = AskUser(kpi, user_id, query, time_zone);
    nva_user_summary summary{};
    summary.grain = ToC(user.grain);
    summary.at_us = ToMicros(user.at);
    summary.total_sessions = user.total_sessions;
    summary.active_window_sessions = user.active_window_sessions;
    summary.energy_kwh = user.energy_kwh;
    summary.total_rewards_usd = user.total_rewards_usd;
    summary.owed_usd = user.owed_usd;
    summary.first_session_us = ToMicros(user.first_session.value_or(absl::InfinitePast()));
    summary.last_session_us = ToMicros(user.last_session.value_or(absl::InfinitePast()));
    summary.active_days = user.active_days;
    summary.current_streak = user.current_streak;
    summary.longest_streak = user.longest_streak;
    Write(summary, result, struct_size, "result");
  });
}

nva_status nva_kpi_user_json(nva_kpi* kpi, nva_string user_id, const nva_kpi_query* query,
                             nva_string time_zone, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(AskUser(kpi, user_id, query, time_zone)));
  });
}

nva_status nva_report_streak_at(const nva_report* report, uint64_t index, nva_streak* streak,
                                uint32_t struct_size) {
  return Guarded([&] {
    nva_streak result{};
    if (const auto* leader = std::get_if<StreakLeader>(&RowAt(report, index).content)) {
      result.current = leader->current;
      result.longest = leader->longest;
    } else {
      const auto& count = ContentAt<StreakCount>(report, index);
      result.days = count.days;
      result.current = static_cast<std::int64_t>(count.current);
      result.longest = static_cast<std::int64_t>(count.longest);
    }
    Write(result, streak, struct_size, "streak");
  });
}

nva_status nva_report_sessions_per_user_at(const nva_report* report, uint64_t index,
                                           int64_t* sessions, uint64_t* users) {
  return Guarded([&] {
    Require(sessions, "sessions") = 0;
    Require(users, "users") = 0;
    const auto& count = ContentAt<SessionsPerUser::Count>(report, index);
    *sessions = count.sessions;
    *users = count.users;
  });
}

nva_status nva_report_retention_at(const nva_report* report, uint64_t index,
                                   nva_retention* retention, uint32_t struct_size) {
  return Guarded([&] {
    const auto& bucket = ContentAt<RetentionBucket>(report, index);
    Write(nva_retention{0, bucket.new_users, bucket.returning_users, bucket.lapsed_users,
                        bucket.retained.size()},
          retention, struct_size, "retention");
  });
}

nva_status nva_report_retained_at(const nva_report* report, uint64_t index, uint64_t later,
                                  uint64_t* users) {
  return Guarded([&] {
    Require(users, "users") = 0;
    const auto& retained = ContentAt<RetentionBucket>(report, index).retained;
    if (later >= retained.size()) Fail("there is no such later bucket; see retained_count");
    *users = retained[later];
  });
}
