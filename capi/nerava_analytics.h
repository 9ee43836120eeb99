/* Nerava Analytics: EV-charging events become exact KPIs, in-process. The whole C ABI, C99.
 *
 * Conventions, which hold for every function unless it says otherwise:
 *
 * Errors    Functions that can fail return an nva_status, NVA_OK (0) on success. They clear the
 *           calling thread's nva_last_error_message() on entry and set it on failure. All return
 *           NVA_INVALID_ARGUMENT for a NULL that is not allowed, a string that is NULL with a
 *           size, or a bad struct_size, and NVA_RESOURCE_EXHAUSTED when memory ran out; only
 *           further errors are listed. Output pointers are set to NULL or 0 first. No C++
 *           exception gets out.
 * Threads   Every function may be called from any thread at any time, on the same handle too; only
 *           a handle's _free must not overlap another call with that handle.
 * fork()    Handles made before it stay usable in the child, which gets a queue, a thread and a
 *           journal of its own when it first uses a writer; what was pending stays with the parent,
 *           and what the child frees is the child's. fork() waits for a transaction that runs on
 *           another thread, and must not be called from inside a store's callback.
 * Handles   Made by _open and the like, freed once by their _free, which accepts NULL. In any
 *           order: handles share what is behind them and keep alive what they need.
 * Strings   In: an nva_string, UTF-8, copied during the call; nva_str("text") makes one. Empty
 *           means absent. Out: NUL-terminated, yours, to be freed with nva_free.
 * Structs   Begin with struct_size and only ever grow at their end, so that programs and libraries
 *           of different versions fit. Functions that fill one take its size: pass sizeof. Structs
 *           passed in must have been filled by their _init function before they are changed; a
 *           NULL options struct means all defaults.
 * Callbacks Structs of function pointers with `user_data` and `destroy`. The struct is copied. The
 *           function that takes it takes `user_data` over: `destroy` (may be NULL) runs exactly
 *           once, when no call runs or can follow, on the thread that lets go last; when the
 *           function fails, before it returns. Callbacks must not throw or longjmp.
 * Units     In the names: _us microseconds, since 1970 UTC for points in time; _ms milliseconds;
 *           _mwh milliwatt-hours (1 kWh = 1,000,000); _microusd millionths of a US dollar. */
#ifndef NERAVA_ANALYTICS_H_
#define NERAVA_ANALYTICS_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define NVA_API __attribute__((visibility("default")))
#else
#define NVA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Basics ------------------------------------------------------------------------------- */

#define NVA_ABI_VERSION 1 /* raised when something is added; what is there never changes */

NVA_API const char* nva_version(void);  /* "0.1.0" */
NVA_API uint32_t nva_abi_version(void); /* NVA_ABI_VERSION of the loaded library */

/* Never renumbered. A value the program does not know is an error of a newer library. */
typedef int32_t nva_status;
enum {
  NVA_OK = 0,
  NVA_CANCELLED = 1,
  NVA_UNKNOWN_ERROR = 2,
  NVA_INVALID_ARGUMENT = 3,  /* the call or the event is at fault; do not retry */
  NVA_DEADLINE_EXCEEDED = 4, /* the timeout passed first */
  NVA_NOT_FOUND = 5,
  NVA_ALREADY_EXISTS = 6,
  NVA_PERMISSION_DENIED = 7,
  NVA_RESOURCE_EXHAUSTED = 8,  /* a full queue or journal, or memory; retry later */
  NVA_FAILED_PRECONDITION = 9, /* closed, or a file of a newer version: stays until someone acts */
  NVA_ABORTED = 10,
  NVA_OUT_OF_RANGE = 11,
  NVA_UNIMPLEMENTED = 12,
  NVA_INTERNAL = 13,    /* a bug in the library or in a callback */
  NVA_UNAVAILABLE = 14, /* transient: busy, disk full; worth a retry */
  NVA_DATA_LOSS = 15,
  NVA_UNAUTHENTICATED = 16
};

/* "INVALID_ARGUMENT", ...; "UNKNOWN_ERROR" for a number that is none of them. Static. */
NVA_API const char* nva_status_name(nva_status status);

/* What went wrong in this thread's last call that returns a status, and what to do; "" after a
 * success. Valid until the thread's next such call. The _free functions leave it alone. */
NVA_API const char* nva_last_error_message(void);

/* Why an event was refused at the door. Never renumbered. */
enum {
  NVA_REJECT_OTHER = 0,
  NVA_REJECT_MALFORMED_JSON = 1,
  NVA_REJECT_TOO_LARGE = 2,
  NVA_REJECT_MISSING_FIELD = 3,
  NVA_REJECT_WRONG_TYPE = 4,
  NVA_REJECT_TOO_LONG = 5,
  NVA_REJECT_INVALID_TEXT = 6,
  NVA_REJECT_INVALID_NUMBER = 7,
  NVA_REJECT_NEGATIVE = 8,
  NVA_REJECT_INVALID_TIME = 9,
  NVA_REJECT_IN_FUTURE = 10,
  NVA_REJECT_TOO_OLD = 11 /* from before what the store keeps */
};

/* The reason behind this thread's last error; NVA_REJECT_OTHER when it was no refused event. */
NVA_API int32_t nva_last_reject_reason(void);
/* "missing_field", ...; "other" for a number that is none of them. Static. */
NVA_API const char* nva_reject_reason_name(int32_t reason);

/* For callbacks: explains the error that the callback returns next. */
NVA_API void nva_set_error_message(const char* message);

/* Frees a string that the library returned. NULL is safe. */
NVA_API void nva_free(void* memory);

typedef struct nva_string {
  const char* data;
  size_t size;
} nva_string;

/* A view of a NUL-terminated text; NULL is the empty string. */
static inline nva_string nva_str(const char* text) {
  nva_string view;
  view.data = text;
  view.size = text ? strlen(text) : 0;
  return view;
}

#define NVA_TIME_NONE INT64_MIN /* in a _us point in time: absent */
#define NVA_UNKNOWN INT64_MIN   /* in an amount or energy: absent, which differs from 0 */

/* Cents of an amount in USD, exactly: 0.29 is 29. INVALID_ARGUMENT for NaN and infinities,
 * OUT_OF_RANGE. */
NVA_API nva_status nva_usd_to_cents(double usd, int64_t* cents);

/* ---- Handles ------------------------------------------------------------------------------ */

typedef struct nva_pipeline nva_pipeline;         /* owns and wires all of the following */
typedef struct nva_bus nva_bus;                   /* hands events to subscribers */
typedef struct nva_subscription nva_subscription; /* keeps a subscriber subscribed */
typedef struct nva_producer nva_producer;         /* validates domain events, gives them to a bus */
typedef struct nva_batch_writer nva_batch_writer; /* commits events in batches, on its own thread */
typedef struct nva_store nva_store;               /* keeps the events */
typedef struct nva_kpi nva_kpi;                   /* computes KPIs from a store */

/* Told about what fails behind the scenes: commits (on the writer's thread), subscribers (on the
 * publishing thread), and why a store did not answer a request of nva_pipeline_handle_http (on the
 * thread of that). `message` is borrowed. `on_error` may be NULL: nobody is told. */
typedef struct nva_error_callback {
  void* user_data;
  void (*on_error)(void* user_data, nva_status status, const char* message);
  void (*destroy)(void* user_data);
} nva_error_callback;

/* An alert: a watch's, or about the pipeline itself. See docs/kpis.md and docs/configuration.md. */
enum { NVA_ALERT_PENDING = 0, NVA_ALERT_FIRING = 1, NVA_ALERT_RESOLVED = 2 };
typedef struct nva_alert {
  uint32_t struct_size;
  int32_t state;
  nva_string watch; /* its name; or error_rate, nothing_written, kpi_failures, store_unreachable */
  nva_string group; /* which hub, region or window; empty: all, or none */
  nva_string message;
  double value;
  int32_t has_value; /* 0: unknown by now */
  int32_t reserved;
  double threshold;
  int64_t sample;
  int64_t since_us; /* the first look at which the threshold was passed */
  int64_t at_us;    /* of the last look */
} nva_alert;

