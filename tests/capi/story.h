/* The story that the tests and the quickstarts share: three users, two finished sessions, one
 * credit. */
#ifndef NERAVA_TESTS_CAPI_STORY_H_
#define NERAVA_TESTS_CAPI_STORY_H_

#include "check.h"

#define STORY_FROM_US INT64_C(1760000000000000)
#define STORY_TO_US (STORY_FROM_US + INT64_C(3600000000))
#define STORY_EVENTS 6

static inline void start(nva_pipeline* pipeline, const char* session, const char* user,
                         const char* window, int64_t at_us) {
  nva_charge_started event;
  CHECK_OK(nva_charge_started_init(&event, sizeof event));
  event.session_id = nva_str(session);
  event.user_id = nva_str(user);
  event.hub_id = nva_str("hub_1");
  event.window_id = nva_str(window);
  event.started_at_us = at_us;
  CHECK_OK(nva_publish_charge_started(pipeline, &event, NULL));
}

static inline void stop(nva_pipeline* pipeline, const char* session, const char* user,
                        const char* window, int64_t at_us, int64_t reward_microusd,
                        int64_t energy_mwh) {
  nva_charge_stopped event;
  CHECK_OK(nva_charge_stopped_init(&event, sizeof event));
  event.session_id = nva_str(session);
  event.user_id = nva_str(user);
  event.hub_id = nva_str("hub_1");
  event.window_id = nva_str(window);
  event.stopped_at_us = at_us;
  event.energy_mwh = energy_mwh;
  event.total_reward_microusd = reward_microusd;
  CHECK_OK(nva_publish_charge_stopped(pipeline, &event, NULL));
}

static inline void publish_story(nva_pipeline* pipeline) {
  nva_wallet_credited credit;
  start(pipeline, "s1", "u1", "green_hour", STORY_FROM_US);
  stop(pipeline, "s1", "u1", "green_hour", STORY_FROM_US + 1000000, 3250000, 12500000);
  CHECK_OK(nva_wallet_credited_init(&credit, sizeof credit));
  credit.session_id = nva_str("s1");
  credit.user_id = nva_str("u1");
  credit.amount_cents = 325;
  credit.new_balance_cents = 1325;
  credit.credited_at_us = STORY_FROM_US + 2000000;
  CHECK_OK(nva_publish_wallet_credited(pipeline, &credit, NULL));
  start(pipeline, "s2", "u2", "", STORY_FROM_US + 3000000);
  stop(pipeline, "s2", "u2", "", STORY_FROM_US + 4000000, 1000000, 4000000);
  start(pipeline, "s3", "u3", "", STORY_FROM_US + 5000000);
}

static inline nva_pipeline* open_with_story(nva_kpi** kpi) {
  nva_pipeline* pipeline = NULL;
  nva_store* store = NULL;
  CHECK_OK(nva_store_open(nva_str("memory:"), NULL, &store));
  CHECK_OK(nva_pipeline_open_with_store(NULL, store, &pipeline));
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_kpi_open(store, nva_str("north"), kpi));
  nva_store_free(store);
  return pipeline;
}

static inline nva_kpi_query story_query(void) {
  nva_kpi_query query;
  CHECK_OK(nva_kpi_query_init(&query, sizeof query));
  query.from_us = STORY_FROM_US;
  query.to_us = STORY_TO_US;
  return query;
}

static inline void check_story_kpis(nva_kpi* kpi) {
  const nva_kpi_query query = story_query();
  nva_conversion_funnel funnel;
  nva_green_hour_utilization green;
  nva_streak_metrics streak;
  nva_revenue_metrics revenue;
  nva_kpi_summary summary;

  memset(&funnel, 0xff, sizeof funnel);
  CHECK_OK(nva_kpi_conversion_funnel(kpi, &query, &funnel, sizeof funnel));
  CHECK(funnel.struct_size == sizeof funnel);
  CHECK(funnel.from_us == STORY_FROM_US && funnel.to_us == STORY_TO_US);
  CHECK(funnel.sessions_started == 3);
  CHECK(funnel.sessions_completed == 2);
  CHECK(funnel.sessions_credited == 1);
  CHECK(funnel.orphan_stops == 0);
  CHECK(funnel.completion_rate == 66.67);
  CHECK(funnel.credit_rate == 50.0);

  CHECK_OK(nva_kpi_green_hour_utilization(kpi, &query, &green, sizeof green));
  CHECK(green.active_window_sessions == 1);
  CHECK(green.total_sessions == 2);
  CHECK(green.utilization_rate == 50.0);
  CHECK(green.avg_reward_usd == 2.13);

  CHECK_OK(nva_kpi_streak_metrics(kpi, &query, &streak, sizeof streak));
  CHECK(streak.unique_users == 2);
  CHECK(streak.total_sessions == 2);
  CHECK(streak.sessions_per_user == 1.0);
  CHECK(streak.avg_reward_usd == 2.13);

  CHECK_OK(nva_kpi_revenue_metrics(kpi, &query, &revenue, sizeof revenue));
  CHECK(revenue.total_rewards_usd == 4.25);
  CHECK(revenue.total_sessions == 2);
  CHECK(revenue.avg_reward_usd == 2.13);
  CHECK(revenue.energy_kwh == 16.5);
  CHECK(revenue.credited_usd == 3.25);

  CHECK_OK(nva_kpi_summarize(kpi, &query, &summary, sizeof summary));
  CHECK(summary.unique_users == 2);
  CHECK(summary.sessions_started == 3);
  CHECK(summary.sessions_completed == 2);
  CHECK(summary.sessions_credited == 1);
  CHECK(summary.orphan_stops == 0);
  CHECK(summary.total_sessions == 2);
  CHECK(summary.active_window_sessions == 1);
  CHECK(summary.sessions_with_user == 2);
  CHECK(summary.sessions_with_reward == 2);
  CHECK(summary.reward_microusd == 4250000);
  CHECK(summary.energy_mwh == 16500000);
  CHECK(summary.credited_cents == 325);
  CHECK(summary.extra_events == 0);
  CHECK(summary.owed_microusd == 1000000);
}

#endif
