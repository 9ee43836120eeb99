/* Watches and their alerts. What they see, and when they fire, is proved elsewhere. */
#include "check.h"

typedef struct story {
  int firing;
  int resolved;
  int freed;
  double value;
  char watch[40];
  char json[400];
} story;

static void on_alert(void* user_data, const nva_alert* alert) {
  story* const told = user_data;
  char* json = NULL;
  if (alert->state == NVA_ALERT_FIRING) ++told->firing;
  if (alert->state == NVA_ALERT_RESOLVED) ++told->resolved;
  told->value = alert->has_value ? alert->value : -1;
  CHECK(alert->struct_size == sizeof *alert && alert->watch.size < sizeof told->watch);
  memcpy(told->watch, alert->watch.data, alert->watch.size);
  told->watch[alert->watch.size] = '\0';
  CHECK_OK(nva_alert_to_json(alert, &json));
  CHECK(strlen(json) < sizeof told->json);
  strcpy(told->json, json);
  nva_free(json);
}

static void destroy(void* user_data) { ++((story*)user_data)->freed; }

static void publish(nva_pipeline* pipeline, const char* session) {
  nva_charge_stopped stopped;
  CHECK_OK(nva_charge_stopped_init(&stopped, sizeof stopped));
  stopped.session_id = nva_str(session);
  CHECK_OK(nva_publish_charge_stopped(pipeline, &stopped, NULL));
  CHECK_OK(nva_pipeline_flush(pipeline, 30000, NULL));
}

static void a_watch_fires_and_resolves(void) {
  story told = {0};
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  nva_watch watch;
  char* json = NULL;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  CHECK(options.alert_interval_ms == 30000 && options.alert_window_ms == 300000);
  CHECK(options.alert_error_rate == 5 && options.alert_error_sample == 20);
  options.database_url = nva_str("memory:");
  options.on_alert.user_data = &told;
  options.on_alert.on_alert = on_alert;
  options.on_alert.destroy = destroy;
  options.alert_window_ms = 0;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, &pipeline));
  CHECK_CONTAINS(nva_last_error_message(), "alerts.window is 0");
  CHECK(told.freed == 1);
  options.alert_window_ms = 300000;
  options.alert_interval_ms = NVA_FOREVER;
  CHECK_OK(nva_pipeline_open(&options, &pipeline));

  CHECK_OK(nva_watch_init(&watch, sizeof watch));
  CHECK(watch.each == NVA_EACH_NONE && watch.period_ms == 86400000);
  watch.name = nva_str("many stops");
  watch.kpi = nva_str("no such");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_add_watch(pipeline, &watch));
  CHECK_CONTAINS(nva_last_error_message(), "there is no KPI \"no such\" to watch");
  watch.kpi = nva_str("orphan_stops");
  watch.relation = 2;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_add_watch(pipeline, &watch));
  CHECK_CONTAINS(nva_last_error_message(), "watch->relation is 2");
  watch.relation = NVA_WATCH_ABOVE;
  watch.threshold = 1;
  CHECK_OK(nva_pipeline_add_watch(pipeline, &watch));
  CHECK_FAILS(NVA_ALREADY_EXISTS, nva_pipeline_add_watch(pipeline, &watch));
  CHECK_OK(nva_pipeline_watches_json(pipeline, &json));
  CHECK_CONTAINS(json, "[{\"name\":\"many stops\",\"kpi\":\"orphan_stops\",");
  nva_free(json);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_watches_json(NULL, &json));
  CHECK(json == NULL);
  publish(pipeline, "s1");
  CHECK_OK(nva_pipeline_check_watches(pipeline));
  CHECK(told.firing == 0);
  publish(pipeline, "s2");
  CHECK_OK(nva_pipeline_check_watches(pipeline));
  CHECK(told.firing == 1 && told.value == 2 && strcmp(told.watch, "many stops") == 0);
  CHECK_CONTAINS(told.json,
                 "{\"watch\":\"many stops\",\"group\":\"\",\"state\":\"firing\","
                 "\"value\":2.0,\"threshold\":1.0,\"sample\":2,\"since\":\"");
  CHECK_OK(nva_pipeline_alerts_json(pipeline, &json));
  CHECK_CONTAINS(json, "[{\"watch\":\"many stops\"");
  nva_free(json);
  CHECK_OK(nva_pipeline_health_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"alerts\":[{\"watch\":\"many stops\"");
  nva_free(json);
  CHECK_OK(nva_pipeline_remove_watch(pipeline, nva_str("many stops")));
  CHECK_FAILS(NVA_NOT_FOUND, nva_pipeline_remove_watch(pipeline, nva_str("many stops")));

  watch.each = NVA_DIMENSION_HUB;
  watch.measure = NVA_WATCH_CHANGE;
  watch.hub_id = nva_str("hub");
  CHECK_OK(nva_pipeline_add_watch(pipeline, &watch));
  CHECK_OK(nva_pipeline_check_watches(pipeline));
  CHECK(told.firing == 1 && told.resolved == 0);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_alert_to_json(NULL, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_add_watch(pipeline, NULL));
  CHECK_OK(nva_pipeline_close(pipeline, 30000, NULL));
  CHECK_FAILS(NVA_FAILED_PRECONDITION, nva_pipeline_check_watches(pipeline));
  nva_pipeline_free(pipeline);
  CHECK(told.freed == 2);
}

int main(void) {
  RUN(a_watch_fires_and_resolves);
  return RESULT;
}