/* Told about every alert that begins to fire, and that resolves, one at a time, on a thread of the
 * library's or on that of nva_pipeline_check_watches. `alert` is borrowed. It must not close the
 * pipeline. `on_alert` may be NULL: nobody is told. */
typedef struct nva_alert_callback {
  void* user_data;
  void (*on_alert)(void* user_data, const nva_alert* alert);
  void (*destroy)(void* user_data);
} nva_alert_callback;

/* Of an alert that the library gave. */
NVA_API nva_status nva_alert_to_json(const nva_alert* alert, char** json);

/* ---- Events ------------------------------------------------------------------------------- */

/* An accepted event, as subscribers and stores see it. From the library: its strings are borrowed
 * for the call. To the library: copied. */
typedef struct nva_event {
  uint32_t struct_size;
  int32_t version;
  int64_t time_us; /* when it happened */
  nva_string event_id;
  nva_string event_type; /* "analytics_charge_started", ... */
  nva_string region;
  nva_string aggregate_id;
  nva_string session_id; /* empty = absent, also the next three */
  nva_string user_id;
  nva_string hub_id;
  nva_string window_id;
  int64_t energy_mwh; /* NVA_UNKNOWN = absent, also the next five */
  int64_t grid_reward_microusd;
  int64_t merchant_reward_microusd;
  int64_t total_reward_microusd;
  int64_t amount_cents;
  int64_t new_balance_cents;
  nva_string fields;     /* further domain fields: the text of a JSON object, or empty */
  nva_string properties; /* properties the caller added: the same */
} nva_event;

NVA_API nva_status nva_event_init(nva_event* event, uint32_t struct_size);

/* The backend's analytics-event JSON. */
NVA_API nva_status nva_event_to_json(const nva_event* event, char** json);

/* A driver plugged in. */
typedef struct nva_charge_started {
  uint32_t struct_size;
  nva_string session_id; /* required */
  nva_string user_id;
  nva_string hub_id;
  nva_string window_id;  /* "green_hour", "solar_surplus", another, or empty */
  int64_t started_at_us; /* default NVA_TIME_NONE: now */
  nva_string event_id;   /* empty: made, a UUIDv7 */
  nva_string region;     /* empty: the pipeline's */
  nva_string properties; /* text of a JSON object to add to `properties`, or empty */
} nva_charge_started;

/* The session ended. */
typedef struct nva_charge_stopped {
  uint32_t struct_size;
  nva_string session_id; /* required */
  nva_string user_id;
  nva_string hub_id;
  nva_string window_id;
  int64_t stopped_at_us; /* default NVA_TIME_NONE: now */
  int64_t energy_mwh;    /* kwh_consumed; default NVA_UNKNOWN, also the next three */
  int64_t grid_reward_microusd;
  int64_t merchant_reward_microusd;
  int64_t total_reward_microusd;
  nva_string event_id;
  nva_string region;
  nva_string properties;
} nva_charge_stopped;

/* Money reached a driver's wallet. */
typedef struct nva_wallet_credited {
  uint32_t struct_size;
  nva_string user_id;        /* required */
  nva_string session_id;     /* empty: counts in the money totals only */
  int64_t amount_cents;      /* required, >= 0 */
  int64_t new_balance_cents; /* default NVA_UNKNOWN */
  int64_t credited_at_us;    /* default NVA_TIME_NONE: now */
  nva_string event_id;
  nva_string region;
  nva_string properties;
} nva_wallet_credited;

NVA_API nva_status nva_charge_started_init(nva_charge_started* event, uint32_t struct_size);
NVA_API nva_status nva_charge_stopped_init(nva_charge_stopped* event, uint32_t struct_size);
NVA_API nva_status nva_wallet_credited_init(nva_wallet_credited* event, uint32_t struct_size);

/* ---- Durability --------------------------------------------------------------------------- */

/* When an accepted event is safe, and so what a crash can cost. Never renumbered. */
enum {
  NVA_DURABILITY_DEFAULT = 0, /* _PROCESS for stores that name a folder (SQLite), else _MEMORY */
  NVA_DURABILITY_MEMORY = 1,  /* once it is queued: a crash loses what is queued */
  NVA_DURABILITY_PROCESS = 2, /* once it is in the journal: kill -9 loses nothing */
  NVA_DURABILITY_POWER = 3    /* once the journal is on the disk: nothing is lost */
};

/* What happens when there is no room: in the queue, or in the journal. Never renumbered. */
enum {
  NVA_OVERFLOW_BLOCK = 0,      /* waits up to overflow_timeout_ms, then refuses */
  NVA_OVERFLOW_REJECT = 1,     /* refuses at once */
  NVA_OVERFLOW_DROP_OLDEST = 2 /* gives up the oldest event, counts it as dropped, and accepts */
};

/* ---- Pipeline ----------------------------------------------------------------------------- */

/* Defaults are those of the C++ API; docs/configuration.md has the table. */
typedef struct nva_pipeline_options {
  uint32_t struct_size;
  int32_t enabled;          /* 0: events are validated and discarded, the database may be broken */
  nva_string database_url;  /* see nva_store_open */
  nva_string region;        /* of events that name none */
  uint64_t recent_capacity; /* as in nva_bus_options */
  uint64_t batch_size;      /* up to journal_segment_bytes as in nva_batch_writer_options */
  int64_t flush_interval_ms;
  uint64_t max_batch_size;
  uint64_t queue_capacity;
  int32_t overflow;
  int32_t durability;
  int64_t overflow_timeout_ms;
  int64_t retry_initial_backoff_ms;
  int64_t retry_max_backoff_ms;
  nva_string journal_dir;
  int64_t sync_interval_ms;
  int64_t journal_max_bytes;
  int64_t journal_segment_bytes;
  int64_t sqlite_cache_bytes; /* these three as in nva_store_options */
  int64_t sqlite_busy_timeout_ms;
  int64_t sqlite_partition_rows;
  nva_error_callback on_error; /* of the writer, the bus and HTTP */
  int32_t retention;           /* 0: old data is dropped only by nva_pipeline_apply_retention */
  int32_t reserved;
  int64_t keep_events_days; /* raw events; NVA_FOREVER: for ever, as the next two */
  int64_t keep_aggregates_days;
  int64_t keep_snapshots_days;
  int64_t retention_interval_ms; /* how often the pipeline looks */
  int64_t kpi_cache_bytes;       /* of all answers kept; 0: none are */
  const int32_t* kpi_warm_days;  /* the writer computes the four groups over each after commits */
  uint64_t kpi_warm_days_count;  /* up to 20 */
  nva_string
      user_id_key; /* a secret: users get pseudonyms, see docs/configuration.md; else empty */
  nva_alert_callback on_alert;
  int64_t alert_interval_ms;  /* how often watches are looked at without a commit; NVA_FOREVER: only
                                 by nva_pipeline_check_watches */
  int64_t alert_window_ms;    /* of the alerts about the pipeline */
  double alert_error_rate;    /* percent of events not stored */
  int64_t alert_error_sample; /* of at least so many */
} nva_pipeline_options;

#define NVA_FOREVER INT64_MAX

/* The strings it sets live as long as the process. */
NVA_API nva_status nva_pipeline_options_init(nva_pipeline_options* options, uint32_t struct_size);

