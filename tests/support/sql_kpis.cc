#include "tests/support/sql_kpis.h"

#include <stdexcept>

#include "nerava/analytics/timestamp.h"

namespace nerava::analytics::testing {
namespace {

// The events as facts, and from them what is said of each session whatever the period.
constexpr const char* kSessions = R"sql(
CREATE TEMP TABLE events AS
  SELECT event_id, event_type, timestamp AS time, region,
         properties->>'session_id' AS session, properties->>'user_id' AS user,
         properties->>'hub_id' AS hub, properties->>'window_id' AS win,
         properties->>'total_reward_usd' AS reward, properties->>'kwh_consumed' AS kwh,
         properties->>'amount_cents' AS cents
  FROM analytics_events;
CREATE TEMP TABLE ranked AS
  SELECT *, row_number() OVER (PARTITION BY session, event_type ORDER BY time, event_id) AS place
  FROM events
  WHERE event_type IN ('analytics_charge_started', 'analytics_charge_stopped');
CREATE TEMP TABLE start AS
  SELECT * FROM ranked WHERE event_type = 'analytics_charge_started' AND place = 1;
CREATE TEMP TABLE stop AS
  SELECT * FROM ranked WHERE event_type = 'analytics_charge_stopped' AND place = 1;
CREATE TEMP TABLE credit AS
  SELECT * FROM events WHERE event_type = 'analytics_wallet_credited' AND cents > 0;
CREATE TEMP TABLE described AS
  SELECT session, region, user, hub, win FROM start
  UNION ALL
  SELECT session, region, user, hub, win FROM stop
  WHERE session NOT IN (SELECT session FROM start);
)sql";

constexpr const char* kKpis = R"sql(
WITH
cohort AS (
  SELECT start.time, start.region, start.hub, start.win,
         coalesce(stop.time >= start.time, 0) AS completed,
         start.session IN (SELECT session FROM credit) AS credited
  FROM start LEFT JOIN stop USING (session)
  WHERE start.time >= ?1 AND start.time < ?2),
stopped AS (
  SELECT stop.time, stop.reward, stop.kwh, described.*,
         stop.session NOT IN (SELECT session FROM start) AS orphan,
         max(0, coalesce(CAST(round(stop.reward * 1e6) AS INTEGER), 0) - 10000 * coalesce((
           SELECT sum(credit.cents) FROM credit WHERE credit.session = stop.session), 0)) AS owed
  FROM stop JOIN described USING (session)
  WHERE stop.time >= ?1 AND stop.time < ?2),
credits AS (
  SELECT credit.cents, coalesce(described.region, credit.region) AS region,
         described.hub, described.win
  FROM credit LEFT JOIN described USING (session)
  WHERE credit.time >= ?1 AND credit.time < ?2),
extra AS (
  SELECT described.* FROM ranked JOIN described USING (session)
  WHERE place > 1 AND ranked.time >= ?1 AND ranked.time < ?2)
SELECT
  (SELECT count(*) FROM cohort c WHERE {c}),
  (SELECT count(*) FROM cohort c WHERE {c} AND completed),
  (SELECT count(*) FROM cohort c WHERE {c} AND completed AND credited),
  (SELECT count(*) FROM stopped c WHERE {c} AND orphan),
  (SELECT count(*) FROM stopped c WHERE {c}),
  (SELECT count(*) FROM stopped c WHERE {c} AND win IS NOT NULL),
  (SELECT count(*) FROM stopped c WHERE {c} AND user IS NOT NULL),
  (SELECT count(*) FROM stopped c WHERE {c} AND reward IS NOT NULL),
  (SELECT coalesce(sum(CAST(round(reward * 1e6) AS INTEGER)), 0) FROM stopped c WHERE {c}),
  (SELECT coalesce(sum(CAST(round(kwh * 1e6) AS INTEGER)), 0) FROM stopped c WHERE {c}),
  (SELECT coalesce(sum(owed), 0) FROM stopped c WHERE {c}),
  (SELECT coalesce(sum(cents), 0) FROM credits c WHERE {c}),
  (SELECT count(*) FROM extra c WHERE {c}),
  (SELECT count(DISTINCT user) FROM stopped c WHERE {c})
)sql";

std::string WithFilter(std::string sql) {
  const std::string filter =
      "(?3 = '' OR c.region = ?3) AND (?4 = '' OR c.hub = ?4) AND (?5 = '' OR c.win = ?5)";
  for (std::size_t at = sql.find("{c}"); at != std::string::npos; at = sql.find("{c}", at)) {
    sql.replace(at, 3, filter);
  }
  return sql;
}

}  // namespace

SqlKpis::SqlKpis(const std::string& file) {
  sqlite3* db = nullptr;
  const int open = sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  db_.reset(db);
  sqlite3_stmt* statement = nullptr;
  if (open != SQLITE_OK || sqlite3_exec(db, kSessions, nullptr, nullptr, nullptr) != SQLITE_OK ||
      sqlite3_prepare_v2(db, WithFilter(kKpis).c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(db));
  }
  statement_.reset(statement);
}

KpiSummary SqlKpis::Summarize(const KpiQuery& query) {
  sqlite3_stmt* const prepared = statement_.get();
  sqlite3_reset(prepared);
  const std::string parameters[] = {FormatSqlTimestamp(query.period.from),
                                    FormatSqlTimestamp(query.period.to), query.filter.region,
                                    query.filter.hub_id, query.filter.window_id};
  int index = 0;
  for (const std::string& parameter : parameters) {
    sqlite3_bind_text(prepared, ++index, parameter.c_str(), -1, SQLITE_STATIC);
  }
  if (sqlite3_step(prepared) != SQLITE_ROW) throw std::runtime_error(sqlite3_errmsg(db_.get()));

  KpiSummary summary;
  summary.period = {query.period};
  int column = 0;
  for (const Totals::Field& field : Totals::Fields()) {
    summary.totals.*field.member = sqlite3_column_int64(prepared, column++);
  }
  summary.unique_users = static_cast<std::uint64_t>(sqlite3_column_int64(prepared, column));
  return summary;
}

}  // namespace nerava::analytics::testing
