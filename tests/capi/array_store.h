/* A store in plain C, as a user may write one: an array of events. */
#ifndef NERAVA_TESTS_CAPI_ARRAY_STORE_H_
#define NERAVA_TESTS_CAPI_ARRAY_STORE_H_

#include <stdlib.h>

#include "check.h"

typedef struct array_store {
  nva_event events[64];
  size_t count;
  int destroyed;
  int syncs;
  /* What the next inserts are to do. */
  int unavailable_inserts; /* so many fail first */
  const char* refused_id;  /* this event cannot be stored */
  int bad_outcome;
} array_store;

static inline nva_string keep(nva_string text) {
  char* copy = malloc(text.size + 1);
  if (copy == NULL) abort();
  memcpy(copy, text.data, text.size);
  copy[text.size] = '\0';
  text.data = copy;
  return text;
}

#define FOR_EACH_TEXT(apply, e) \
  apply((e)->event_id);         \
  apply((e)->event_type);       \
  apply((e)->region);           \
  apply((e)->aggregate_id);     \
  apply((e)->session_id);       \
  apply((e)->user_id);          \
  apply((e)->hub_id);           \
  apply((e)->window_id);        \
  apply((e)->fields);           \
  apply((e)->properties)

#define KEEP(text) (text) = keep(text)
#define RELEASE(text) free((void*)(text).data)

static inline int same_text(nva_string a, nva_string b) {
  return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static inline const nva_event* find(const array_store* store, nva_string event_id) {
  size_t i;
  for (i = 0; i < store->count; ++i) {
    if (same_text(store->events[i].event_id, event_id)) return &store->events[i];
  }
  return NULL;
}

static nva_status array_insert(void* user_data, const nva_event* const* events, size_t count,
                               int64_t created_at_us, int32_t* outcomes) {
  array_store* store = user_data;
  size_t i;
  CHECK(created_at_us > INT64_C(1700000000000000));
  if (store->unavailable_inserts > 0) {
    --store->unavailable_inserts;
    nva_set_error_message("the array is busy");
    return NVA_UNAVAILABLE;
  }
  for (i = 0; store->refused_id != NULL && i < count; ++i) {
    if (!same_text(events[i]->event_id, nva_str(store->refused_id))) continue;
    nva_set_error_message("the array has no use for it");
    return NVA_INVALID_ARGUMENT;
  }
  for (i = 0; i < count; ++i) {
    const nva_event* known = find(store, events[i]->event_id);
    if (known != NULL) {
      outcomes[i] = known->total_reward_microusd == events[i]->total_reward_microusd ? NVA_DUPLICATE
                                                                                     : NVA_CONFLICT;
      continue;
    }
    if (store->count == sizeof store->events / sizeof store->events[0]) abort();
    store->events[store->count] = *events[i];
    FOR_EACH_TEXT(KEEP, &store->events[store->count]);
    ++store->count;
    outcomes[i] = store->bad_outcome ? 77 : NVA_INSERTED;
  }
  return NVA_OK;
}

static nva_status array_events_of_sessions(void* user_data, const nva_string* session_ids,
                                           size_t count, nva_event_sink* sink) {
  array_store* store = user_data;
  size_t i, j;
  for (i = 0; i < store->count; ++i) {
    for (j = 0; j < count; ++j) {
      if (same_text(store->events[i].session_id, session_ids[j])) {
        const nva_status status = nva_event_sink_add(sink, &store->events[i]);
        if (status != NVA_OK) return status;
        break;
      }
    }
  }
  return NVA_OK;
}

static nva_status array_events_between(void* user_data, int64_t from_us, int64_t to_us,
                                       nva_event_sink* sink) {
  array_store* store = user_data;
  size_t i;
  for (i = 0; i < store->count; ++i) {
    if (store->events[i].time_us >= from_us && store->events[i].time_us < to_us) {
      const nva_status status = nva_event_sink_add(sink, &store->events[i]);
      if (status != NVA_OK) return status;
    }
  }
  return NVA_OK;
}

static inline nva_status array_count_events(void* user_data, nva_count_sink* sink) {
  array_store* store = user_data;
  size_t i;
  for (i = 0; i < store->count; ++i) {
    const nva_event* e = &store->events[i];
    const nva_status status = nva_count_sink_add(sink, e->event_type, e->region, 1);
    if (status != NVA_OK) return status;
  }
  return NVA_OK;
}

static void array_destroy(void* user_data) {
  array_store* store = user_data;
  size_t i;
  for (i = 0; i < store->count; ++i) {
    FOR_EACH_TEXT(RELEASE, &store->events[i]);
  }
  ++store->destroyed;
}

static inline nva_store_callbacks array_callbacks(array_store* store) {
  nva_store_callbacks callbacks;
  memset(store, 0, sizeof *store);
  CHECK_OK(nva_store_callbacks_init(&callbacks, sizeof callbacks));
  callbacks.user_data = store;
  callbacks.destroy = array_destroy;
  callbacks.description = nva_str("array");
  callbacks.insert = array_insert;
  callbacks.events_of_sessions = array_events_of_sessions;
  callbacks.events_between = array_events_between;
  callbacks.count_events = array_count_events;
  return callbacks;
}

#endif