/* Overrides initialised options by what the variables set: ANALYTICS_ENABLED, _DATABASE_URL, _REGION
 * (else REGION), _USER_ID_KEY, _BATCH_SIZE, _FLUSH_INTERVAL (seconds), _OVERFLOW (block, reject, drop_oldest),
 * _DURABILITY (memory, process, power), _JOURNAL_DIR, _SYNC_INTERVAL (seconds), _RETENTION (as
 * _ENABLED), _KEEP_EVENTS, _KEEP_AGGREGATES, _KEEP_SNAPSHOTS (days, or forever), _KPI_CACHE_BYTES and
 * _KPI_WARM_DAYS (numbers with commas between). What it points to lives as long as the process.
 * INVALID_ARGUMENT with the variable's name for a bad value; the options are then unchanged. Must not
 * overlap setenv(). */
NVA_API nva_status nva_pipeline_options_from_environment(nva_pipeline_options* options);

/* Opens the store that database_url names and starts the writer. Takes options->on_error over.
 * Errors also those of nva_store_open; FAILED_PRECONDITION when the journal's folder cannot be
 * used. */
NVA_API nva_status nva_pipeline_open(const nva_pipeline_options* options, nva_pipeline** out);
/* The same with a store already open; database_url and the sqlite_ options are not looked at. */
NVA_API nva_status nva_pipeline_open_with_store(const nva_pipeline_options* options,
                                                nva_store* store, nva_pipeline** out);

/* A barrier: waits until all that was accepted before is stored and in the KPIs, at most timeout_ms
 * (negative: without limit). DEADLINE_EXCEEDED when events are still pending; `unsent` (may be
 * NULL) says how many. */
NVA_API nva_status nva_pipeline_flush(nva_pipeline* pipeline, int64_t timeout_ms, uint64_t* unsent);
/* Accepts nothing further, stores what waits and stops the writer; otherwise as flush. KPIs, stats
 * and health can still be read. May be called again to wait for what is left. */
NVA_API nva_status nva_pipeline_close(nva_pipeline* pipeline, int64_t timeout_ms, uint64_t* unsent);
/* Closes it unless closed, waiting up to 10 s, and frees the handle. Handles on its parts stay
 * usable. Not from inside a callback. */
NVA_API void nva_pipeline_free(nva_pipeline* pipeline);

/* Publish one event. On success it is accepted, and `*event_id` (may be NULL) is its id, yours to
 * nva_free. INVALID_ARGUMENT: refused, see nva_last_reject_reason; RESOURCE_EXHAUSTED: no room in
 * the queue or the journal; UNAVAILABLE: the journal cannot be written; FAILED_PRECONDITION: closed.
 * On error nothing was accepted. nva_publish_json takes one domain event of any type as the backend
 * writes it, a JSON object of at most 64 KiB. */
NVA_API nva_status nva_publish_json(nva_pipeline* pipeline, nva_string json, char** event_id);
NVA_API nva_status nva_publish_charge_started(nva_pipeline* pipeline,
                                              const nva_charge_started* event, char** event_id);
NVA_API nva_status nva_publish_charge_stopped(nva_pipeline* pipeline,
                                              const nva_charge_stopped* event, char** event_id);
NVA_API nva_status nva_publish_wallet_credited(nva_pipeline* pipeline,
                                               const nva_wallet_credited* event, char** event_id);

/* Counters as a JSON object: total_events, events_by_type, events_by_region, batch_size, running
 * and more. UNAVAILABLE when the store cannot be read. */
NVA_API nva_status nva_pipeline_stats_json(nva_pipeline* pipeline, char** json);
/* status ("healthy", "degraded" or "unhealthy"), the reason, warnings, and the stats. A store that cannot be
 * read makes it unhealthy, not fail. */
NVA_API nva_status nva_pipeline_health_json(nva_pipeline* pipeline, char** json);

/* Events that the store refused for what they are, with the reason, of all processes that share the
 * journal: a JSON array of {"time", "reason", "event"}, oldest first, at most `limit`. UNAVAILABLE
 * when they cannot be read. */
NVA_API nva_status nva_pipeline_dead_letters_json(nva_pipeline* pipeline, uint64_t limit,
                                                  char** json);
/* Accepts them all again, for when the store has learned to take them; what it refuses again becomes
 * a dead letter again. `accepted` (may be NULL): how many; those that were not stay. */
NVA_API nva_status nva_pipeline_replay_dead_letters(nva_pipeline* pipeline, uint64_t* accepted);

/* What was dropped, and what it took. */
typedef struct nva_retention_run {
  uint32_t struct_size;
  int32_t reserved;
  int64_t events;
  int64_t aggregate_days;
  int64_t snapshot_days;
  int64_t freed_bytes; /* given back to the file system */
  int64_t steps;       /* transactions */
  int64_t longest_step_us;
  int64_t duration_us;
  int64_t events_from_us; /* what is kept begins here; NVA_TIME_NONE: nothing was ever dropped */
  int64_t aggregates_from_us;
  int64_t snapshots_from_us;
} nva_retention_run;

/* Drops at once what the keep_ options do not keep at `now_us` (NVA_TIME_NONE: now), in short
 * transactions with pauses, so that others write meanwhile. What an earlier one left undone it does.
 * Needs no writer: also after _close. Errors: the store's; UNIMPLEMENTED for a store from callbacks. */
NVA_API nva_status nva_pipeline_apply_retention(nva_pipeline* pipeline, int64_t now_us,
                                                nva_retention_run* run, uint32_t struct_size);
NVA_API nva_status nva_pipeline_apply_retention_json(nva_pipeline* pipeline, int64_t now_us,
                                                     char** json);

/* What becomes of the totals that an erased person's sessions are in. Never renumbered. */
enum {
  NVA_TOTALS_KEEP = 0,  /* they stay, as nobody's */
  NVA_TOTALS_REMOVE = 1 /* they go, of all sessions whose raw events are there */
};

/* What was erased. */
typedef struct nva_erasure_receipt {
  uint32_t struct_size;
  int32_t totals;
  int64_t erased_at_us;
  int64_t events_removed;
  int64_t events_anonymized;   /* stay without user, further fields and properties */
  int64_t sessions_removed;    /* from the totals */
  int64_t sessions_anonymized; /* that stopped, and stay in the totals */
  int64_t dead_letters;        /* removed */
  /* What nobody can search, so look at it: dead letters of another version, or damaged; and damaged
   * files of the journal. */
  int64_t unreadable_letters;
  int64_t quarantined_segments;
} nva_erasure_receipt;

/* Erases a person from the store, from dead letters and files of its journal, and from the last events
 * of the bus: who was active and streaks forget them, and the totals as `totals` says. What was
 * accepted before is stored first, for at most `timeout_ms`; stop sending before. Call it again after
 * an error, or in doubt. INVALID_ARGUMENT for an empty or over-long id, FAILED_PRECONDITION after
 * _close, UNAVAILABLE while the store cannot be written, UNIMPLEMENTED for a store from callbacks.
 * Thread-safe. */
NVA_API nva_status nva_pipeline_erase_user(nva_pipeline* pipeline, nva_string user_id,
                                           int32_t totals, int64_t timeout_ms,
                                           nva_erasure_receipt* receipt, uint32_t struct_size);
NVA_API nva_status nva_pipeline_erase_user_json(nva_pipeline* pipeline, nva_string user_id,
                                                int32_t totals, int64_t timeout_ms, char** json);

/* Never renumbered. */
enum { NVA_WATCH_ABOVE = 0, NVA_WATCH_BELOW = 1 };  /* relation */
enum { NVA_WATCH_VALUE = 0, NVA_WATCH_CHANGE = 1 }; /* measure; percent against the period before */
enum { NVA_EACH_NONE = -1 };                        /* each; else NVA_DIMENSION_... */

