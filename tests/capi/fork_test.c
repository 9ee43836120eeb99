/* fork(): every handle works on both sides, and nothing waits for threads of the other side. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array_store.h"
#include "story.h"

static char folder[] = "/tmp/nerava-fork-XXXXXX";

/* A pipeline over an empty file, or over memory. */
static nva_pipeline* open_pipeline(const char* file, int32_t durability) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  char url[100] = "memory:";
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  if (file != NULL) snprintf(url, sizeof url, "sqlite:///%s/%s", folder, file);
  options.database_url = nva_str(url);
  options.durability = durability;
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  return pipeline;
}

/* Calls `body` in a child, and waits for it. A child that hangs is ended by its alarm. */
static void in_a_child(void (*body)(void* argument), void* argument) {
  int status = 0;
  pid_t child;
  fflush(NULL);
  child = fork();
  if (child == 0) {
    alarm(60);
    check_failures = 0;
    body(argument);
    _exit(check_failures == 0 ? 0 : 1);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void publish_one(nva_pipeline* pipeline, const char* session) {
  nva_charge_started event;
  CHECK_OK(nva_charge_started_init(&event, sizeof event));
  event.session_id = nva_str(session);
  CHECK_OK(nva_publish_charge_started(pipeline, &event, NULL));
}

static void check_stored(nva_pipeline* pipeline, int events) {
  char expected[40], *json = NULL;
  snprintf(expected, sizeof expected, "\"total_events\":%d,", events);
  CHECK_OK(nva_pipeline_flush(pipeline, 30000, NULL));
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, expected);
  nva_free(json);
}

static void publish_and_close(void* argument) {
  nva_pipeline* pipeline = argument;
  char* json = NULL;
  publish_one(pipeline, "of the child");
  CHECK_OK(nva_pipeline_close(pipeline, 30000, NULL));
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"accepted\":1,"); /* the parent's events are the parent's */
  nva_free(json);
  nva_pipeline_free(pipeline);
}

static void both_sides_publish_into_one_file(void) {
  nva_pipeline* pipeline = open_pipeline("both.db", NVA_DURABILITY_DEFAULT);
  publish_one(pipeline, "before");
  in_a_child(publish_and_close, pipeline);
  publish_one(pipeline, "after");
  check_stored(pipeline, 3);
  nva_pipeline_free(pipeline);
}

static void both_sides_have_a_memory_of_their_own(void) {
  nva_pipeline* pipeline = open_pipeline(NULL, NVA_DURABILITY_DEFAULT);
  publish_one(pipeline, "before");
  check_stored(pipeline, 1);
  in_a_child(publish_and_close, pipeline);
  publish_one(pipeline, "after");
  check_stored(pipeline, 2);
  nva_pipeline_free(pipeline);
}

static void publish_and_die(void* argument) {
  publish_one(argument, "of the child");
  /* neither flushed nor closed */
}

static void what_a_child_leaves_behind_is_taken_over(void) {
  nva_pipeline* pipeline = open_pipeline("left.db", NVA_DURABILITY_PROCESS);
  in_a_child(publish_and_die, pipeline);
  check_stored(pipeline, 1);
  nva_pipeline_free(pipeline);
}

/* The control of the test above: without a journal it is lost, and the test would see that. */
static void without_a_journal_it_is_lost(void) {
  nva_pipeline* pipeline = open_pipeline("lost.db", NVA_DURABILITY_MEMORY);
  in_a_child(publish_and_die, pipeline);
  check_stored(pipeline, 0);
  nva_pipeline_free(pipeline);
}

typedef struct visitor {
  nva_pipeline* pipeline;
  nva_subscription* subscription;
  sem_t entered, leave;
  int calls;
} visitor;

static nva_status visit(void* user_data, const nva_event* event) {
  visitor* v = user_data;
  ++v->calls;
  if (strncmp(event->session_id.data, "stay", event->session_id.size) != 0) return NVA_OK;
  sem_post(&v->entered);
  while (sem_wait(&v->leave) != 0) {
  }
  return NVA_OK;
}

static void* publish_and_stay(void* argument) {
  publish_one(((visitor*)argument)->pipeline, "stay");
  return NULL;
}

