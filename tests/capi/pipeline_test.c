/* The pipeline, end to end, and what it refuses. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "story.h"

static nva_pipeline* open_memory(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.database_url = nva_str("memory:");
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  return pipeline;
}

static void check_kpis_of(nva_pipeline* pipeline) {
  nva_kpi* kpi = NULL;
  CHECK_OK(nva_pipeline_kpi(pipeline, &kpi));
  check_story_kpis(kpi);
  nva_kpi_free(kpi);
}

static void what_is_published_is_in_the_kpis_after_a_flush(void) {
  nva_pipeline* pipeline = open_memory();
  uint64_t unsent = 99;
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, &unsent));
  CHECK(unsent == 0);
  check_kpis_of(pipeline);
  nva_pipeline_free(pipeline);
}

static void a_negative_timeout_is_without_limit(void) {
  nva_pipeline* pipeline = open_memory();
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, -1, NULL));
  CHECK_OK(nva_pipeline_close(pipeline, -1, NULL));
  check_kpis_of(pipeline);
  nva_pipeline_free(pipeline);
}

static void remove_database(void) {
  remove("capi_pipeline_test.db");
  remove("capi_pipeline_test.db-wal");
  remove("capi_pipeline_test.db-shm");
}

static void a_sqlite_file_keeps_events_from_run_to_run(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  int run;
  remove_database();
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.database_url = nva_str("sqlite:///capi_pipeline_test.db");
  for (run = 0; run < 2; ++run) {
    CHECK_OK(nva_pipeline_open(&options, &pipeline));
    if (run == 0) {
      publish_story(pipeline);
      CHECK_OK(nva_pipeline_close(pipeline, 10000, NULL));
    }
    check_kpis_of(pipeline);
    nva_pipeline_free(pipeline);
  }
  remove_database();
}

static void json_of_any_type_is_published_and_its_id_returned(void) {
  nva_pipeline* pipeline = open_memory();
  char* id = NULL;
  CHECK_OK(nva_publish_json(pipeline,
                            nva_str("{\"event_type\":\"nova_earned\",\"event_id\":\"my-id\","
                                    "\"user_id\":\"u1\",\"amount_cents\":5}"),
                            &id));
  CHECK(id != NULL && strcmp(id, "my-id") == 0);
  nva_free(id);
  nva_pipeline_free(pipeline);
}

static void an_id_is_made_for_an_event_without_one(void) {
  nva_pipeline* pipeline = open_memory();
  nva_charge_started event;
  char* id = NULL;
  CHECK_OK(nva_charge_started_init(&event, sizeof event));
  event.session_id = nva_str("s1");
  CHECK_OK(nva_publish_charge_started(pipeline, &event, &id));
  CHECK(id != NULL && strlen(id) == 36);
  nva_free(id);
  nva_pipeline_free(pipeline);
}

static void a_refused_event_says_why(void) {
  nva_pipeline* pipeline = open_memory();
  nva_charge_started started;
  nva_charge_stopped stopped;
  nva_wallet_credited credited;
  char too_long[102];
  char* id = NULL;
  memset(too_long, 'x', sizeof too_long - 1);
  too_long[sizeof too_long - 1] = '\0';

  CHECK_OK(nva_charge_started_init(&started, sizeof started));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_charge_started(pipeline, &started, &id));
  CHECK(nva_last_reject_reason() == NVA_REJECT_MISSING_FIELD);
  CHECK(id == NULL);
  started.session_id = nva_str(too_long);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_charge_started(pipeline, &started, NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_TOO_LONG);
  CHECK_CONTAINS(nva_last_error_message(), "session_id");
  started.session_id = nva_str("s1");
  started.user_id = nva_str("\xff");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_charge_started(pipeline, &started, NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_INVALID_TEXT);

  CHECK_OK(nva_charge_stopped_init(&stopped, sizeof stopped));
  stopped.session_id = nva_str("s1");
  stopped.energy_mwh = -1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_charge_stopped(pipeline, &stopped, NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_NEGATIVE);

  CHECK_OK(nva_wallet_credited_init(&credited, sizeof credited));
  credited.user_id = nva_str("u1");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_wallet_credited(pipeline, &credited, NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_MISSING_FIELD);

  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_json(pipeline, nva_str("{"), NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_MALFORMED_JSON);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_json(pipeline, nva_str(NULL), NULL));

  CHECK_OK(nva_pipeline_flush(pipeline, 0, NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_OTHER);
  nva_pipeline_free(pipeline);
}

static void after_close_nothing_is_accepted_but_all_can_be_read(void) {
  nva_pipeline* pipeline = open_memory();
  char* json = NULL;
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_close(pipeline, 10000, NULL));
  CHECK_FAILS(
      NVA_FAILED_PRECONDITION,
      nva_publish_json(pipeline, nva_str("{\"event_type\":\"x\",\"event_id\":\"e\"}"), NULL));
  check_kpis_of(pipeline);
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"running\"");
  nva_free(json);
  CHECK_OK(nva_pipeline_health_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"unhealthy\"");
  nva_free(json);
  CHECK_OK(nva_pipeline_close(pipeline, 0, NULL));
  nva_pipeline_free(pipeline);
}

static void health_and_stats_count_what_is_stored(void) {
  nva_pipeline* pipeline = open_memory();
  char* json = NULL;
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_pipeline_health_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"healthy\"");
  nva_free(json);
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"total_events\":6");
  CHECK_CONTAINS(json, "\"analytics_charge_started\":3");
  nva_free(json);
  nva_pipeline_free(pipeline);
}

static void handles_on_its_parts_outlive_the_pipeline(void) {
  nva_pipeline* pipeline = open_memory();
  nva_bus* bus = NULL;
  nva_producer* producer = NULL;
  nva_batch_writer* writer = NULL;
  nva_store* store = NULL;
  nva_kpi* kpi = NULL;
  nva_batch_writer_stats stats;
  nva_bus_stats bus_stats;
  const nva_string event = nva_str("{\"event_type\":\"x\",\"event_id\":\"e\"}");
  CHECK_OK(nva_pipeline_bus(pipeline, &bus));
  CHECK_OK(nva_pipeline_producer(pipeline, &producer));
  CHECK_OK(nva_pipeline_batch_writer(pipeline, &writer));
  CHECK_OK(nva_pipeline_store(pipeline, &store));
  CHECK_OK(nva_pipeline_kpi(pipeline, &kpi));
  publish_story(pipeline);
  CHECK_OK(nva_producer_publish_json(producer, event, NULL));
  nva_pipeline_free(pipeline);

  check_story_kpis(kpi);
  CHECK_FAILS(NVA_FAILED_PRECONDITION, nva_producer_publish_json(producer, event, NULL));
  CHECK_FAILS(NVA_FAILED_PRECONDITION, nva_batch_writer_write_json(writer, event, NULL));
  CHECK_OK(nva_batch_writer_get_stats(writer, &stats, sizeof stats));
  CHECK(stats.committed == STORY_EVENTS + 1 && stats.running == 0);
  CHECK_OK(nva_bus_get_stats(bus, &bus_stats, sizeof bus_stats));
  CHECK(bus_stats.published == STORY_EVENTS + 1);
  nva_kpi_free(kpi);
  CHECK_OK(nva_kpi_open(store, nva_str("somewhere"), &kpi));
  nva_store_free(store);
  check_story_kpis(kpi);
  nva_bus_free(bus);
  nva_batch_writer_free(writer);
  nva_producer_free(producer);
  nva_kpi_free(kpi);
}

static void several_pipelines_share_a_store(void) {
  nva_store* store = NULL;
  nva_pipeline *first = NULL, *second = NULL;
  CHECK_OK(nva_store_open(nva_str("memory:"), NULL, &store));
  CHECK_OK(nva_pipeline_open_with_store(NULL, store, &first));
  CHECK_OK(nva_pipeline_open_with_store(NULL, store, &second));
  nva_store_free(store);
  publish_story(first);
  CHECK_OK(nva_pipeline_close(first, 10000, NULL));
  nva_pipeline_free(first);
  check_kpis_of(second);
  nva_pipeline_free(second);
}

static void a_disabled_pipeline_accepts_and_discards(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  char* json = NULL;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.enabled = 0;
  options.database_url = nva_str("memory:");
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_pipeline_health_json(pipeline, &json));
  CHECK_CONTAINS(json, "disabled");
  nva_free(json);
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"total_events\":0");
  nva_free(json);
  nva_pipeline_free(pipeline);
}

static void count_destroy(void* user_data) { ++*(int*)user_data; }

static void nobody_is_told(void* user_data, nva_status status, const char* message) {
  (void)user_data;
  (void)status;
  (void)message;
}

static void bad_options_are_refused_and_the_callback_destroyed_once(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  int destroyed = 0;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.on_error.user_data = &destroyed;
  options.on_error.on_error = nobody_is_told;
  options.on_error.destroy = count_destroy;

  options.database_url = nva_str("mysql://nowhere");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, &pipeline));
  CHECK(pipeline == NULL);
  CHECK(destroyed == 1);
  options.database_url = nva_str("memory:");
  options.batch_size = 0;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, &pipeline));
  CHECK_CONTAINS(nva_last_error_message(), "batch_size");
  CHECK(destroyed == 2);
  options.batch_size = 1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open_with_store(&options, NULL, &pipeline));
  CHECK(destroyed == 3);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, NULL));
  CHECK(destroyed == 4);

  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  CHECK(destroyed == 4);
  nva_pipeline_free(pipeline);
  CHECK(destroyed == 5);

  options.struct_size = 8; /* too small to hold a callback, so none is looked at */
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, &pipeline));
  CHECK(destroyed == 5);
}