/* Alerts while a KPI over a rolling period is above, or below, a threshold: docs/kpis.md. */
typedef struct nva_watch {
  uint32_t struct_size;
  int32_t relation;
  nva_string name; /* 1..100 bytes; tells it from the pipeline's others */
  nva_string kpi;  /* "completion_rate" */
  double threshold;
  double hysteresis;   /* an alert resolves once the value is so far back */
  int64_t period_ms;   /* default: 24 h */
  int64_t hold_for_ms; /* so long, before it fires */
  int64_t min_sample;  /* nothing is concluded from less */
  int32_t measure;
  int32_t each; /* hub, region or window on its own */
  nva_string region;
  nva_string hub_id;
  nva_string window_id;
} nva_watch;

NVA_API nva_status nva_watch_init(nva_watch* watch, uint32_t struct_size);

/* ALREADY_EXISTS for a second one of its name. */
NVA_API nva_status nva_pipeline_add_watch(nva_pipeline* pipeline, const nva_watch* watch);
NVA_API nva_status nva_pipeline_remove_watch(nva_pipeline* pipeline,
                                             nva_string name); /* NOT_FOUND */
/* In the order in which they were added: a JSON array. */
NVA_API nva_status nva_pipeline_watches_json(nva_pipeline* pipeline, char** json);
/* Looks at all now, and calls on_alert on this thread. FAILED_PRECONDITION after _close and from inside
 * on_alert; the error of a KPI that could not be computed, after the others. */
NVA_API nva_status nva_pipeline_check_watches(nva_pipeline* pipeline);
/* Pending and firing, as of the last look: a JSON array. Also in the health. */
NVA_API nva_status nva_pipeline_alerts_json(nva_pipeline* pipeline, char** json);

/* Further handles on the pipeline's parts, each to be freed. They keep the pipeline's memory, not
 * its operation: once it is closed or freed, publishing and writing give FAILED_PRECONDITION. */
NVA_API nva_status nva_pipeline_bus(nva_pipeline* pipeline, nva_bus** out);
NVA_API nva_status nva_pipeline_producer(nva_pipeline* pipeline, nva_producer** out);
NVA_API nva_status nva_pipeline_batch_writer(nva_pipeline* pipeline, nva_batch_writer** out);
NVA_API nva_status nva_pipeline_store(nva_pipeline* pipeline, nva_store** out);
NVA_API nva_status nva_pipeline_kpi(nva_pipeline* pipeline, nva_kpi** out);

/* ---- Bus ---------------------------------------------------------------------------------- */

typedef struct nva_bus_options {
  uint32_t struct_size;
  uint64_t recent_capacity;    /* events kept for nva_bus_recent_json */
  nva_error_callback on_error; /* failing subscribers */
} nva_bus_options;

typedef struct nva_bus_stats {
  uint32_t struct_size;
  uint64_t published;        /* events taken by every required subscriber */
  uint64_t refused;          /* events a required subscriber refused */
  uint64_t deliveries;       /* calls of handlers that succeeded */
  uint64_t handler_failures; /* calls that did not */
  uint64_t subscribers;
} nva_bus_stats;

NVA_API nva_status nva_bus_options_init(nva_bus_options* options, uint32_t struct_size);
/* A bus of its own. Takes options->on_error over. */
NVA_API nva_status nva_bus_open(const nva_bus_options* options, nva_bus** out);
NVA_API void nva_bus_free(nva_bus* bus);
NVA_API nva_status nva_bus_get_stats(nva_bus* bus, nva_bus_stats* stats, uint32_t struct_size);

/* Called for every event on the publishing thread, several threads at once if several publish, and
 * may call the library. An error returned is counted and reported, and harms nobody else. */
typedef struct nva_event_handler {
  void* user_data;
  nva_status (*on_event)(void* user_data, const nva_event* event);
  void (*destroy)(void* user_data);
} nva_event_handler;

/* Subscribes to one event type, with or without "analytics_", or to all: "*". INVALID_ARGUMENT when
 * `type` is empty or over 100 bytes. */
NVA_API nva_status nva_bus_subscribe(nva_bus* bus, nva_string type,
                                     const nva_event_handler* handler, nva_subscription** out);
/* Unsubscribes. Waits for running calls of the handler on other threads (do not hold a lock which
 * the handler takes). From inside a handler, this one or any other, it returns at once: calls that
 * run go on, none begins, and `destroy` follows when those publishes end. */
NVA_API void nva_subscription_free(nva_subscription* subscription);

/* The kept events as a JSON array, oldest first; an empty type or aggregate_id matches all. */
NVA_API nva_status nva_bus_recent_json(nva_bus* bus, nva_string type, nva_string aggregate_id,
                                       char** json);

/* ---- Producer ----------------------------------------------------------------------------- */

#define NVA_REJECT_SLOTS 32 /* room for reasons to come */

typedef struct nva_producer_stats {
  uint32_t struct_size;
  uint64_t published;
  uint64_t rejected;
  uint64_t rejected_by_reason[NVA_REJECT_SLOTS]; /* by NVA_REJECT_ value */
} nva_producer_stats;

/* A producer for a bus; `bus` may be NULL for one that only converts. `region` (empty: the default)
 * is that of events that name none; when it is invalid, every event that takes it is refused. */
NVA_API nva_status nva_producer_open(nva_bus* bus, nva_string region, nva_producer** out);
NVA_API void nva_producer_free(nva_producer* producer);
/* As nva_publish_json. FAILED_PRECONDITION without a bus. */
NVA_API nva_status nva_producer_publish_json(nva_producer* producer, nva_string json,
                                             char** event_id);
/* Validates and converts only: the analytics-event JSON of a domain event. INVALID_ARGUMENT:
 * refused, see nva_last_reject_reason; not counted. */
NVA_API nva_status nva_producer_convert_json(nva_producer* producer, nva_string json,
                                             char** analytics_json);
NVA_API nva_status nva_producer_get_stats(nva_producer* producer, nva_producer_stats* stats,
                                          uint32_t struct_size);

/* ---- Batch writer ------------------------------------------------------------------------- */

typedef struct nva_batch_writer_options {
  uint32_t struct_size;
  uint64_t batch_size;              /* a commit begins when this many events wait, */
  int64_t flush_interval_ms;        /* or when the oldest has waited this long */
  uint64_t max_batch_size;          /* a commit takes at most this many */
  uint64_t queue_capacity;          /* events that may wait */
  int32_t overflow;                 /* NVA_OVERFLOW_... */
  int32_t durability;               /* NVA_DURABILITY_... */
  int64_t overflow_timeout_ms;      /* how long NVA_OVERFLOW_BLOCK waits */
  int64_t retry_initial_backoff_ms; /* pause after a failed commit, doubled each time */
  int64_t retry_max_backoff_ms;     /* ... up to this */
  nva_string journal_dir;           /* where journals are kept; empty: beside the SQLite file,
                                       else a state folder (docs/configuration.md) */
  int64_t sync_interval_ms;         /* _PROCESS: what a power failure may cost */
  int64_t journal_max_bytes;        /* a journal of this size is full */
  int64_t journal_segment_bytes;    /* size of one of its files */
  nva_error_callback on_error;      /* failed commits, events given up, trouble with the journal */
} nva_batch_writer_options;

/* Always: accepted = committed + duplicates + conflicts + dead_lettered + dropped + pending. All
 * count for this process; a forked child begins at 0. */
