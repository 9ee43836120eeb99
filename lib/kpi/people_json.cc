#include "lib/kpi/json.h"
#include "nerava/analytics/people.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

std::int64_t Signed(std::uint64_t count) { return static_cast<std::int64_t>(count); }

void AddTime(std::string_view name, const std::optional<absl::Time>& time, JsonObjectWriter* json) {
  time ? json->Text(name, FormatTimestamp(*time)) : json->Json(name, "null");
}

std::string NumbersJson(const Numbers& numbers) {
  return ObjectJson([&](JsonObjectWriter& json) { AddNumbers(numbers, &json); });
}

}  // namespace

std::string ToJson(const ActiveUsers& users) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddTime("at", users.at, &json);
    AddGrain(users.grain, &json);
    AddNumbers({{"dau", Signed(users.daily)},
                {"wau", Signed(users.weekly)},
                {"mau", Signed(users.monthly)},
                {"stickiness", users.stickiness}},
               &json);
  });
}

std::string ToJson(const Streaks& streaks) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddTime("at", streaks.at, &json);
    AddGrain(streaks.grain, &json);
    AddNumbers({{"users", Signed(streaks.users)},
                {"max_current_streak", streaks.max_current},
                {"max_longest_streak", streaks.max_longest}},
               &json);
    json.Json("counts", ArrayJson(streaks.counts, [](const StreakCount& count) {
                return NumbersJson({{"days", count.days},
                                    {"current", Signed(count.current)},
                                    {"longest", Signed(count.longest)}});
              }));
    json.Json("leaders", ArrayJson(streaks.leaders, [](const StreakLeader& leader) {
                return ObjectJson([&](JsonObjectWriter& row) {
                  row.Text("user_id", ValidText(leader.user_id));
                  AddNumbers(
                      {{"current_streak", leader.current}, {"longest_streak", leader.longest}},
                      &row);
                });
              }));
  });
}

std::string ToJson(const Retention& retention) {
  const absl::TimeZone zone = ZoneOrUtc(retention.time_zone);
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("interval", NameOf(retention.interval));
    json.Text("tz", ValidText(retention.time_zone));
    AddPeriod(retention.period, &json);
    json.Json("buckets", ArrayJson(retention.buckets, [&](const RetentionBucket& bucket) {
                return ObjectJson([&](JsonObjectWriter& row) {
                  row.Text("bucket", LocalTimestamp(bucket.bucket.from, zone));
                  row.Json("complete", JsonOf(bucket.complete));
                  AddNumbers({{"new_users", Signed(bucket.new_users)},
                              {"returning_users", Signed(bucket.returning_users)},
                              {"lapsed_users", Signed(bucket.lapsed_users)}},
                             &row);
                  row.Json("retained", ArrayJson(bucket.retained, [](std::uint64_t users) {
                             return JsonOf(users);
                           }));
                });
              }));
  });
}

std::string ToJson(const SessionsPerUser& users) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddPeriod(users.period, &json);
    json.Json("users", JsonOf(users.users));
    json.Json("counts", ArrayJson(users.counts, [](const SessionsPerUser::Count& count) {
                return NumbersJson({{"sessions", count.sessions}, {"users", Signed(count.users)}});
              }));
  });
}

std::string ToJson(const UserSummary& user) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("user_id", ValidText(user.user_id));
    AddTime("at", user.at, &json);
    AddGrain(user.grain, &json);
    AddNumbers({{"total_sessions", user.total_sessions},
                {"active_window_sessions", user.active_window_sessions},
                {"energy_kwh", user.energy_kwh},
                {"total_rewards_usd", user.total_rewards_usd},
                {"owed_usd", user.owed_usd}},
               &json);
    AddTime("first_session", user.first_session, &json);
    AddTime("last_session", user.last_session, &json);
    AddNumbers({{"active_days", user.active_days},
                {"current_streak", user.current_streak},
                {"longest_streak", user.longest_streak}},
               &json);
    json.Json("hubs", ArrayJson(user.hubs, [](const UserSummary::Hub& hub) {
                return ObjectJson([&](JsonObjectWriter& row) {
                  hub.hub_id.empty() ? row.Json("hub", "null")
                                     : row.Text("hub", ValidText(hub.hub_id));
                  row.Json("sessions", JsonOf(hub.sessions));
                });
              }));
  });
}

}  // namespace nerava::analytics
