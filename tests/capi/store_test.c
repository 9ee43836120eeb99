/* Stores by URL, and a store made of C callbacks. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "array_store.h"
#include "story.h"

static nva_store* open_array(array_store* array) {
  const nva_store_callbacks callbacks = array_callbacks(array);
  nva_store* store = NULL;
  CHECK_OK(nva_store_from_callbacks(&callbacks, &store));
  return store;
}

/* A pipeline on the store, which is freed: the pipeline keeps what it needs. */
static nva_pipeline* open_on(nva_store* store, const nva_pipeline_options* options) {
  nva_pipeline* pipeline = NULL;
  CHECK_OK(nva_pipeline_open_with_store(options, store, &pipeline));
  nva_store_free(store);
  return pipeline;
}

static void urls_name_stores(void) {
  nva_store* store = (nva_store*)&store;
  nva_store_options options;
  CHECK_OK(nva_store_options_init(&options, sizeof options));
  CHECK_OK(nva_store_open(nva_str("memory:"), &options, &store));
  nva_store_free(store);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_open(nva_str("oracle:"), NULL, &store));
  CHECK(store == NULL);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_open(nva_str("memory:"), NULL, NULL));
  options.struct_size = 3;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_open(nva_str("memory:"), &options, &store));
}

static void a_store_of_callbacks_gives_the_same_kpis(void) {
  array_store array;
  nva_pipeline* pipeline = open_on(open_array(&array), NULL);
  nva_kpi* kpi = NULL;
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK(array.count == STORY_EVENTS);
  CHECK_OK(nva_pipeline_kpi(pipeline, &kpi));
  check_story_kpis(kpi);
  nva_pipeline_free(pipeline);
  CHECK(array.destroyed == 0);
  nva_kpi_free(kpi);
  CHECK(array.destroyed == 1);
}

static void outcomes_of_the_callback_are_counted(void) {
  array_store array;
  nva_pipeline* pipeline = open_on(open_array(&array), NULL);
  nva_batch_writer* writer = NULL;
  nva_batch_writer_stats stats;
  nva_charge_stopped event;
  int i;
  CHECK_OK(nva_charge_stopped_init(&event, sizeof event));
  event.event_id = nva_str("e1");
  event.session_id = nva_str("s1");
  for (i = 0; i < 3; ++i) {
    event.total_reward_microusd = i < 2 ? 1 : 2;
    CHECK_OK(nva_publish_charge_stopped(pipeline, &event, NULL));
  }
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_pipeline_batch_writer(pipeline, &writer));
  CHECK_OK(nva_batch_writer_get_stats(writer, &stats, sizeof stats));
  CHECK(stats.committed == 1 && stats.duplicates == 1 && stats.conflicts == 1);
  nva_batch_writer_free(writer);
  nva_pipeline_free(pipeline);
  CHECK(array.destroyed == 1);
}

static void events_are_counted_with_or_without_a_callback_for_it(void) {
  int with;
  for (with = 0; with < 2; ++with) {
    array_store array;
    nva_store_callbacks callbacks = array_callbacks(&array);
    nva_store* store = NULL;
    nva_pipeline* pipeline;
    char* json = NULL;
    if (!with) callbacks.count_events = NULL;
    CHECK_OK(nva_store_from_callbacks(&callbacks, &store));
    pipeline = open_on(store, NULL);
    publish_story(pipeline);
    CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
    CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
    CHECK_CONTAINS(json, "\"total_events\":6");
    CHECK_CONTAINS(json, "\"analytics_charge_started\":3");
    nva_free(json);
    nva_pipeline_free(pipeline);
  }
}

/* Errors reported on the writer's thread, to be waited for. */
typedef struct reports {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int count;
  nva_status status;
  char message[200];
} reports;

static void on_error(void* user_data, nva_status status, const char* message) {
  reports* r = user_data;
  pthread_mutex_lock(&r->mutex);
  ++r->count;
  r->status = status;
  snprintf(r->message, sizeof r->message, "%s", message);
  pthread_cond_signal(&r->changed);
  pthread_mutex_unlock(&r->mutex);
}

static void init_reports(reports* r) {
  memset(r, 0, sizeof *r);
  pthread_mutex_init(&r->mutex, NULL);
  pthread_cond_init(&r->changed, NULL);
}