typedef struct nva_batch_writer_stats {
  uint32_t struct_size;
  int32_t running;
  uint64_t accepted;
  uint64_t recovered;          /* of those, accepted by a process that died before storing them */
  uint64_t committed;          /* stored, and in the KPIs */
  uint64_t duplicates;         /* event_id known before, same payload */
  uint64_t conflicts;          /* event_id known before, another payload */
  uint64_t dead_lettered;      /* refused by the store, for what the event is */
  uint64_t dropped;            /* given up: the next two */
  uint64_t dropped_oldest;     /* by NVA_OVERFLOW_DROP_OLDEST */
  uint64_t dropped_unreadable; /* recovered from a journal that somebody then removed or changed */
  uint64_t pending;
  int64_t oldest_pending_us;  /* its age; 0 when nothing is pending */
  uint64_t overflows;         /* refused, there was no room; never accepted */
  uint64_t overflow_timeouts; /* of those, after waiting */
  uint64_t commits;
  uint64_t failed_commits; /* tried again */
  uint64_t breaker_trips;  /* batches put off because the store refused too many of them */
  uint64_t dead_letters;   /* kept now, of all processes that share the journal */
  int64_t last_commit_us;  /* NVA_TIME_NONE before the first */
  int32_t durability;      /* the NVA_DURABILITY_... that is in force */
  int32_t reserved;
  uint64_t journal_bytes; /* of this process's files, preallocated space included */
  uint64_t journal_segments;
  uint64_t journal_syncs; /* fdatasync calls that succeeded */
  uint64_t journal_sync_errors;
  uint64_t journal_write_errors;         /* events were not accepted for it */
  uint64_t journal_adopted_segments;     /* files of dead processes taken over */
  uint64_t journal_torn_tails;           /* of those, with an unfinished end, which never counted */
  uint64_t journal_quarantined_segments; /* of those, damaged: kept aside */
} nva_batch_writer_stats;

NVA_API nva_status nva_batch_writer_options_init(nva_batch_writer_options* options,
                                                 uint32_t struct_size);
/* A writer for a store; accepts at once, runs after _start. Takes options->on_error over.
 * INVALID_ARGUMENT when an option is out of its range; FAILED_PRECONDITION when the journal's folder
 * cannot be used. */
NVA_API nva_status nva_batch_writer_open(const nva_batch_writer_options* options, nva_store* store,
                                         nva_batch_writer** out);
/* No effect when it runs; FAILED_PRECONDITION after _stop. */
NVA_API nva_status nva_batch_writer_start(nva_batch_writer* writer);
/* Makes it a required subscriber of all events of `bus`, until the subscription is freed: a publish
 * fails unless the writer accepts. The subscription keeps the writer. */
NVA_API nva_status nva_batch_writer_attach(nva_batch_writer* writer, nva_bus* bus,
                                           nva_subscription** out);
/* Accepts one domain or analytics event as JSON, validated as nva_producer_convert_json does, but
 * counted when it is refused. Errors as nva_publish_json. */
NVA_API nva_status nva_batch_writer_write_json(nva_batch_writer* writer, nva_string json,
                                               char** event_id);
/* As nva_pipeline_flush and nva_pipeline_close. */
NVA_API nva_status nva_batch_writer_flush(nva_batch_writer* writer, int64_t timeout_ms,
                                          uint64_t* unsent);
NVA_API nva_status nva_batch_writer_stop(nva_batch_writer* writer, int64_t timeout_ms,
                                         uint64_t* unsent);
/* The writer ends with the last of its handles and subscriptions, without waiting: call _stop
 * first, else events that wait are dropped unless a journal has them. */
NVA_API void nva_batch_writer_free(nva_batch_writer* writer);
NVA_API nva_status nva_batch_writer_get_stats(nva_batch_writer* writer,
                                              nva_batch_writer_stats* stats, uint32_t struct_size);
/* The writer's part of nva_pipeline_stats_json: its counters, what its store holds, and what its
 * _write_json refused ("rejected", "rejected_by_reason"; a pipeline's are counted together). */
NVA_API nva_status nva_batch_writer_stats_json(nva_batch_writer* writer, char** json);
/* As nva_pipeline_dead_letters_json and nva_pipeline_replay_dead_letters. */
NVA_API nva_status nva_batch_writer_dead_letters_json(nva_batch_writer* writer, uint64_t limit,
                                                      char** json);
NVA_API nva_status nva_batch_writer_replay_dead_letters(nva_batch_writer* writer,
                                                        uint64_t* accepted);

/* ---- Store -------------------------------------------------------------------------------- */

typedef struct nva_store_options {
  uint32_t struct_size;
  int64_t sqlite_cache_bytes;     /* page cache of the writer */
  int64_t sqlite_busy_timeout_ms; /* how long to wait for another process's lock */
  int64_t sqlite_partition_rows;  /* rows after which a day gets a further partition */
} nva_store_options;

NVA_API nva_status nva_store_options_init(nva_store_options* options, uint32_t struct_size);

/* Opens, or makes, the store that a URL names: "memory:", "sqlite:///relative.db",
 * "sqlite:////absolute.db". INVALID_ARGUMENT for another URL; FAILED_PRECONDITION for a file of a
 * newer version or of another program; UNAVAILABLE when it cannot be opened now. */
NVA_API nva_status nva_store_open(nva_string url, const nva_store_options* options,
                                  nva_store** out);
NVA_API void nva_store_free(nva_store* store);

/* What a callback gives its events and counts to; valid during the callback. */
typedef struct nva_event_sink nva_event_sink;
typedef struct nva_count_sink nva_count_sink;
NVA_API nva_status nva_event_sink_add(nva_event_sink* sink, const nva_event* event);
NVA_API nva_status nva_count_sink_add(nva_count_sink* sink, nva_string event_type,
                                      nva_string region, uint64_t count);

/* Outcomes of an insert, one an event. Never renumbered. */
enum {
  NVA_INSERTED = 0,
  NVA_DUPLICATE = 1, /* the event_id was there before (or earlier in the call), same payload */
  NVA_CONFLICT = 2   /* ... with another payload; the first one stays */
};

/* A store of your own; KPIs are computed from its events. The library makes one call at a time, so
 * no locks are needed. Of the library the callbacks may call only the nva_*_sink_add functions,
 * nva_event_* and nva_set_error_message. They return NVA_OK, NVA_UNAVAILABLE for what a retry may
 * mend, NVA_INVALID_ARGUMENT from `insert` for an event that cannot be stored, or another error.
 * No call runs while the process forks, so that the child finds the store's memory whole; what
 * cannot be shared with the parent (a connection, a file's position) the callbacks must make anew
 * there, when getpid() tells another process. To have a journal, set durability. */
typedef struct nva_store_callbacks {
  uint32_t struct_size;
  void* user_data;
  void (*destroy)(void* user_data);
  nva_string description; /* for people, without secrets; names the store's part of journal_dir */

  /* Stores events, in order, whose event_id is not stored yet: all or, on error, none. Sets one
   * outcome an event. The only call that writes. Required. */
  nva_status (*insert)(void* user_data, const nva_event* const* events, size_t count,
                       int64_t created_at_us, int32_t* outcomes);
  /* Every charge_started, charge_stopped and wallet_credited event of these sessions, each once, in
   * any order; others of the same sessions may be among them. Required. */
  nva_status (*events_of_sessions)(void* user_data, const nva_string* session_ids, size_t count,
                                   nva_event_sink* sink);
  /* Every event with from_us <= time_us < to_us, in any order. Required. */
  nva_status (*events_between)(void* user_data, int64_t from_us, int64_t to_us,
                               nva_event_sink* sink);
  /* How many events by type and region. NULL: the library reads and counts them all. */
  nva_status (*count_events)(void* user_data, nva_count_sink* sink);
  /* Returns once every insert that returned before would survive a failure of the power; only then
   * a journal forgets the events. NULL: they do at once. */
  nva_status (*sync)(void* user_data);
} nva_store_callbacks;

NVA_API nva_status nva_store_callbacks_init(nva_store_callbacks* callbacks, uint32_t struct_size);
NVA_API nva_status nva_store_from_callbacks(const nva_store_callbacks* callbacks, nva_store** out);