static void the_environment_overrides_options(void) {
  nva_pipeline_options options;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  CHECK(options.enabled == 1 && options.batch_size == 100 && options.flush_interval_ms == 30000);
  options.queue_capacity = 54321;
  setenv("ANALYTICS_DATABASE_URL", "memory:", 1);
  setenv("ANALYTICS_BATCH_SIZE", "7", 1);
  setenv("ANALYTICS_FLUSH_INTERVAL", "1.5", 1);
  setenv("ANALYTICS_REGION", "north", 1);
  setenv("ANALYTICS_ENABLED", "off", 1);
  setenv("ANALYTICS_OVERFLOW", "drop_oldest", 1);
  setenv("ANALYTICS_DURABILITY", "power", 1);
  setenv("ANALYTICS_JOURNAL_DIR", "/somewhere", 1);
  setenv("ANALYTICS_SYNC_INTERVAL", "0.5", 1);
  setenv("ANALYTICS_KPI_CACHE_BYTES", "1000", 1);
  setenv("ANALYTICS_KPI_WARM_DAYS", "7,30", 1);
  setenv("ANALYTICS_KEEP_SNAPSHOTS", "forever", 1);
  CHECK_OK(nva_pipeline_options_from_environment(&options));
  CHECK(options.enabled == 0 && options.batch_size == 7 && options.flush_interval_ms == 1500);
  CHECK(options.queue_capacity == 54321);
  CHECK(options.overflow == NVA_OVERFLOW_DROP_OLDEST);
  CHECK(options.durability == NVA_DURABILITY_POWER && options.sync_interval_ms == 500);
  CHECK(strcmp(options.journal_dir.data, "/somewhere") == 0);
  CHECK(options.kpi_cache_bytes == 1000 && options.kpi_warm_days_count == 2);
  CHECK(options.kpi_warm_days[0] == 7 && options.kpi_warm_days[1] == 30);
  CHECK(options.keep_snapshots_days == NVA_FOREVER);
  CHECK(strcmp(options.region.data, "north") == 0);
  CHECK(strcmp(options.database_url.data, "memory:") == 0);

  setenv("ANALYTICS_BATCH_SIZE", "many", 1);
  options.flush_interval_ms = 1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_options_from_environment(&options));
  CHECK_CONTAINS(nva_last_error_message(), "ANALYTICS_BATCH_SIZE");
  CHECK(options.batch_size == 7 && options.flush_interval_ms == 1);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_options_from_environment(NULL));
  unsetenv("ANALYTICS_DATABASE_URL");
  unsetenv("ANALYTICS_BATCH_SIZE");
  unsetenv("ANALYTICS_FLUSH_INTERVAL");
  unsetenv("ANALYTICS_REGION");
  unsetenv("ANALYTICS_ENABLED");
  unsetenv("ANALYTICS_OVERFLOW");
  unsetenv("ANALYTICS_DURABILITY");
  unsetenv("ANALYTICS_JOURNAL_DIR");
  unsetenv("ANALYTICS_SYNC_INTERVAL");
  unsetenv("ANALYTICS_KPI_CACHE_BYTES");
  unsetenv("ANALYTICS_KPI_WARM_DAYS");
  unsetenv("ANALYTICS_KEEP_SNAPSHOTS");
}

