/* Bus, subscriptions and producers without a pipeline. */
#include "check.h"

static const char kStarted[] =
    "{\"event_type\":\"charge_started\",\"event_id\":\"e1\",\"session_id\":\"s1\","
    "\"user_id\":\"u1\",\"hub_id\":\"h1\",\"started_at\":\"2026-01-02T03:04:05Z\"}";
static const char kOther[] = "{\"event_type\":\"other\",\"event_id\":\"e2\"}";

/* What a handler saw, and what it is to return. */
typedef struct seen {
  int events;
  int destroyed;
  nva_status result;
  const char* message;
  char json[1024];
  int64_t time_us;
  int64_t energy_mwh;
} seen;

static nva_status on_event(void* user_data, const nva_event* event) {
  seen* s = user_data;
  char* json = NULL;
  ++s->events;
  s->time_us = event->time_us;
  s->energy_mwh = event->energy_mwh;
  CHECK(event->struct_size == sizeof *event);
  CHECK_OK(nva_event_to_json(event, &json));
  snprintf(s->json, sizeof s->json, "%s", json);
  nva_free(json);
  if (s->message != NULL) nva_set_error_message(s->message);
  return s->result;
}

static void destroy(void* user_data) { ++((seen*)user_data)->destroyed; }

static nva_event_handler handler_for(seen* s) {
  nva_event_handler handler;
  memset(s, 0, sizeof *s);
  handler.user_data = s;
  handler.on_event = on_event;
  handler.destroy = destroy;
  return handler;
}

typedef struct fixture {
  nva_bus* bus;
  nva_producer* producer;
} fixture;

static fixture open_fixture(const nva_bus_options* options) {
  fixture f;
  CHECK_OK(nva_bus_open(options, &f.bus));
  CHECK_OK(nva_producer_open(f.bus, nva_str("north"), &f.producer));
  return f;
}

static void close_fixture(fixture f) {
  nva_bus_free(f.bus);
  nva_producer_free(f.producer);
}

static void a_handler_sees_the_events_of_its_type_until_freed(void) {
  fixture f = open_fixture(NULL);
  seen s;
  const nva_event_handler handler = handler_for(&s);
  nva_subscription* subscription = NULL;
  CHECK_OK(nva_bus_subscribe(f.bus, nva_str("charge_started"), &handler, &subscription));
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), NULL));
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kOther), NULL));
  CHECK(s.events == 1);
  CHECK(s.time_us == INT64_C(1767323045000000));
  CHECK(s.energy_mwh == NVA_UNKNOWN);
  CHECK_CONTAINS(s.json, "\"analytics_charge_started\"");
  CHECK_CONTAINS(s.json, "\"north\"");
  CHECK(s.destroyed == 0);
  nva_subscription_free(subscription);
  CHECK(s.destroyed == 1);
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), NULL));
  CHECK(s.events == 1);
  close_fixture(f);
  CHECK(s.destroyed == 1);
}

static void a_subscription_may_outlive_its_bus(void) {
  fixture f = open_fixture(NULL);
  seen s;
  const nva_event_handler handler = handler_for(&s);
  nva_subscription* subscription = NULL;
  CHECK_OK(nva_bus_subscribe(f.bus, nva_str("*"), &handler, &subscription));
  close_fixture(f);
  nva_subscription_free(subscription);
  CHECK(s.destroyed == 1);
}

static void a_failed_subscription_destroys_its_callback_once(void) {
  fixture f = open_fixture(NULL);
  seen s;
  nva_event_handler handler = handler_for(&s);
  nva_subscription* subscription = (nva_subscription*)&f;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_subscribe(f.bus, nva_str(""), &handler, &subscription));
  CHECK(subscription == NULL);
  CHECK(s.destroyed == 1);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_subscribe(NULL, nva_str("*"), &handler, &subscription));
  CHECK(s.destroyed == 2);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_subscribe(f.bus, nva_str("*"), &handler, NULL));
  CHECK(s.destroyed == 3);
  handler.on_event = NULL;
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_bus_subscribe(f.bus, nva_str("*"), &handler, &subscription));
  CHECK(s.destroyed == 4);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_subscribe(f.bus, nva_str("*"), NULL, &subscription));
  CHECK(s.events == 0);
  close_fixture(f);
}

typedef struct reported {
  int errors;
  int destroyed;
  nva_status status;
  char message[200];
} reported;

static void on_error(void* user_data, nva_status status, const char* message) {
  reported* r = user_data;
  ++r->errors;
  r->status = status;
  snprintf(r->message, sizeof r->message, "%s", message);
}

static void destroy_reported(void* user_data) { ++((reported*)user_data)->destroyed; }