/* ---- KPIs --------------------------------------------------------------------------------- */

/* The period is `days` > 0, rolling: [now - days * 24 h, now); or [from_us, to_us). Not both. */
typedef struct nva_kpi_query {
  uint32_t struct_size;
  int32_t days;
  int64_t from_us;
  int64_t to_us;
  nva_string region; /* filters; empty: all */
  nva_string hub_id;
  nva_string window_id;
} nva_kpi_query;

/* How exactly an answer keeps to the bounds of its period, which what was dropped limits. Never
 * renumbered. */
enum {
  NVA_GRAIN_EXACT = 0, /* to the microsecond */
  NVA_GRAIN_DAY = 1, /* a bound was moved to the nearest midnight, UTC: only whole days are left */
  NVA_GRAIN_PARTIAL = 2 /* part of what is needed was dropped: over the rest */
};

/* Every result begins with its period. Rates are percentages; rates, averages, USD and kWh are
 * rounded to 2 decimals, half away from zero; a rate or average over nothing is 0. What each number
 * means: docs/kpis.md. */
typedef struct nva_conversion_funnel {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t from_us;
  int64_t to_us;
  double period_days;
  int64_t sessions_started;
  int64_t sessions_completed;
  int64_t sessions_credited;
  int64_t orphan_stops;
  double completion_rate;
  double credit_rate;
} nva_conversion_funnel;

typedef struct nva_green_hour_utilization {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t from_us;
  int64_t to_us;
  double period_days;
  int64_t active_window_sessions;
  int64_t total_sessions;
  double utilization_rate;
  double avg_reward_usd;
} nva_green_hour_utilization;

typedef struct nva_streak_metrics {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t from_us;
  int64_t to_us;
  double period_days;
  uint64_t unique_users;
  int64_t total_sessions;
  double sessions_per_user;
  double avg_reward_usd;
} nva_streak_metrics;

typedef struct nva_revenue_metrics {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t from_us;
  int64_t to_us;
  double period_days;
  double total_rewards_usd;
  int64_t total_sessions;
  double avg_reward_usd;
  double energy_kwh;
  double credited_usd;
} nva_revenue_metrics;

/* What all of them are computed from, in exact integers. */
typedef struct nva_kpi_summary {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t from_us;
  int64_t to_us;
  double period_days;
  uint64_t unique_users;
  int64_t sessions_started;
  int64_t sessions_completed;
  int64_t sessions_credited;
  int64_t orphan_stops;
  int64_t total_sessions;
  int64_t active_window_sessions;
  int64_t sessions_with_user;
  int64_t sessions_with_reward;
  int64_t reward_microusd;
  int64_t energy_mwh;
  int64_t credited_cents;
  int64_t extra_events;
  int64_t owed_microusd;
} nva_kpi_summary;

NVA_API nva_status nva_kpi_query_init(nva_kpi_query* query, uint32_t struct_size);

/* KPIs of a store. `region` is only the name that nva_kpi_all_json shows without a filter. */
NVA_API nva_status nva_kpi_open(nva_store* store, nva_string region, nva_kpi** out);
NVA_API void nva_kpi_free(nva_kpi* kpi);

/* INVALID_ARGUMENT: no period, or days over 1830, or from_us > to_us; UNAVAILABLE and other errors
 * of the store. The _json functions give the keys that the backend's clients read. */
NVA_API nva_status nva_kpi_summarize(nva_kpi* kpi, const nva_kpi_query* query,
                                     nva_kpi_summary* result, uint32_t struct_size);
NVA_API nva_status nva_kpi_conversion_funnel(nva_kpi* kpi, const nva_kpi_query* query,
                                             nva_conversion_funnel* result, uint32_t struct_size);
NVA_API nva_status nva_kpi_green_hour_utilization(nva_kpi* kpi, const nva_kpi_query* query,
                                                  nva_green_hour_utilization* result,
                                                  uint32_t struct_size);
NVA_API nva_status nva_kpi_streak_metrics(nva_kpi* kpi, const nva_kpi_query* query,
                                          nva_streak_metrics* result, uint32_t struct_size);
NVA_API nva_status nva_kpi_revenue_metrics(nva_kpi* kpi, const nva_kpi_query* query,
                                           nva_revenue_metrics* result, uint32_t struct_size);

NVA_API nva_status nva_kpi_conversion_funnel_json(nva_kpi* kpi, const nva_kpi_query* query,
                                                  char** json);
NVA_API nva_status nva_kpi_green_hour_utilization_json(nva_kpi* kpi, const nva_kpi_query* query,
                                                       char** json);
NVA_API nva_status nva_kpi_streak_metrics_json(nva_kpi* kpi, const nva_kpi_query* query,
                                               char** json);
NVA_API nva_status nva_kpi_revenue_metrics_json(nva_kpi* kpi, const nva_kpi_query* query,
                                                char** json);
/* All four over the same period and the same state of the store. */
NVA_API nva_status nva_kpi_all_json(nva_kpi* kpi, const nva_kpi_query* query, char** json);

/* ---- Reports ------------------------------------------------------------------------------ */

/* Of the local calendar. Weeks begin on Monday. */
typedef int32_t nva_interval;
#define NVA_INTERVAL_HOUR 0
#define NVA_INTERVAL_DAY 1
#define NVA_INTERVAL_WEEK 2
#define NVA_INTERVAL_MONTH 3

typedef int32_t nva_dimension;
#define NVA_DIMENSION_REGION 0
#define NVA_DIMENSION_HUB 1
#define NVA_DIMENSION_WINDOW 2

/* Rows of KPIs; does not change. Free it with nva_report_free. */
typedef struct nva_report nva_report;

typedef struct nva_report_row {
  uint32_t struct_size;
  int32_t complete; /* of a trend: whether all of the bucket lies in the query's period */
  int64_t from_us;  /* of a trend: all of the bucket; else the period */
  int64_t to_us;
  nva_string name; /* of a breakdown: borrowed from the report; empty: none */
  uint64_t others; /* of a breakdown: > 0 for the last row, which stands for so many others */
  int32_t grain;   /* NVA_GRAIN_... */
  int32_t reserved;
} nva_report_row;

/* The period cut into buckets of the local calendar, oldest first, without gaps. `time_zone`: a name
 * of the IANA database; empty: UTC. INVALID_ARGUMENT also for another name, and for more than 10,000
 * buckets. */
NVA_API nva_status nva_kpi_trend(nva_kpi* kpi, const nva_kpi_query* query, nva_interval interval,
                                 nva_string time_zone, nva_report** out);
NVA_API nva_status nva_kpi_trend_json(nva_kpi* kpi, const nva_kpi_query* query,
                                      nva_interval interval, nva_string time_zone, char** json);

/* The `top` names with the most total_sessions, 0: all; the rest come together as one row. */
NVA_API nva_status nva_kpi_breakdown(nva_kpi* kpi, const nva_kpi_query* query,
                                     nva_dimension dimension, uint64_t top, nva_report** out);
NVA_API nva_status nva_kpi_breakdown_json(nva_kpi* kpi, const nva_kpi_query* query,
                                          nva_dimension dimension, uint64_t top, char** json);

/* The period, and as long a one right before it. */
NVA_API nva_status nva_kpi_compare(nva_kpi* kpi, const nva_kpi_query* query,
                                   nva_kpi_summary* current, nva_kpi_summary* previous,
                                   uint32_t struct_size);
NVA_API nva_status nva_kpi_compare_json(nva_kpi* kpi, const nva_kpi_query* query, char** json);

/* ---- Funnels, load and people ------------------------------------------------------------ */

/* The conversion funnel in depth. sessions_started = completed + late + running + abandoned. Times are
 * nearest-rank percentiles in microseconds, NVA_TIME_NONE over nothing. */