static void wait_for_report(reports* r) {
  pthread_mutex_lock(&r->mutex);
  while (r->count == 0) pthread_cond_wait(&r->changed, &r->mutex);
  pthread_mutex_unlock(&r->mutex);
}

static nva_pipeline* open_reporting(array_store* array, reports* r) {
  nva_pipeline_options options;
  init_reports(r);
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.retry_initial_backoff_ms = 1;
  options.on_error.user_data = r;
  options.on_error.on_error = on_error;
  return open_on(open_array(array), &options);
}

static void an_unavailable_callback_is_retried_and_its_message_reported(void) {
  array_store array;
  reports r;
  nva_pipeline* pipeline = open_reporting(&array, &r);
  nva_kpi* kpi = NULL;
  array.unavailable_inserts = 2;
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_pipeline_kpi(pipeline, &kpi));
  check_story_kpis(kpi);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
  CHECK(r.count == 2 && r.status == NVA_UNAVAILABLE);
  CHECK_CONTAINS(r.message, "the array is busy");
}

static void an_event_the_callback_refuses_does_not_hold_up_the_others(void) {
  array_store array;
  reports r;
  nva_pipeline* pipeline = open_reporting(&array, &r);
  nva_batch_writer* writer = NULL;
  nva_batch_writer_stats stats;
  nva_kpi* kpi = NULL;
  array.refused_id = "poison";
  publish_story(pipeline);
  CHECK_OK(
      nva_publish_json(pipeline, nva_str("{\"event_type\":\"x\",\"event_id\":\"poison\"}"), NULL));
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_pipeline_batch_writer(pipeline, &writer));
  CHECK_OK(nva_batch_writer_get_stats(writer, &stats, sizeof stats));
  CHECK(stats.dead_lettered == 1 && stats.committed == STORY_EVENTS);
  CHECK_OK(nva_pipeline_kpi(pipeline, &kpi));
  check_story_kpis(kpi);
  nva_kpi_free(kpi);
  nva_batch_writer_free(writer);
  nva_pipeline_free(pipeline);
  CHECK(r.count >= 1);
}

static void dead_letters_say_why_and_can_be_replayed(void) {
  array_store array;
  reports r;
  nva_pipeline* pipeline = open_reporting(&array, &r);
  nva_batch_writer* writer = NULL;
  char* json = NULL;
  uint64_t accepted = 99;
  array.refused_id = "poison";
  CHECK_OK(nva_pipeline_batch_writer(pipeline, &writer));
  CHECK_OK(nva_pipeline_dead_letters_json(pipeline, 10, &json));
  CHECK(strcmp(json, "[]") == 0);
  nva_free(json);
  publish_story(pipeline);
  CHECK_OK(
      nva_publish_json(pipeline, nva_str("{\"event_type\":\"x\",\"event_id\":\"poison\"}"), NULL));
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK_OK(nva_batch_writer_dead_letters_json(writer, 10, &json));
  CHECK_CONTAINS(json, "\"reason\":\"");
  CHECK_CONTAINS(json, "the array has no use for it");
  CHECK_CONTAINS(json, "\"event\":{");
  CHECK_CONTAINS(json, "\"event_id\":\"poison\"");
  nva_free(json);
  CHECK_OK(nva_pipeline_dead_letters_json(pipeline, 0, &json));
  CHECK(strcmp(json, "[]") == 0);
  nva_free(json);

  CHECK_OK(nva_batch_writer_replay_dead_letters(writer, &accepted)); /* refused again */
  CHECK(accepted == 1);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK(array.count == STORY_EVENTS);
  array.refused_id = NULL;
  CHECK_OK(nva_pipeline_replay_dead_letters(pipeline, &accepted));
  CHECK(accepted == 1);
  CHECK_OK(nva_pipeline_flush(pipeline, 10000, NULL));
  CHECK(array.count == STORY_EVENTS + 1);
  CHECK_OK(nva_pipeline_dead_letters_json(pipeline, 10, &json));
  CHECK(strcmp(json, "[]") == 0);
  nva_free(json);
  nva_batch_writer_free(writer);
  nva_pipeline_free(pipeline);
}

static nva_status count_syncs(void* user_data) {
  array_store* store = user_data;
  ++store->syncs;
  return NVA_OK;
}