static void hear_and_unsubscribe(void* argument) {
  visitor* v = argument;
  v->calls = 0;
  publish_one(v->pipeline, "of the child");
  CHECK(v->calls == 1);
  nva_subscription_free(v->subscription); /* does not wait for the call on the parent's thread */
  publish_one(v->pipeline, "unheard");
  CHECK(v->calls == 1);
  nva_pipeline_free(v->pipeline);
}

static void a_handler_that_runs_in_the_parent_does_not_run_in_the_child(void) {
  visitor v = {open_pipeline(NULL, NVA_DURABILITY_DEFAULT), NULL, {{0}}, {{0}}, 0};
  const nva_event_handler handler = {&v, visit, NULL};
  nva_bus* bus = NULL;
  pthread_t thread;
  sem_init(&v.entered, 0, 0);
  sem_init(&v.leave, 0, 0);
  CHECK_OK(nva_pipeline_bus(v.pipeline, &bus));
  CHECK_OK(nva_bus_subscribe(bus, nva_str("*"), &handler, &v.subscription));
  nva_bus_free(bus);
  pthread_create(&thread, NULL, publish_and_stay, &v);
  while (sem_wait(&v.entered) != 0) {
  }
  in_a_child(hear_and_unsubscribe, &v);
  sem_post(&v.leave);
  pthread_join(thread, NULL);
  nva_subscription_free(v.subscription);
  nva_pipeline_free(v.pipeline);
}

/* A store in C whose insert begins before fork(), and goes on once fork() has been called. */
static struct {
  sem_t inserting, forking;
  volatile int busy, under_test;
} slow;

static nva_status slow_insert(void* user_data, const nva_event* const* events, size_t count,
                              int64_t created_at_us, int32_t* outcomes) {
  nva_status status;
  volatile int i;
  if (!slow.under_test) return array_insert(user_data, events, count, created_at_us, outcomes);
  slow.busy = 1;
  sem_post(&slow.inserting);
  while (sem_wait(&slow.forking) != 0) {
  }
  for (i = 0; i < 10000000; ++i) { /* fork() would be done long before */
  }
  status = array_insert(user_data, events, count, created_at_us, outcomes);
  slow.busy = 0;
  return status;
}

/* Called by fork(), before the library's turn. */
static void before_the_library(void) {
  if (slow.under_test) sem_post(&slow.forking);
}

static void publish_into_the_copy(void* argument) {
  slow.under_test = 0;
  CHECK(slow.busy == 0); /* the child has it as it was at the fork */
  publish_one(argument, "of the child");
  check_stored(argument, 2);
  nva_pipeline_free(argument);
}

static void no_callback_of_a_store_runs_during_a_fork(void) {
  array_store array;
  nva_store_callbacks callbacks = array_callbacks(&array);
  nva_store* store = NULL;
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  sem_init(&slow.inserting, 0, 0);
  sem_init(&slow.forking, 0, 0);
  callbacks.insert = slow_insert;
  CHECK_OK(nva_store_from_callbacks(&callbacks, &store));
  pthread_atfork(before_the_library, NULL, NULL);
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.batch_size = 1;
  CHECK_OK(nva_pipeline_open_with_store(&options, store, &pipeline));
  nva_store_free(store);

  slow.under_test = 1;
  publish_one(pipeline, "before");
  while (sem_wait(&slow.inserting) != 0) {
  }
  in_a_child(publish_into_the_copy, pipeline);
  slow.under_test = 0;
  publish_one(pipeline, "after");
  check_stored(pipeline, 2);
  CHECK(array.destroyed == 0);
  nva_pipeline_free(pipeline);
  CHECK(array.destroyed == 1);
}

int main(void) {
  char command[100];
  if (mkdtemp(folder) == NULL) return 1;
  RUN(both_sides_publish_into_one_file);
  RUN(both_sides_have_a_memory_of_their_own);
  RUN(what_a_child_leaves_behind_is_taken_over);
  RUN(without_a_journal_it_is_lost);
  RUN(a_handler_that_runs_in_the_parent_does_not_run_in_the_child);
  RUN(no_callback_of_a_store_runs_during_a_fork);
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return system(command) == 0 ? RESULT : 1;
}