typedef struct nva_funnel {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t from_us;
  int64_t to_us;
  double period_days;
  int64_t sessions_started;
  int64_t sessions_completed; /* within the conversion window */
  int64_t sessions_credited;  /* of those, also within it */
  int64_t sessions_late;      /* completed after it */
  int64_t sessions_running;
  int64_t sessions_abandoned;
  int64_t orphan_stops;
  double completion_rate;
  double credit_rate;
  int64_t median_time_to_complete_us; /* from the start to the stop */
  int64_t p90_time_to_complete_us;
  int64_t median_time_to_credit_us; /* from the stop to the first credit */
  int64_t p90_time_to_credit_us;
  double rewards_granted_usd;
  double rewards_owed_usd; /* of these, what was not credited */
} nva_funnel;

/* `conversion_window_ms`: a step counts only so long after the start; 0: whenever it came.
 * `abandon_after_ms`: so long after its start a session that has not completed is abandoned, until then
 * it runs; 0: 24 h. INVALID_ARGUMENT also when one is negative. `top` as in nva_kpi_breakdown. */
NVA_API nva_status nva_kpi_funnel(nva_kpi* kpi, const nva_kpi_query* query,
                                  int64_t conversion_window_ms, int64_t abandon_after_ms,
                                  nva_funnel* result, uint32_t struct_size);
NVA_API nva_status nva_kpi_funnel_json(nva_kpi* kpi, const nva_kpi_query* query,
                                       int64_t conversion_window_ms, int64_t abandon_after_ms,
                                       char** json);
/* Rows for nva_report_funnel_at. */
NVA_API nva_status nva_kpi_funnel_breakdown(nva_kpi* kpi, const nva_kpi_query* query,
                                            int64_t conversion_window_ms, int64_t abandon_after_ms,
                                            nva_dimension dimension, uint64_t top,
                                            nva_report** out);
NVA_API nva_status nva_kpi_funnel_breakdown_json(nva_kpi* kpi, const nva_kpi_query* query,
                                                 int64_t conversion_window_ms,
                                                 int64_t abandon_after_ms, nva_dimension dimension,
                                                 uint64_t top, char** json);

/* One hour of the local week, over all weeks of the period. */
typedef struct nva_load_cell {
  uint32_t struct_size;
  int32_t weekday; /* 1 Monday .. 7 Sunday */
  int32_t hour;    /* 0..23 */
  int32_t reserved;
  int64_t sessions_started;
  int64_t total_sessions; /* that stopped in it */
  double energy_kwh;      /* of these */
  double avg_concurrency; /* sessions at a time, over the moments up to now */
  int64_t peak_concurrency;
} nva_load_cell;

#define NVA_HOURS_OF_WEEK 168

/* A report of one row, or one for each name, with 168 hours each for nva_report_load_at. `time_zone` as
 * in nva_kpi_trend. `longest_session_ms`: so long after its start at most a session takes part in
 * concurrency; 0: 24 h; at most 7 days. */
NVA_API nva_status nva_kpi_load(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                int64_t longest_session_ms, nva_report** out);
NVA_API nva_status nva_kpi_load_json(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                     int64_t longest_session_ms, char** json);
NVA_API nva_status nva_kpi_load_breakdown(nva_kpi* kpi, const nva_kpi_query* query,
                                          nva_string time_zone, int64_t longest_session_ms,
                                          nva_dimension dimension, uint64_t top, nva_report** out);
NVA_API nva_status nva_kpi_load_breakdown_json(nva_kpi* kpi, const nva_kpi_query* query,
                                               nva_string time_zone, int64_t longest_session_ms,
                                               nva_dimension dimension, uint64_t top, char** json);

#define NVA_MAX_BINS 100

/* How the sizes of sessions are spread: minutes, or kWh. Percentiles are nearest-rank; 0 over nothing. */
typedef struct nva_sizes {
  uint32_t struct_size;
  uint32_t bin_count; /* so many of `bins` are used */
  int64_t sessions;
  double p10;
  double median;
  double p90;
  double max;
  double bin;                 /* width */
  int64_t bins[NVA_MAX_BINS]; /* sessions in [i * bin, (i + 1) * bin); the last also of all above */
  int32_t grain;              /* NVA_GRAIN_... */
  int32_t reserved;
} nva_sizes;

/* `length`: of the completed sessions that started in the period. `energy`: of the sessions with some
 * that stopped in it. `length_bin_ms`: 0: 30 min; 1 s..7 days. `energy_bin_mwh`: 0: 5 kWh; 1 Wh..1 MWh. */
NVA_API nva_status nva_kpi_session_sizes(nva_kpi* kpi, const nva_kpi_query* query,
                                         int64_t length_bin_ms, int64_t energy_bin_mwh,
                                         nva_sizes* length, nva_sizes* energy,
                                         uint32_t struct_size);
NVA_API nva_status nva_kpi_session_sizes_json(nva_kpi* kpi, const nva_kpi_query* query,
                                              int64_t length_bin_ms, int64_t energy_bin_mwh,
                                              char** json);

/* A user is active when a session of theirs stops. The functions below that take no period look back
 * from to_us of the query (NVA_TIME_NONE: now), and days and from_us must not be set. */
typedef struct nva_active_users {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t at_us;
  uint64_t daily;    /* in the local day of at_us */
  uint64_t weekly;   /* in that and the 6 before */
  uint64_t monthly;  /* in that and the 29 before */
  double stickiness; /* daily in percent of monthly */
} nva_active_users;

typedef struct nva_streaks {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t at_us;
  uint64_t users;      /* that were ever active */
  int64_t max_current; /* days */
  int64_t max_longest;
} nva_streaks;

/* Of nva_kpi_streaks: so many users have a current, and a longest, streak of so many days. Of
 * nva_kpi_streak_leaders: the user's streaks, and 0 days. */
typedef struct nva_streak {
  uint32_t struct_size;
  int64_t days;
  int64_t current;
  int64_t longest;
} nva_streak;

typedef struct nva_retention {
  uint32_t struct_size;
  uint64_t new_users;
  uint64_t returning_users;
  uint64_t lapsed_users;
  uint64_t retained_count; /* numbers that nva_report_retained_at has */
} nva_retention;

typedef struct nva_user_summary {
  uint32_t struct_size;
  int32_t grain; /* NVA_GRAIN_... */
  int64_t at_us;
  int64_t total_sessions;
  int64_t active_window_sessions;
  double energy_kwh;
  double total_rewards_usd;
  double owed_usd;
  int64_t first_session_us; /* when it stopped; NVA_TIME_NONE: there is none */
  int64_t last_session_us;
  int64_t active_days;
  int64_t current_streak;
  int64_t longest_streak;
} nva_user_summary;

NVA_API nva_status nva_kpi_active_users(nva_kpi* kpi, const nva_kpi_query* query,
                                        nva_string time_zone, nva_active_users* result,
                                        uint32_t struct_size);
NVA_API nva_status nva_kpi_active_users_json(nva_kpi* kpi, const nva_kpi_query* query,
                                             nva_string time_zone, char** json);

/* `counts` has rows for nva_report_streak_at, by length; it may be NULL. */
NVA_API nva_status nva_kpi_streaks(nva_kpi* kpi, const nva_kpi_query* query, nva_string time_zone,
                                   nva_streaks* result, uint32_t struct_size, nva_report** counts);
/* The `leaders` users with the longest current streaks, their ids as the rows' names. */
NVA_API nva_status nva_kpi_streak_leaders(nva_kpi* kpi, const nva_kpi_query* query,
                                          nva_string time_zone, uint64_t leaders, nva_report** out);
NVA_API nva_status nva_kpi_streaks_json(nva_kpi* kpi, const nva_kpi_query* query,
                                        nva_string time_zone, uint64_t leaders, char** json);

