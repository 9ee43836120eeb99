#include "lib/store/sqlite/view.h"

#include <string_view>
#include <variant>

#include "fmt/format.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/domain_event.h"

namespace nerava::analytics::sqlite {
namespace {

// 16 bytes as UUID text, anything else as it is.
std::string Uuid(std::string_view column) {
  return fmt::format(
      "CASE typeof({0}) WHEN 'blob' THEN lower(substr(hex({0}), 1, 8) || '-' || "
      "substr(hex({0}), 9, 4) || '-' || substr(hex({0}), 13, 4) || '-' || "
      "substr(hex({0}), 17, 4) || '-' || substr(hex({0}), 21)) ELSE {0} END",
      column);
}

std::string Name(std::string_view column) {
  return fmt::format("(SELECT text FROM names WHERE number = {})", column);
}

std::string Timestamp(std::string_view column) {
  return fmt::format(
      "strftime('%Y-%m-%d %H:%M:%S', {0} / 1000000, 'unixepoch') || "
      "printf('.%06d', {0} % 1000000)",
      column);
}

// `,"key":value`, or nothing when the value is NULL.
std::string Member(std::string_view key, std::string_view value) {
  return fmt::format("coalesce(',\"{}\":' || {}, '')", key, value);
}
std::string TextMember(std::string_view key, std::string_view column) {
  return fmt::format("iif({1} IS NULL, '', ',\"{0}\":' || json_quote({1}))", key, column);
}
std::string MicrosMember(std::string_view key, std::string_view column) {
  return Member(key, fmt::format("({} / 1000000.0)", column));
}
// The members of a JSON object kept as text.
std::string Members(std::string_view column) {
  return fmt::format("coalesce(',' || nullif(substr({0}, 2, length({0}) - 2), ''), '')", column);
}

// The name of the field that holds the time, by event type.
template <typename... Events>
std::string TimeFieldCase(const std::variant<Events...>*) {
  std::string cases;
  const auto add = [&cases]<typename Event>(const Event*) {
    if constexpr (requires { Event::kType; }) {
      const std::string type = AnalyticsType(Event::kType);
      cases += fmt::format(" WHEN '{}' THEN '{}'", type, TimeFieldOf(type));
    }
  };
  (add(static_cast<const Events*>(nullptr)), ...);
  return fmt::format("CASE event_type{} END", cases);
}

std::string Tier(std::string_view column, std::int64_t high, std::int64_t medium) {
  return fmt::format(
      "CASE WHEN {0} >= {1} THEN 'high' WHEN {0} >= {2} THEN 'medium' ELSE 'low' END", column, high,
      medium);
}

std::string Properties() {
  const std::string time_field = TimeFieldCase(static_cast<const DomainEvent*>(nullptr));
  const std::string charge =
      "event_type IN ('analytics_charge_started', 'analytics_charge_stopped')";
  std::string members;
  for (const std::string& member : {
           TextMember("session_id", "session_id"),
           TextMember("user_id", "user_id"),
           TextMember("hub_id", "hub_id"),
           fmt::format("coalesce(',\"' || {} || '\":\"' || replace(timestamp, ' ', 'T') || "
                       "'+00:00\"', '')",
                       time_field),
           MicrosMember("kwh_consumed", "energy_mwh"),
           TextMember("window_id", "window_id"),
           MicrosMember("grid_reward_usd", "grid_reward_microusd"),
           MicrosMember("merchant_reward_usd", "merchant_reward_microusd"),
           MicrosMember("total_reward_usd", "total_reward_microusd"),
           Member("amount_cents", "amount_cents"),
           Member("new_balance_cents", "new_balance_cents"),
           Members("fields"),
           fmt::format("CASE WHEN {} THEN ',\"session_type\":\"charging\",\"has_active_window\":' "
                       "|| iif(window_id IS NULL, 'false', 'true') ELSE '' END",
                       charge),
           fmt::format("CASE event_type WHEN 'analytics_charge_stopped' THEN "
                       "',\"reward_tier\":\"' || {} || '\"' "
                       "WHEN 'analytics_wallet_credited' THEN "
                       "',\"credit_type\":\"charging_reward\",\"amount_tier\":\"' || {} || '\"' "
                       "ELSE '' END",
                       Tier("total_reward_microusd", 5'000'000, 2'000'000),
                       Tier("amount_cents", 500, 200)),
           Members("properties"),
       }) {
    members += (members.empty() ? "" : " || ") + member;
  }
  return fmt::format("'{{' || substr({}, 2) || '}}'", members);
}

}  // namespace

std::string CreateEmptyRowsView() {
  constexpr std::string_view kColumns =
      "NULL AS id, NULL AS event_id, NULL AS type, NULL AS time, NULL AS region, "
      "NULL AS aggregate, NULL AS version, NULL AS session, NULL AS user, NULL AS hub, "
      "NULL AS \"window\", NULL AS energy_mwh, NULL AS grid_reward_microusd, "
      "NULL AS merchant_reward_microusd, NULL AS total_reward_microusd, NULL AS amount_cents, "
      "NULL AS new_balance_cents, NULL AS fields, NULL AS properties, NULL AS created_at";
  return fmt::format("CREATE VIEW event_rows AS SELECT {} WHERE 0", kColumns);
}

std::string CreateViews() {
  return fmt::format(
      "CREATE VIEW analytics_events AS\n"
      "SELECT id, event_id, event_type, timestamp, region,\n"
      "  CASE WHEN aggregate IS NULL THEN session_id WHEN typeof(aggregate) = 'integer' "
      "THEN user_id ELSE {} END AS aggregate_id,\n"
      "  {} AS properties, created_at\n"
      "FROM (SELECT id, {} AS event_id, {} AS event_type, {} AS timestamp, {} AS region,\n"
      "  aggregate, {} AS session_id, (SELECT text FROM users WHERE number = user) AS user_id,\n"
      "  {} AS hub_id, {} AS window_id, energy_mwh, grid_reward_microusd,\n"
      "  merchant_reward_microusd, total_reward_microusd, amount_cents, new_balance_cents,\n"
      "  fields, properties, {} AS created_at\n"
      "  FROM event_rows);\n"
      "CREATE VIEW daily_kpis AS\n"
      "SELECT date(bucket, 'unixepoch') AS day, {} AS region,\n"
      "  bucket + 86400 <= CAST(strftime('%s', 'now') AS INTEGER) AS closed,\n"
      "  sessions_started, sessions_completed, sessions_credited, orphan_stops, total_sessions,\n"
      "  active_window_sessions, unique_users, sessions_with_user, sessions_with_reward,\n"
      "  reward_microusd / 1000000.0 AS total_rewards_usd,\n"
      "  owed_microusd / 1000000.0 AS rewards_owed_usd,\n"
      "  energy_mwh / 1000000.0 AS energy_kwh, credited_cents / 100.0 AS credited_usd,\n"
      "  extra_events\n"
      "FROM aggregates WHERE grain = 2;",
      Uuid("aggregate"), Properties(), Uuid("event_id"), Name("type"), Timestamp("time"),
      Name("region"), Uuid("session"), Name("hub"), Name("\"window\""), Timestamp("created_at"),
      Name("region"));
}

}  // namespace nerava::analytics::sqlite
