/* KPI queries and results. The numbers themselves are proved elsewhere. */
#include "story.h"

typedef struct fixture {
  nva_pipeline* pipeline;
  nva_kpi* kpi;
} fixture;

static fixture open_fixture(void) {
  fixture f;
  nva_store* store = NULL;
  CHECK_OK(nva_store_open(nva_str("memory:"), NULL, &store));
  CHECK_OK(nva_pipeline_open_with_store(NULL, store, &f.pipeline));
  publish_story(f.pipeline);
  CHECK_OK(nva_pipeline_flush(f.pipeline, 10000, NULL));
  CHECK_OK(nva_kpi_open(store, nva_str("north"), &f.kpi));
  nva_store_free(store);
  return f;
}

static void close_fixture(fixture f) {
  nva_kpi_free(f.kpi);
  nva_pipeline_free(f.pipeline);
}

static void structs_hold_the_numbers(void) {
  fixture f = open_fixture();
  check_story_kpis(f.kpi);
  close_fixture(f);
}

static void json_holds_the_keys_that_clients_read(void) {
  fixture f = open_fixture();
  const nva_kpi_query query = story_query();
  char* json = NULL;
  CHECK_OK(nva_kpi_conversion_funnel_json(f.kpi, &query, &json));
  CHECK_CONTAINS(json, "\"sessions_started\":3");
  CHECK_CONTAINS(json, "\"completion_rate\":66.67");
  nva_free(json);
  CHECK_OK(nva_kpi_green_hour_utilization_json(f.kpi, &query, &json));
  CHECK_CONTAINS(json, "\"utilization_rate\":50.0");
  nva_free(json);
  CHECK_OK(nva_kpi_streak_metrics_json(f.kpi, &query, &json));
  CHECK_CONTAINS(json, "\"unique_users\":2");
  nva_free(json);
  CHECK_OK(nva_kpi_revenue_metrics_json(f.kpi, &query, &json));
  CHECK_CONTAINS(json, "\"total_rewards_usd\":4.25");
  nva_free(json);
  CHECK_OK(nva_kpi_all_json(f.kpi, &query, &json));
  CHECK_CONTAINS(json, "\"conversion_funnel\"");
  CHECK_CONTAINS(json, "\"revenue_metrics\"");
  CHECK_CONTAINS(json, "\"north\"");
  nva_free(json);
  close_fixture(f);
}

static void filters_restrict(void) {
  fixture f = open_fixture();
  nva_kpi_query query = story_query();
  nva_conversion_funnel funnel;
  query.window_id = nva_str("green_hour");
  CHECK_OK(nva_kpi_conversion_funnel(f.kpi, &query, &funnel, sizeof funnel));
  CHECK(funnel.sessions_started == 1);
  query.window_id = nva_str("");
  query.hub_id = nva_str("hub_1");
  CHECK_OK(nva_kpi_conversion_funnel(f.kpi, &query, &funnel, sizeof funnel));
  CHECK(funnel.sessions_started == 3);
  query.region = nva_str("elsewhere");
  CHECK_OK(nva_kpi_conversion_funnel(f.kpi, &query, &funnel, sizeof funnel));
  CHECK(funnel.sessions_started == 0 && funnel.completion_rate == 0);
  close_fixture(f);
}

static void days_make_a_rolling_period(void) {
  fixture f = open_fixture();
  nva_kpi_query query;
  nva_streak_metrics streak;
  nva_charge_stopped event;
  CHECK_OK(nva_charge_stopped_init(&event, sizeof event));
  event.session_id = nva_str("just now");
  event.user_id = nva_str("u9");
  CHECK_OK(nva_publish_charge_stopped(f.pipeline, &event, NULL));
  CHECK_OK(nva_pipeline_flush(f.pipeline, 10000, NULL));
  CHECK_OK(nva_kpi_query_init(&query, sizeof query));
  query.days = 7;
  CHECK_OK(nva_kpi_streak_metrics(f.kpi, &query, &streak, sizeof streak));
  CHECK(streak.period_days == 7.0);
  CHECK(streak.to_us - streak.from_us == INT64_C(7) * 86400 * 1000000);
  CHECK(streak.unique_users == 1); /* the story is long ago */
  close_fixture(f);
}

static void a_query_needs_exactly_one_good_period(void) {
  fixture f = open_fixture();
  nva_kpi_query query;
  nva_kpi_summary summary;
  CHECK_OK(nva_kpi_query_init(&query, sizeof query));
#define CHECK_REFUSED \
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_summarize(f.kpi, &query, &summary, sizeof summary))
  CHECK_REFUSED;
  query.from_us = STORY_FROM_US;
  CHECK_REFUSED;
  query.to_us = STORY_FROM_US - 1;
  CHECK_REFUSED;
  query.to_us = STORY_TO_US;
  CHECK_OK(nva_kpi_summarize(f.kpi, &query, &summary, sizeof summary));
  query.days = 7;
  CHECK_REFUSED;
  CHECK_OK(nva_kpi_query_init(&query, sizeof query));
  query.days = -1;
  CHECK_REFUSED;
  query.days = 100000;
  CHECK_REFUSED;
  close_fixture(f);
}

static void a_later_result_struct_gets_zeros_for_what_is_not_known(void) {
  fixture f = open_fixture();
  const nva_kpi_query query = story_query();
  struct {
    nva_kpi_summary known;
    int64_t later_member;
  } summary;
  summary.later_member = -1;
  CHECK_OK(nva_kpi_summarize(f.kpi, &query, &summary.known, sizeof summary));
  CHECK(summary.known.sessions_started == 3);
  CHECK(summary.later_member == 0);
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_kpi_summarize(f.kpi, &query, &summary.known, sizeof summary.known - 16));
  close_fixture(f);
}

static void nulls_are_refused(void) {
  fixture f = open_fixture();
  const nva_kpi_query query = story_query();
  nva_kpi_summary summary;
  nva_conversion_funnel funnel;
  nva_kpi* kpi = NULL;
  char* json = NULL;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_open(NULL, nva_str(""), &kpi));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_summarize(NULL, &query, &summary, sizeof summary));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_summarize(f.kpi, NULL, &summary, sizeof summary));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_summarize(f.kpi, &query, NULL, sizeof summary));
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_kpi_conversion_funnel(NULL, &query, &funnel, sizeof funnel));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_all_json(NULL, &query, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_all_json(f.kpi, NULL, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_kpi_all_json(f.kpi, &query, NULL));
  close_fixture(f);
}

int main(void) {
  RUN(structs_hold_the_numbers);
  RUN(json_holds_the_keys_that_clients_read);
  RUN(filters_restrict);
  RUN(days_make_a_rolling_period);
  RUN(a_query_needs_exactly_one_good_period);
  RUN(a_later_result_struct_gets_zeros_for_what_is_not_known);
  RUN(nulls_are_refused);
  return RESULT;
}