/* Rows by bucket for nva_report_retention_at. `interval`: not NVA_INTERVAL_HOUR. At most 400 buckets. */
NVA_API nva_status nva_kpi_retention(nva_kpi* kpi, const nva_kpi_query* query,
                                     nva_interval interval, nva_string time_zone, nva_report** out);
NVA_API nva_status nva_kpi_retention_json(nva_kpi* kpi, const nva_kpi_query* query,
                                          nva_interval interval, nva_string time_zone, char** json);

/* Rows by number of sessions for nva_report_sessions_per_user_at. */
NVA_API nva_status nva_kpi_sessions_per_user(nva_kpi* kpi, const nva_kpi_query* query,
                                             nva_report** out);
NVA_API nva_status nva_kpi_sessions_per_user_json(nva_kpi* kpi, const nva_kpi_query* query,
                                                  char** json);

/* All zeros for somebody without sessions. The JSON also has the user's hubs. */
NVA_API nva_status nva_kpi_user(nva_kpi* kpi, nva_string user_id, const nva_kpi_query* query,
                                nva_string time_zone, nva_user_summary* result,
                                uint32_t struct_size);
NVA_API nva_status nva_kpi_user_json(nva_kpi* kpi, nva_string user_id, const nva_kpi_query* query,
                                     nva_string time_zone, char** json);

/* ---- HTTP --------------------------------------------------------------------------------- */

typedef struct nva_http_header {
  nva_string name;
  nva_string value;
} nva_http_header;

typedef struct nva_http_request {
  uint32_t struct_size;
  nva_string method;              /* "GET" */
  nva_string target;              /* path and query, percent-encoded as they came */
  const nva_http_header* headers; /* NULL: none */
  uint64_t header_count;
  nva_string body;         /* of at most max_body_bytes: a larger one is answered with 413 */
  uint64_t max_body_bytes; /* default 8 MiB; at least 1 */
} nva_http_request;

typedef struct nva_http_response nva_http_response;

NVA_API nva_status nva_http_request_init(nva_http_request* request, uint32_t struct_size);
/* Answers a request from the pipeline, for whatever server there is; docs/http.md lists the endpoints.
 * It knows no keys: who may ask is the caller's to decide. What cannot be answered is a response with
 * a status from 400 on, not an error. */
NVA_API nva_status nva_pipeline_handle_http(nva_pipeline* pipeline, const nva_http_request* request,
                                            nva_http_response** response);
/* What these give is valid until the response is freed. A status of 0, or nothing, for NULL. */
NVA_API int32_t nva_http_response_status(const nva_http_response* response);
NVA_API uint64_t nva_http_response_header_count(const nva_http_response* response);
/* INVALID_ARGUMENT when there is no header `index`. */
NVA_API nva_status nva_http_response_header_at(const nva_http_response* response, uint64_t index,
                                               nva_http_header* header);
NVA_API nva_string nva_http_response_body(const nva_http_response* response);
/* Empty, or the target of a request whose response's body belongs right behind this one: of a long
 * answer each part comes by itself. A server that sends a body as it is made goes on with it, once the
 * milliseconds have passed, while responses are 200, with the same method and headers; one that does not
 * leaves it to the client. */
NVA_API nva_string nva_http_response_next_target(const nva_http_response* response);
NVA_API uint32_t nva_http_response_next_after_ms(const nva_http_response* response);
NVA_API void nva_http_response_free(nva_http_response* response);
/* The OpenAPI 3.1 description of all endpoints; free it with nva_free(). It needs no pipeline. */
NVA_API nva_status nva_openapi_json(char** json);

/* ---- Redis -------------------------------------------------------------------------------- */

/* Puts KPIs and counters into Redis, for processes that have no pipeline: docs/redis.md names the keys. A thread
 * of its own asks and sends; nothing of the pipeline waits for it. All of these are UNIMPLEMENTED in a library
 * that was built without (NERAVA_REDIS). */
typedef struct nva_redis_publisher nva_redis_publisher;

typedef struct nva_redis_options {
  uint32_t struct_size;
  int32_t reserved;
  nva_string url;            /* "redis://127.0.0.1:6379"; docs/redis.md has its forms */
  nva_string prefix;         /* "nerava:analytics:", of every key */
  const nva_string* targets; /* requests of nva_pipeline_handle_http whose answers are kept */
  uint64_t target_count;     /* 0: the KPIs of 1, 7 and 30 days; at most 1000 */
  int64_t interval_ms;       /* default 1 s; from 100 ms */
  int64_t expiry_ms;         /* default 60 s; from two intervals */
  int64_t timeout_ms;        /* default 500 ms; to connect, and for a reply */
} nva_redis_options;

NVA_API nva_status nva_redis_options_init(nva_redis_options* options, uint32_t struct_size);
/* Redis need not be there. NULL options are the defaults. INVALID_ARGUMENT for what is out of range, and for a
 * target that is not answered with 200 for its own fault. */
NVA_API nva_status nva_redis_publisher_open(nva_pipeline* pipeline,
                                            const nva_redis_options* options,
                                            nva_redis_publisher** out);
/* Has a round begun now and waits for its end, at most timeout_ms (negative: without limit). UNAVAILABLE with
 * what went wrong, DEADLINE_EXCEEDED; FAILED_PRECONDITION in a forked child, which opens its own. */
NVA_API nva_status nva_redis_publisher_publish_now(nva_redis_publisher* publisher,
                                                   int64_t timeout_ms);
/* connected, rounds, commands, failures, failed_answers and last_error, as a JSON object. */
NVA_API nva_status nva_redis_publisher_stats_json(nva_redis_publisher* publisher, char** json);
/* Ends it; what Redis has expires. Until then it keeps the pipeline's memory: free it first. */
NVA_API void nva_redis_publisher_free(nva_redis_publisher* publisher);

/* ---- Reports ------------------------------------------------------------------------------ */

NVA_API uint64_t nva_report_size(const nva_report* report); /* rows; 0 for NULL */
/* INVALID_ARGUMENT when there is no row `index`. */
NVA_API nva_status nva_report_row_at(const nva_report* report, uint64_t index, nva_report_row* row,
                                     uint32_t struct_size);
/* Its KPIs: over the part of the bucket that lies in the query's period. */
NVA_API nva_status nva_report_summary_at(const nva_report* report, uint64_t index,
                                         nva_kpi_summary* summary, uint32_t struct_size);
/* These, and nva_report_summary_at, answer for rows of their kind, INVALID_ARGUMENT for others. */
NVA_API nva_status nva_report_funnel_at(const nva_report* report, uint64_t index,
                                        nva_funnel* funnel, uint32_t struct_size);
/* `hour_of_week`: 0..167, from Monday, 0 o'clock. */
NVA_API nva_status nva_report_load_at(const nva_report* report, uint64_t index,
                                      uint32_t hour_of_week, nva_load_cell* cell,
                                      uint32_t struct_size);
NVA_API nva_status nva_report_streak_at(const nva_report* report, uint64_t index,
                                        nva_streak* streak, uint32_t struct_size);
NVA_API nva_status nva_report_sessions_per_user_at(const nva_report* report, uint64_t index,
                                                   int64_t* sessions, uint64_t* users);
NVA_API nva_status nva_report_retention_at(const nva_report* report, uint64_t index,
                                           nva_retention* retention, uint32_t struct_size);
/* Of the bucket's new users, how many were active in the `later`th bucket after it; 0: in it, all. */
NVA_API nva_status nva_report_retained_at(const nva_report* report, uint64_t index, uint64_t later,
                                          uint64_t* users);
NVA_API void nva_report_free(nva_report* report);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* NERAVA_ANALYTICS_H_ */