static void null_handles_are_refused(void) {
  nva_pipeline* pipeline = open_memory();
  uint64_t unsent = 99;
  char* json = (char*)&unsent;
  nva_bus* bus = (nva_bus*)&unsent;
  nva_producer* producer = NULL;
  nva_batch_writer* writer = NULL;
  nva_store* store = NULL;
  nva_kpi* kpi = NULL;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_flush(NULL, 0, &unsent));
  CHECK(unsent == 0);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_close(NULL, 0, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_stats_json(NULL, &json));
  CHECK(json == NULL);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_health_json(NULL, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_health_json(pipeline, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_dead_letters_json(NULL, 1, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_dead_letters_json(pipeline, 1, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_replay_dead_letters(NULL, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_bus(NULL, &bus));
  CHECK(bus == NULL);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_producer(NULL, &producer));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_batch_writer(NULL, &writer));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_store(NULL, &store));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_kpi(NULL, &kpi));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_json(NULL, nva_str("{}"), NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_charge_started(pipeline, NULL, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_charge_stopped(pipeline, NULL, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_publish_wallet_credited(pipeline, NULL, NULL));
  nva_pipeline_free(pipeline);
}

int main(void) {
  RUN(what_is_published_is_in_the_kpis_after_a_flush);
  RUN(a_negative_timeout_is_without_limit);
  RUN(a_sqlite_file_keeps_events_from_run_to_run);
  RUN(json_of_any_type_is_published_and_its_id_returned);
  RUN(an_id_is_made_for_an_event_without_one);
  RUN(a_refused_event_says_why);
  RUN(after_close_nothing_is_accepted_but_all_can_be_read);
  RUN(health_and_stats_count_what_is_stored);
  RUN(handles_on_its_parts_outlive_the_pipeline);
  RUN(several_pipelines_share_a_store);
  RUN(a_disabled_pipeline_accepts_and_discards);
  RUN(bad_options_are_refused_and_the_callback_destroyed_once);
  RUN(the_environment_overrides_options);
  RUN(null_handles_are_refused);
  return RESULT;
}