static void a_failing_handler_is_reported_and_harms_nobody(void) {
  nva_bus_options options;
  nva_bus_stats stats;
  reported r;
  seen failing, healthy;
  const nva_event_handler first = handler_for(&failing);
  const nva_event_handler second = handler_for(&healthy);
  nva_subscription *one = NULL, *two = NULL;
  fixture f;
  memset(&r, 0, sizeof r);
  CHECK_OK(nva_bus_options_init(&options, sizeof options));
  options.on_error.user_data = &r;
  options.on_error.on_error = on_error;
  options.on_error.destroy = destroy_reported;
  f = open_fixture(&options);
  CHECK_OK(nva_bus_subscribe(f.bus, nva_str("*"), &first, &one));
  CHECK_OK(nva_bus_subscribe(f.bus, nva_str("*"), &second, &two));

  failing.result = NVA_UNAVAILABLE;
  failing.message = "the metrics server sleeps";
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), NULL));
  CHECK(nva_last_error_message()[0] == '\0');
  CHECK(r.errors == 1 && r.status == NVA_UNAVAILABLE);
  CHECK_CONTAINS(r.message, "the metrics server sleeps");
  CHECK(healthy.events == 1);

  failing.result = 12345; /* no status at all, and no message */
  failing.message = NULL;
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), NULL));
  CHECK(r.errors == 2 && r.status == NVA_UNKNOWN_ERROR);
  CHECK_CONTAINS(r.message, "the handler");

  CHECK_OK(nva_bus_get_stats(f.bus, &stats, sizeof stats));
  CHECK(stats.published == 2 && stats.refused == 0);
  CHECK(stats.deliveries == 2 && stats.handler_failures == 2 && stats.subscribers == 2);
  nva_subscription_free(one);
  nva_subscription_free(two);
  CHECK(r.destroyed == 0);
  close_fixture(f);
  CHECK(r.destroyed == 1);
}

static void recent_events_are_kept_as_json(void) {
  nva_bus_options options;
  fixture f;
  char* json = NULL;
  CHECK_OK(nva_bus_options_init(&options, sizeof options));
  options.recent_capacity = 2;
  f = open_fixture(&options);
  CHECK_OK(nva_bus_recent_json(f.bus, nva_str(""), nva_str(""), &json));
  CHECK(json != NULL && strcmp(json, "[]") == 0);
  nva_free(json);
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kOther), NULL));
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kOther), NULL));
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), NULL));
  CHECK_OK(nva_bus_recent_json(f.bus, nva_str(""), nva_str(""), &json));
  CHECK(json[0] == '[' && json[strlen(json) - 1] == ']');
  CHECK_CONTAINS(json, "},{");
  nva_free(json);
  CHECK_OK(nva_bus_recent_json(f.bus, nva_str("charge_started"), nva_str("s1"), &json));
  CHECK_CONTAINS(json, "\"e1\"");
  CHECK(strstr(json, "\"e2\"") == NULL);
  nva_free(json);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_recent_json(NULL, nva_str(""), nva_str(""), &json));
  CHECK(json == NULL);
  close_fixture(f);
}

static void a_producer_counts_what_it_refuses_by_reason(void) {
  fixture f = open_fixture(NULL);
  nva_producer_stats stats;
  char* id = NULL;
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), &id));
  CHECK(id != NULL && strcmp(id, "e1") == 0);
  nva_free(id);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_producer_publish_json(f.producer, nva_str("[]"), &id));
  CHECK(id == NULL);
  CHECK_OK(nva_producer_get_stats(f.producer, &stats, sizeof stats));
  CHECK(stats.published == 1 && stats.rejected == 1);
  CHECK(stats.rejected_by_reason[NVA_REJECT_MALFORMED_JSON] == 1);
  close_fixture(f);
}

static void a_producer_without_a_bus_only_converts(void) {
  nva_producer* producer = NULL;
  char* json = NULL;
  CHECK_OK(nva_producer_open(NULL, nva_str(""), &producer));
  CHECK_OK(nva_producer_convert_json(producer, nva_str(kStarted), &json));
  CHECK_CONTAINS(json, "\"analytics_charge_started\"");
  CHECK_CONTAINS(json, "\"default\"");
  nva_free(json);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_producer_convert_json(producer, nva_str("{}"), &json));
  CHECK(json == NULL);
  CHECK(nva_last_reject_reason() == NVA_REJECT_MISSING_FIELD);
  CHECK_FAILS(NVA_FAILED_PRECONDITION,
              nva_producer_publish_json(producer, nva_str(kStarted), NULL));
  nva_producer_free(producer);
}

static void a_producer_keeps_its_bus(void) {
  fixture f = open_fixture(NULL);
  nva_bus_free(f.bus);
  f.bus = NULL;
  CHECK_OK(nva_producer_publish_json(f.producer, nva_str(kStarted), NULL));
  close_fixture(f);
}

static void null_handles_are_refused(void) {
  nva_bus_stats bus_stats;
  nva_producer_stats producer_stats;
  nva_bus* bus = NULL;
  char* json = NULL;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_open(NULL, NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_get_stats(NULL, &bus_stats, sizeof bus_stats));
  CHECK_OK(nva_bus_open(NULL, &bus));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_get_stats(bus, NULL, sizeof bus_stats));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_bus_get_stats(bus, &bus_stats, 4));
  nva_bus_free(bus);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_producer_open(NULL, nva_str(""), NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_producer_publish_json(NULL, nva_str("{}"), NULL));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_producer_convert_json(NULL, nva_str(kStarted), &json));
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_producer_get_stats(NULL, &producer_stats, sizeof producer_stats));
}

int main(void) {
  RUN(a_handler_sees_the_events_of_its_type_until_freed);
  RUN(a_subscription_may_outlive_its_bus);
  RUN(a_failed_subscription_destroys_its_callback_once);
  RUN(a_failing_handler_is_reported_and_harms_nobody);
  RUN(recent_events_are_kept_as_json);
  RUN(a_producer_counts_what_it_refuses_by_reason);
  RUN(a_producer_without_a_bus_only_converts);
  RUN(a_producer_keeps_its_bus);
  RUN(null_handles_are_refused);
  return RESULT;
}
