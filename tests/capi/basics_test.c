/* Versions, statuses, error messages, strings and structs. */
#include <math.h>
#include <pthread.h>

#include "check.h"

static void versions_are_those_of_the_header(void) {
  CHECK(nva_abi_version() == NVA_ABI_VERSION);
  CHECK_CONTAINS(nva_version(), ".");
}

static void statuses_have_names(void) {
  static const char* const names[] = {"OK",
                                      "CANCELLED",
                                      "UNKNOWN_ERROR",
                                      "INVALID_ARGUMENT",
                                      "DEADLINE_EXCEEDED",
                                      "NOT_FOUND",
                                      "ALREADY_EXISTS",
                                      "PERMISSION_DENIED",
                                      "RESOURCE_EXHAUSTED",
                                      "FAILED_PRECONDITION",
                                      "ABORTED",
                                      "OUT_OF_RANGE",
                                      "UNIMPLEMENTED",
                                      "INTERNAL",
                                      "UNAVAILABLE",
                                      "DATA_LOSS",
                                      "UNAUTHENTICATED"};
  nva_status status;
  for (status = NVA_OK; status <= NVA_UNAUTHENTICATED; ++status) {
    CHECK(strcmp(nva_status_name(status), names[status]) == 0);
  }
  CHECK(strcmp(nva_status_name(-1), "UNKNOWN_ERROR") == 0);
  CHECK(strcmp(nva_status_name(17), "UNKNOWN_ERROR") == 0);
}

static void reject_reasons_have_names(void) {
  CHECK(strcmp(nva_reject_reason_name(NVA_REJECT_MISSING_FIELD), "missing_field") == 0);
  CHECK(strcmp(nva_reject_reason_name(NVA_REJECT_IN_FUTURE), "in_future") == 0);
  CHECK(strcmp(nva_reject_reason_name(NVA_REJECT_OTHER), "other") == 0);
  CHECK(strcmp(nva_reject_reason_name(-1), "other") == 0);
  CHECK(strcmp(nva_reject_reason_name(1000), "other") == 0);
}

static void cents_are_exact(void) {
  int64_t cents = -1;
  CHECK_OK(nva_usd_to_cents(0.29, &cents));
  CHECK(cents == 29);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_usd_to_cents(NAN, &cents));
  CHECK(cents == 0);
  CHECK_FAILS(NVA_OUT_OF_RANGE, nva_usd_to_cents(1e300, &cents));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_usd_to_cents(1.0, NULL));
}

static void a_success_clears_the_last_error(void) {
  int64_t cents;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_usd_to_cents(1.0, NULL));
  nva_store_free(NULL);
  CHECK(nva_last_error_message()[0] != '\0'); /* _free leaves it alone */
  CHECK_OK(nva_usd_to_cents(1.0, &cents));
  CHECK(nva_last_error_message()[0] == '\0');
}

static void* message_is_empty_here(void* result) {
  *(int*)result = nva_last_error_message()[0] == '\0';
  return NULL;
}

static void the_last_error_is_the_threads_own(void) {
  pthread_t thread;
  int empty = 0;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_usd_to_cents(1.0, NULL));
  CHECK(pthread_create(&thread, NULL, message_is_empty_here, &empty) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(empty);
}

static void null_may_be_freed(void) {
  nva_free(NULL);
  nva_pipeline_free(NULL);
  nva_bus_free(NULL);
  nva_subscription_free(NULL);
  nva_producer_free(NULL);
  nva_batch_writer_free(NULL);
  nva_store_free(NULL);
  nva_kpi_free(NULL);
}

static void a_null_text_is_the_empty_string(void) {
  CHECK(nva_str(NULL).size == 0);
  CHECK(nva_str("abc").size == 3);
}

static void init_refuses_structs_that_are_null_or_too_small(void) {
  union {
    nva_event event;
    nva_charge_started started;
    nva_charge_stopped stopped;
    nva_wallet_credited credited;
    nva_pipeline_options pipeline;
    nva_bus_options bus;
    nva_batch_writer_options writer;
    nva_store_options store;
    nva_store_callbacks callbacks;
    nva_kpi_query query;
  } u;
#define CHECK_INIT(init, member)                                  \
  CHECK_OK(init(&u.member, sizeof u.member));                     \
  CHECK(u.member.struct_size == sizeof u.member);                 \
  CHECK_FAILS(NVA_INVALID_ARGUMENT, init(NULL, sizeof u.member)); \
  CHECK_FAILS(NVA_INVALID_ARGUMENT, init(&u.member, sizeof u.member - 1))
  CHECK_INIT(nva_event_init, event);
  CHECK_INIT(nva_charge_started_init, started);
  CHECK_INIT(nva_charge_stopped_init, stopped);
  CHECK_INIT(nva_wallet_credited_init, credited);
  CHECK_INIT(nva_pipeline_options_init, pipeline);
  CHECK_INIT(nva_bus_options_init, bus);
  CHECK_INIT(nva_batch_writer_options_init, writer);
  CHECK_INIT(nva_store_options_init, store);
  CHECK_INIT(nva_store_callbacks_init, callbacks);
  CHECK_INIT(nva_kpi_query_init, query);
}

/* What a program compiled against a later header passes. */
typedef struct later_event {
  nva_event known;
  int64_t later_member;
} later_event;

static void a_later_struct_is_taken_while_its_new_members_are_zero(void) {
  later_event event;
  char* json = NULL;
  memset(&event, 0xff, sizeof event);
  CHECK_OK(nva_event_init(&event.known, sizeof event));
  CHECK(event.later_member == 0);
  event.known.event_id = nva_str("e1");
  event.known.event_type = nva_str("analytics_charge_started");
  event.known.time_us = INT64_C(1760000000000000);
  CHECK_OK(nva_event_to_json(&event.known, &json));
  CHECK_CONTAINS(json, "\"e1\"");
  nva_free(json);

  event.later_member = 1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_event_to_json(&event.known, &json));
  CHECK(json == NULL);
}

static void a_string_that_is_null_with_a_size_is_refused(void) {
  nva_event event;
  char* json = NULL;
  CHECK_OK(nva_event_init(&event, sizeof event));
  event.user_id.data = NULL;
  event.user_id.size = 5;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_event_to_json(&event, &json));
  CHECK_CONTAINS(nva_last_error_message(), "user_id");
}

int main(void) {
  RUN(versions_are_those_of_the_header);
  RUN(statuses_have_names);
  RUN(reject_reasons_have_names);
  RUN(cents_are_exact);
  RUN(a_success_clears_the_last_error);
  RUN(the_last_error_is_the_threads_own);
  RUN(null_may_be_freed);
  RUN(a_null_text_is_the_empty_string);
  RUN(init_refuses_structs_that_are_null_or_too_small);
  RUN(a_later_struct_is_taken_while_its_new_members_are_zero);
  RUN(a_string_that_is_null_with_a_size_is_refused);
  return RESULT;
}
