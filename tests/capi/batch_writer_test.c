/* A batch writer on its own: a store, a bus to take events from, no pipeline. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "check.h"

static const char kStarted[] =
    "{\"event_type\":\"charge_started\",\"event_id\":\"e1\",\"session_id\":\"s1\","
    "\"started_at\":\"2026-01-02T03:04:05Z\"}";

static nva_batch_writer* open_writer(const nva_batch_writer_options* options) {
  nva_store* store = NULL;
  nva_batch_writer* writer = NULL;
  CHECK_OK(nva_store_open(nva_str("memory:"), NULL, &store));
  CHECK_OK(nva_batch_writer_open(options, store, &writer));
  nva_store_free(store);
  return writer;
}

static nva_batch_writer_stats stats_of(nva_batch_writer* writer) {
  nva_batch_writer_stats stats;
  CHECK_OK(nva_batch_writer_get_stats(writer, &stats, sizeof stats));
  return stats;
}

static void it_commits_what_it_is_given_once(void) {
  nva_batch_writer* writer = open_writer(NULL);
  nva_batch_writer_stats stats;
  char *id = NULL, *json = NULL;
  uint64_t unsent = 99;
  CHECK(stats_of(writer).last_commit_us == NVA_TIME_NONE);
  CHECK_OK(nva_batch_writer_start(writer));
  CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), &id));
  CHECK(id != NULL && strcmp(id, "e1") == 0);
  nva_free(id);
  CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_write_json(writer, nva_str("{}"), &id));
  CHECK(id == NULL);
  CHECK_OK(nva_batch_writer_flush(writer, 10000, &unsent));
  CHECK(unsent == 0);
  stats = stats_of(writer);
  CHECK(stats.running == 1 && stats.accepted == 2 && stats.pending == 0);
  CHECK(stats.durability == NVA_DURABILITY_MEMORY && stats.journal_segments == 0);
  CHECK(stats.committed == 1 && stats.duplicates == 1 && stats.conflicts == 0);
  CHECK(stats.commits >= 1 && stats.failed_commits == 0);
  CHECK(stats.last_commit_us != NVA_TIME_NONE);
  CHECK_OK(nva_batch_writer_stats_json(writer, &json));
  CHECK_CONTAINS(json, "\"total_events\":1");
  CHECK_CONTAINS(json, "\"running\":true");
  CHECK_CONTAINS(json, "\"rejected\":1");
  CHECK_CONTAINS(json, "\"missing_field\":1");
  nva_free(json);
  CHECK_OK(nva_batch_writer_stop(writer, 10000, &unsent));
  CHECK(stats_of(writer).running == 0);
  CHECK_FAILS(NVA_FAILED_PRECONDITION,
              nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK_FAILS(NVA_FAILED_PRECONDITION, nva_batch_writer_start(writer));
  nva_batch_writer_free(writer);
}

static void a_flush_that_runs_out_of_time_says_what_is_left(void) {
  nva_batch_writer* writer = open_writer(NULL); /* accepts, but is not started */
  uint64_t unsent = 0;
  CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK_FAILS(NVA_DEADLINE_EXCEEDED, nva_batch_writer_flush(writer, 0, &unsent));
  CHECK(unsent == 1);
  CHECK_CONTAINS(nva_last_error_message(), "1 event is not stored yet");
  CHECK_OK(nva_batch_writer_start(writer));
  CHECK_OK(nva_batch_writer_flush(writer, 10000, &unsent));
  CHECK(unsent == 0);
  nva_batch_writer_free(writer);
}

