/* Three drivers charge, four groups of KPIs come out. Try it with "sqlite:///quickstart.db". */
#include <stdio.h>
#include <stdlib.h>

#include "nerava_analytics.h"

static void check(nva_status status) {
  if (status == NVA_OK) return;
  fprintf(stderr, "%s: %s\n", nva_status_name(status), nva_last_error_message());
  exit(1);
}

/* A session; one whose energy is unknown is still running. */
static void charge(nva_pipeline* p, const char* session, const char* user, const char* window,
                   int64_t energy_mwh, int64_t reward_microusd) {
  nva_charge_started started;
  nva_charge_stopped stopped;
  check(nva_charge_started_init(&started, sizeof started));
  check(nva_charge_stopped_init(&stopped, sizeof stopped));
  started.session_id = stopped.session_id = nva_str(session);
  started.user_id = stopped.user_id = nva_str(user);
  started.window_id = stopped.window_id = nva_str(window);
  stopped.energy_mwh = energy_mwh;
  stopped.total_reward_microusd = reward_microusd;
  check(nva_publish_charge_started(p, &started, NULL));
  if (energy_mwh != NVA_UNKNOWN) check(nva_publish_charge_stopped(p, &stopped, NULL));
}

int main(int argc, char** argv) {
  nva_status (*const groups[])(nva_kpi*, const nva_kpi_query*, char**) = {
      nva_kpi_conversion_funnel_json, nva_kpi_green_hour_utilization_json,
      nva_kpi_streak_metrics_json, nva_kpi_revenue_metrics_json};
  const char credit[] =
      "{\"event_type\":\"wallet_credited\",\"user_id\":\"u1\",\"session_id\":\"s1\",\"amount_"
      "cents\":325}";
  nva_pipeline_options options;
  nva_pipeline* p;
  check(nva_pipeline_options_init(&options, sizeof options));
  options.database_url = nva_str(argc > 1 ? argv[1] : "memory:");
  check(nva_pipeline_open(&options, &p));
  charge(p, "s1", "u1", "green_hour", 12500000, 3250000); /* 12.5 kWh, 3.25 USD */
  charge(p, "s2", "u2", NULL, 4000000, 1000000);          /* 4 kWh, 1.00 USD */
  charge(p, "s3", "u3", NULL, NVA_UNKNOWN, NVA_UNKNOWN);
  check(nva_publish_json(p, nva_str(credit), NULL));
  check(nva_pipeline_flush(p, 10000, NULL));
  nva_kpi* kpi;
  nva_kpi_query query;
  check(nva_pipeline_kpi(p, &kpi));
  check(nva_kpi_query_init(&query, sizeof query));
  query.days = 7;
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; ++i) {
    char* json;
    check(groups[i](kpi, &query, &json));
    puts(json);
    nva_free(json);
  }
  nva_kpi_free(kpi);
  nva_pipeline_free(p);
}
