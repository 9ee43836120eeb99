/* Funnels, load and people as structs and as JSON. The numbers themselves are proved elsewhere. */
#include "story.h"

static nva_kpi_query looking_back(void) {
  nva_kpi_query query;
  CHECK_OK(nva_kpi_query_init(&query, sizeof query));
  query.to_us = STORY_TO_US;
  return query;
}

static void a_funnel_has_times_and_what_is_owed(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_report* report = NULL;
  nva_report_row row;
  nva_funnel funnel, of_hub;
  nva_kpi_summary summary;
  char* json = NULL;
  memset(&funnel, 0xff, sizeof funnel);
  CHECK_OK(nva_kpi_funnel(kpi, &query, 0, 0, &funnel, sizeof funnel));
  CHECK(funnel.struct_size == sizeof funnel);
  CHECK(funnel.from_us == STORY_FROM_US && funnel.to_us == STORY_TO_US);
  CHECK(funnel.sessions_started == 3 && funnel.sessions_completed == 2);
  CHECK(funnel.sessions_credited == 1 && funnel.sessions_late == 0);
  CHECK(funnel.sessions_running == 0 && funnel.sessions_abandoned == 1);
  CHECK(funnel.completion_rate == 66.67 && funnel.credit_rate == 50.0);
  CHECK(funnel.median_time_to_complete_us == 1000000);
  CHECK(funnel.p90_time_to_complete_us == 1000000);
  CHECK(funnel.median_time_to_credit_us == 1000000);
  CHECK(funnel.rewards_granted_usd == 4.25 && funnel.rewards_owed_usd == 1.0);

  CHECK_OK(nva_kpi_funnel(kpi, &query, 500, 0, &funnel, sizeof funnel));
  CHECK(funnel.sessions_completed == 0 && funnel.sessions_late == 2);
  CHECK(funnel.median_time_to_complete_us == NVA_TIME_NONE);
  CHECK(nva_kpi_funnel(kpi, &query, -1, 0, &funnel, sizeof funnel) == NVA_INVALID_ARGUMENT);
  CHECK_CONTAINS(nva_last_error_message(), "conversion_window");

  CHECK_OK(nva_kpi_funnel_breakdown(kpi, &query, 0, 0, NVA_DIMENSION_HUB, 0, &report));
  CHECK(nva_report_size(report) == 1);
  CHECK_OK(nva_report_row_at(report, 0, &row, sizeof row));
  CHECK(row.name.size == 5 && memcmp(row.name.data, "hub_1", 5) == 0);
  CHECK_OK(nva_report_funnel_at(report, 0, &of_hub, sizeof of_hub));
  CHECK(of_hub.sessions_started == 3 && of_hub.rewards_owed_usd == 1.0);
  CHECK(nva_report_summary_at(report, 0, &summary, sizeof summary) == NVA_INVALID_ARGUMENT);
  CHECK_CONTAINS(nva_last_error_message(), "another kind");
  nva_report_free(report);

  CHECK_OK(nva_kpi_funnel_json(kpi, &query, 0, 0, &json));
  CHECK_CONTAINS(json, "\"median_time_to_complete_s\":1.0");
  nva_free(json);
  CHECK_OK(nva_kpi_funnel_breakdown_json(kpi, &query, 0, 0, NVA_DIMENSION_WINDOW, 1, &json));
  CHECK_CONTAINS(json, "\"others\":1");
  nva_free(json);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

static void load_has_every_hour_of_the_week(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_report* report = NULL;
  nva_load_cell cell;
  nva_sizes length, energy;
  int64_t started = 0, peak = 0;
  double kwh = 0;
  uint32_t hour;
  char* json = NULL;
  CHECK_OK(nva_kpi_load(kpi, &query, nva_str("Europe/Berlin"), 0, &report));
  CHECK(nva_report_size(report) == 1);
  for (hour = 0; hour < NVA_HOURS_OF_WEEK; ++hour) {
    CHECK_OK(nva_report_load_at(report, 0, hour, &cell, sizeof cell));
    CHECK(cell.weekday == (int32_t)(hour / 24) + 1 && cell.hour == (int32_t)(hour % 24));
    started += cell.sessions_started;
    kwh += cell.energy_kwh;
    if (cell.peak_concurrency > peak) peak = cell.peak_concurrency;
  }
  CHECK(started == 3 && kwh == 16.5 && peak == 1);
  CHECK(nva_report_load_at(report, 0, NVA_HOURS_OF_WEEK, &cell, sizeof cell) ==
        NVA_INVALID_ARGUMENT);
  nva_report_free(report);
  CHECK(nva_kpi_load(kpi, &query, nva_str(""), INT64_C(1000000000), &report) ==
        NVA_INVALID_ARGUMENT);
  CHECK(report == NULL);

  CHECK_OK(nva_kpi_load_breakdown(kpi, &query, nva_str(""), 0, NVA_DIMENSION_HUB, 0, &report));
  CHECK(nva_report_size(report) == 1);
  nva_report_free(report);
  CHECK_OK(nva_kpi_load_json(kpi, &query, nva_str(""), 0, &json));
  CHECK_CONTAINS(json, "\"cells\":[{\"weekday\":1,\"hour\":0,");
  nva_free(json);
  CHECK_OK(nva_kpi_load_breakdown_json(kpi, &query, nva_str(""), 0, NVA_DIMENSION_HUB, 0, &json));
  CHECK_CONTAINS(json, "\"hub\":\"hub_1\",\"cells\":[");
  nva_free(json);

  CHECK_OK(nva_kpi_session_sizes(kpi, &query, 1000, 0, &length, &energy, sizeof length));
  CHECK(length.sessions == 2 && length.bin_count == 2 && length.bins[0] == 0);
  CHECK(length.bins[1] == 2 && length.max == 0.02);
  CHECK(energy.sessions == 2 && energy.bin == 5.0 && energy.bin_count == 3);
  CHECK(energy.bins[0] == 1 && energy.bins[2] == 1 && energy.max == 12.5);
  CHECK(nva_kpi_session_sizes(kpi, &query, 0, -1, &length, &energy, sizeof length) ==
        NVA_INVALID_ARGUMENT);
  CHECK_OK(nva_kpi_session_sizes_json(kpi, &query, 0, 0, &json));
  CHECK_CONTAINS(json, "\"energy_kwh\":{\"sessions\":2,");
  nva_free(json);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

static void people_are_counted_and_looked_up(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  const nva_kpi_query back = looking_back();
  nva_report* report = NULL;
  nva_report_row row;
  nva_active_users active;
  nva_streaks streaks;
  nva_streak streak;
  nva_retention retention;
  nva_user_summary user;
  int64_t sessions = 0;
  uint64_t users = 0;
  char* json = NULL;
  CHECK_OK(nva_kpi_active_users(kpi, &back, nva_str(""), &active, sizeof active));
  CHECK(active.at_us == STORY_TO_US && active.daily == 2 && active.weekly == 2);
  CHECK(active.monthly == 2 && active.stickiness == 100.0);
  CHECK(nva_kpi_active_users(kpi, &query, nva_str(""), &active, sizeof active) ==
        NVA_INVALID_ARGUMENT);
  CHECK_CONTAINS(nva_last_error_message(), "to_us");
  CHECK_OK(nva_kpi_active_users_json(kpi, &back, nva_str(""), &json));
  CHECK_CONTAINS(json, "\"dau\":2,\"wau\":2,\"mau\":2");
  nva_free(json);

  CHECK_OK(nva_kpi_streaks(kpi, &back, nva_str(""), &streaks, sizeof streaks, &report));
  CHECK(streaks.users == 2 && streaks.max_current == 1 && streaks.max_longest == 1);
  CHECK(nva_report_size(report) == 1);
  CHECK_OK(nva_report_streak_at(report, 0, &streak, sizeof streak));
  CHECK(streak.days == 1 && streak.current == 2 && streak.longest == 2);
  nva_report_free(report);
  CHECK_OK(nva_kpi_streaks(kpi, &back, nva_str(""), &streaks, sizeof streaks, NULL));
  CHECK_OK(nva_kpi_streak_leaders(kpi, &back, nva_str(""), 1, &report));
  CHECK(nva_report_size(report) == 1);
  CHECK_OK(nva_report_row_at(report, 0, &row, sizeof row));
  CHECK(row.name.size == 2 && memcmp(row.name.data, "u1", 2) == 0);
  CHECK_OK(nva_report_streak_at(report, 0, &streak, sizeof streak));
  CHECK(streak.days == 0 && streak.current == 1 && streak.longest == 1);
  nva_report_free(report);
  CHECK_OK(nva_kpi_streaks_json(kpi, &back, nva_str(""), 10, &json));
  CHECK_CONTAINS(json, "\"leaders\":[{\"user_id\":\"u1\",\"current_streak\":1,");
  nva_free(json);

  CHECK_OK(nva_kpi_retention(kpi, &query, NVA_INTERVAL_DAY, nva_str(""), &report));
  CHECK(nva_report_size(report) == 1);
  CHECK_OK(nva_report_retention_at(report, 0, &retention, sizeof retention));
  CHECK(retention.new_users == 2 && retention.returning_users == 0 && retention.lapsed_users == 0);
  CHECK(retention.retained_count == 1);
  CHECK_OK(nva_report_retained_at(report, 0, 0, &users));
  CHECK(users == 2);
  CHECK(nva_report_retained_at(report, 0, 1, &users) == NVA_INVALID_ARGUMENT);
  CHECK(users == 0);
  sessions = 7;
  CHECK(nva_report_sessions_per_user_at(report, 0, &sessions, &users) == NVA_INVALID_ARGUMENT);
  CHECK(sessions == 0);
  nva_report_free(report);
  CHECK(nva_kpi_retention(kpi, &query, NVA_INTERVAL_HOUR, nva_str(""), &report) ==
        NVA_INVALID_ARGUMENT);
  CHECK_OK(nva_kpi_retention_json(kpi, &query, NVA_INTERVAL_WEEK, nva_str(""), &json));
  CHECK_CONTAINS(json, "\"new_users\":2,");
  nva_free(json);

  CHECK_OK(nva_kpi_sessions_per_user(kpi, &query, &report));
  CHECK(nva_report_size(report) == 1);
  CHECK_OK(nva_report_sessions_per_user_at(report, 0, &sessions, &users));
  CHECK(sessions == 1 && users == 2);
  nva_report_free(report);
  CHECK_OK(nva_kpi_sessions_per_user_json(kpi, &query, &json));
  CHECK_CONTAINS(json, "\"counts\":[{\"sessions\":1,\"users\":2}]");
  nva_free(json);

  CHECK_OK(nva_kpi_user(kpi, nva_str("u1"), &back, nva_str(""), &user, sizeof user));
  CHECK(user.total_sessions == 1 && user.active_window_sessions == 1 && user.energy_kwh == 12.5);
  CHECK(user.total_rewards_usd == 3.25 && user.owed_usd == 0);
  CHECK(user.first_session_us == STORY_FROM_US + 1000000);
  CHECK(user.last_session_us == user.first_session_us);
  CHECK(user.active_days == 1 && user.current_streak == 1 && user.longest_streak == 1);
  CHECK_OK(nva_kpi_user(kpi, nva_str("nobody"), &back, nva_str(""), &user, sizeof user));
  CHECK(user.total_sessions == 0 && user.first_session_us == NVA_TIME_NONE);
  CHECK(nva_kpi_user(kpi, nva_str(""), &back, nva_str(""), &user, sizeof user) ==
        NVA_INVALID_ARGUMENT);
  CHECK_OK(nva_kpi_user_json(kpi, nva_str("u2"), &back, nva_str(""), &json));
  CHECK_CONTAINS(json, "\"owed_usd\":1.0");
  CHECK_CONTAINS(json, "\"hubs\":[{\"hub\":\"hub_1\",\"sessions\":1}]");
  nva_free(json);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

/* A program that was compiled before nva_kpi_summary had its last member. */
static void a_struct_that_has_grown_is_still_filled(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_kpi_summary summary;
  const uint32_t first_size = (uint32_t)offsetof(nva_kpi_summary, owed_microusd);
  summary.owed_microusd = 7;
  CHECK_OK(nva_kpi_summarize(kpi, &query, &summary, first_size));
  CHECK(summary.sessions_started == 3 && summary.owed_microusd == 7);
  CHECK(nva_kpi_summarize(kpi, &query, &summary, first_size - 8) == NVA_INVALID_ARGUMENT);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

int main(void) {
  RUN(a_funnel_has_times_and_what_is_owed);
  RUN(load_has_every_hour_of_the_week);
  RUN(people_are_counted_and_looked_up);
  RUN(a_struct_that_has_grown_is_still_filled);
  return RESULT;
}