static void attached_to_a_bus_it_takes_every_event_until_detached(void) {
  nva_batch_writer* writer = open_writer(NULL);
  nva_bus* bus = NULL;
  nva_producer* producer = NULL;
  nva_subscription* subscription = NULL;
  CHECK_OK(nva_bus_open(NULL, &bus));
  CHECK_OK(nva_producer_open(bus, nva_str(""), &producer));
  CHECK_OK(nva_batch_writer_attach(writer, bus, &subscription));
  CHECK_OK(nva_producer_publish_json(producer, nva_str(kStarted), NULL));
  CHECK(stats_of(writer).accepted == 1);
  CHECK_OK(nva_batch_writer_start(writer));
  CHECK_OK(nva_batch_writer_stop(writer, 10000, NULL));
  CHECK_FAILS(NVA_FAILED_PRECONDITION,
              nva_producer_publish_json(producer, nva_str(kStarted), NULL));
  nva_subscription_free(subscription);
  CHECK_OK(nva_producer_publish_json(producer, nva_str(kStarted), NULL));
  CHECK(stats_of(writer).accepted == 1);
  nva_batch_writer_free(writer);
  nva_producer_free(producer);
  nva_bus_free(bus);
}

static void a_full_queue_refuses(void) {
  nva_batch_writer_options options;
  nva_batch_writer* writer;
  CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
  options.batch_size = 1;
  options.max_batch_size = 1;
  options.queue_capacity = 1;
  options.overflow_timeout_ms = 0;
  writer = open_writer(&options);
  CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK_FAILS(NVA_RESOURCE_EXHAUSTED, nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK(stats_of(writer).overflows == 1);
  nva_batch_writer_free(writer);
}

static void a_full_queue_that_rejects_does_not_wait(void) {
  nva_batch_writer_options options;
  nva_batch_writer* writer;
  CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
  options.batch_size = options.max_batch_size = options.queue_capacity = 1;
  options.overflow = NVA_OVERFLOW_REJECT;
  options.overflow_timeout_ms = 24 * 3600 * 1000;
  writer = open_writer(&options);
  CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK_FAILS(NVA_RESOURCE_EXHAUSTED, nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  CHECK(stats_of(writer).overflows == 1 && stats_of(writer).overflow_timeouts == 0);
  nva_batch_writer_free(writer);
}

static void a_full_queue_may_give_up_the_oldest(void) {
  nva_batch_writer_options options;
  nva_batch_writer_stats stats;
  nva_batch_writer* writer;
  int i;
  CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
  options.batch_size = options.max_batch_size = options.queue_capacity = 1;
  options.overflow = NVA_OVERFLOW_DROP_OLDEST;
  options.overflow_timeout_ms = 0;
  writer = open_writer(&options);
  for (i = 0; i < 3; ++i) {
    CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  }
  stats = stats_of(writer);
  CHECK(stats.accepted == 3 && stats.pending == 1);
  CHECK(stats.dropped == 2 && stats.dropped_oldest == 2);
  nva_batch_writer_free(writer);
}

static void options_of_the_journal_have_defaults_and_ranges(void) {
  nva_batch_writer_options options;
  nva_store* store = NULL;
  nva_batch_writer* writer = NULL;
  int bad;
  CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
  CHECK(options.durability == NVA_DURABILITY_DEFAULT && options.overflow == NVA_OVERFLOW_BLOCK);
  CHECK(options.journal_dir.data != NULL && options.journal_dir.size == 0);
  CHECK(options.sync_interval_ms == 1000);
  CHECK(options.journal_max_bytes == INT64_C(1) << 30);
  CHECK(options.journal_segment_bytes == 4 << 20);
  CHECK_OK(nva_store_open(nva_str("memory:"), NULL, &store));
  for (bad = 0; bad < 5; ++bad) {
    const char* const names[] = {"durability", "durability", "overflow", "sync_interval",
                                 "max_bytes"};
    CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
    if (bad == 0) options.durability = 4;
    if (bad == 1) options.durability = -1;
    if (bad == 2) options.overflow = 3;
    if (bad == 3) options.sync_interval_ms = 0;
    if (bad == 4) options.journal_max_bytes = options.journal_segment_bytes;
    CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_open(&options, store, &writer));
    CHECK_CONTAINS(nva_last_error_message(), names[bad]);
  }
  nva_store_free(store);
}

static void what_a_writer_leaves_in_its_journal_the_next_one_recovers(void) {
  char folder[] = "/tmp/nerava-journal-XXXXXX", command[100];
  nva_batch_writer_options options;
  nva_batch_writer_stats stats;
  nva_batch_writer* writer;
  if (mkdtemp(folder) == NULL) abort();
  CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
  options.durability = NVA_DURABILITY_POWER;
  options.journal_dir = nva_str(folder);
  writer = open_writer(&options);
  CHECK_OK(nva_batch_writer_write_json(writer, nva_str(kStarted), NULL));
  stats = stats_of(writer);
  CHECK(stats.durability == NVA_DURABILITY_POWER);
  CHECK(stats.journal_segments >= 1 && stats.journal_bytes > 0 && stats.journal_syncs >= 1);
  CHECK(stats.journal_sync_errors == 0 && stats.journal_write_errors == 0);
  CHECK(stats.oldest_pending_us > 0);
  nva_batch_writer_free(writer); /* never started: nothing is stored */

  writer = open_writer(&options);
  CHECK_OK(nva_batch_writer_start(writer));
  CHECK_OK(nva_batch_writer_flush(writer, 10000, NULL));
  stats = stats_of(writer);
  CHECK(stats.recovered == 1 && stats.accepted == 1 && stats.committed == 1);
  CHECK(stats.journal_adopted_segments >= 1 && stats.journal_quarantined_segments == 0);
  CHECK_OK(nva_batch_writer_stop(writer, 10000, NULL));
  nva_batch_writer_free(writer);
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  CHECK(system(command) == 0);
}

static void count_destroy(void* user_data) { ++*(int*)user_data; }

static void bad_arguments_are_refused_and_the_callback_destroyed_once(void) {
  nva_batch_writer_options options;
  nva_store* store = NULL;
  nva_batch_writer* writer = NULL;
  nva_batch_writer_stats stats;
  nva_subscription* subscription = NULL;
  char* json = NULL;
  uint64_t accepted = 99;
  int destroyed = 0;
  CHECK_OK(nva_store_open(nva_str("memory:"), NULL, &store));
  CHECK_OK(nva_batch_writer_options_init(&options, sizeof options));
  options.on_error.user_data = &destroyed;
  options.on_error.destroy = count_destroy;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_open(&options, NULL, &writer));
  CHECK(destroyed == 1 && writer == NULL);
  options.flush_interval_ms = -5;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_open(&options, store, &writer));
  CHECK(destroyed == 2);
  options.flush_interval_ms = 1000;
  CHECK_OK(nva_batch_writer_open(&options, store, &writer));
  nva_batch_writer_free(writer);
  CHECK(destroyed == 3);
  nva_store_free(store);

  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_start(NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_attach(NULL, NULL, &subscription));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_flush(NULL, 0, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_stop(NULL, 0, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_write_json(NULL, nva_str(kStarted), NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_get_stats(NULL, &stats, sizeof stats));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_stats_json(NULL, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_dead_letters_json(NULL, 1, &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_batch_writer_replay_dead_letters(NULL, &accepted));
  CHECK(accepted == 0);
}

int main(void) {
  RUN(it_commits_what_it_is_given_once);
  RUN(a_flush_that_runs_out_of_time_says_what_is_left);
  RUN(attached_to_a_bus_it_takes_every_event_until_detached);
  RUN(a_full_queue_refuses);
  RUN(a_full_queue_that_rejects_does_not_wait);
  RUN(a_full_queue_may_give_up_the_oldest);
  RUN(options_of_the_journal_have_defaults_and_ranges);
  RUN(what_a_writer_leaves_in_its_journal_the_next_one_recovers);
  RUN(bad_arguments_are_refused_and_the_callback_destroyed_once);
  return RESULT;
}