static void a_store_is_synced_before_its_journal_is_removed(void) {
  char folder[] = "/tmp/nerava-journal-XXXXXX", command[100];
  array_store array;
  nva_store_callbacks callbacks = array_callbacks(&array);
  nva_pipeline_options options;
  nva_store* store = NULL;
  nva_pipeline* pipeline;
  if (mkdtemp(folder) == NULL) abort();
  callbacks.sync = count_syncs;
  CHECK_OK(nva_store_from_callbacks(&callbacks, &store));
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.durability = NVA_DURABILITY_PROCESS;
  options.journal_dir = nva_str(folder);
  pipeline = open_on(store, &options);
  publish_story(pipeline);
  CHECK_OK(nva_pipeline_close(pipeline, 10000, NULL));
  CHECK(array.count == STORY_EVENTS);
  CHECK(array.syncs >= 1);
  nva_pipeline_free(pipeline);
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  CHECK(system(command) == 0);
}

static void an_outcome_that_is_none_is_reported_as_a_bug(void) {
  array_store array;
  reports r;
  nva_pipeline* pipeline = open_reporting(&array, &r);
  array.bad_outcome = 1;
  CHECK_OK(nva_publish_json(pipeline, nva_str("{\"event_type\":\"x\"}"), NULL));
  (void)nva_pipeline_flush(pipeline, 0, NULL); /* wakes the writer */
  wait_for_report(&r);
  CHECK(r.status == NVA_INTERNAL);
  CHECK_CONTAINS(r.message, "77");
  nva_pipeline_free(pipeline);
}

static nva_status fail_to_read(void* user_data, int64_t from_us, int64_t to_us,
                               nva_event_sink* sink) {
  (void)user_data;
  (void)from_us;
  (void)to_us;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_event_sink_add(sink, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_event_sink_add(NULL, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_count_sink_add(NULL, nva_str("x"), nva_str("y"), 1));
  nva_set_error_message("page 7 is torn");
  return NVA_DATA_LOSS;
}

static void an_error_of_a_reading_callback_reaches_the_reader(void) {
  array_store array;
  nva_store_callbacks callbacks = array_callbacks(&array);
  const nva_kpi_query query = story_query();
  nva_store* store = NULL;
  nva_kpi* kpi = NULL;
  char* json = NULL;
  callbacks.events_between = fail_to_read;
  CHECK_OK(nva_store_from_callbacks(&callbacks, &store));
  CHECK_OK(nva_kpi_open(store, nva_str(""), &kpi));
  CHECK_FAILS(NVA_DATA_LOSS, nva_kpi_all_json(kpi, &query, &json));
  CHECK_CONTAINS(nva_last_error_message(), "page 7 is torn");
  CHECK(json == NULL);
  nva_kpi_free(kpi);
  nva_store_free(store);
}

static void a_bad_table_is_refused_and_destroyed_once(void) {
  array_store array;
  nva_store_callbacks callbacks = array_callbacks(&array);
  nva_store* store = (nva_store*)&array;
  callbacks.events_between = NULL;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_from_callbacks(&callbacks, &store));
  CHECK_CONTAINS(nva_last_error_message(), "events_between");
  CHECK(store == NULL);
  CHECK(array.destroyed == 1);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_from_callbacks(&callbacks, NULL));
  CHECK(array.destroyed == 2);
  callbacks.struct_size = sizeof callbacks - 1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_from_callbacks(&callbacks, &store));
  CHECK(array.destroyed == 3);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_store_from_callbacks(NULL, &store));
}

int main(void) {
  RUN(urls_name_stores);
  RUN(a_store_of_callbacks_gives_the_same_kpis);
  RUN(outcomes_of_the_callback_are_counted);
  RUN(events_are_counted_with_or_without_a_callback_for_it);
  RUN(an_unavailable_callback_is_retried_and_its_message_reported);
  RUN(an_event_the_callback_refuses_does_not_hold_up_the_others);
  RUN(dead_letters_say_why_and_can_be_replayed);
  RUN(a_store_is_synced_before_its_journal_is_removed);
  RUN(an_outcome_that_is_none_is_reported_as_a_bug);
  RUN(an_error_of_a_reading_callback_reaches_the_reader);
  RUN(a_bad_table_is_refused_and_destroyed_once);
  return RESULT;
}
