#include "capi/options.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <vector>

#include "capi/fork_mutex.h"

namespace nerava::analytics::capi {

nva_string Intern(const std::string& text) {
  static auto& mutex = *new ForkMutex;
  static auto& strings = *new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return Borrow(*strings.insert(text).first);
}

namespace {

[[maybe_unused]] const nva_string made_at_start = Intern("");

std::int64_t ToMillis(absl::Duration duration) { return absl::ToInt64Milliseconds(duration); }

// One of a C enum's values, which are 0 to `last`.
std::int32_t Checked(std::int32_t value, std::int32_t last, const char* name) {
  if (value < 0 || value > last) {
    Fail("options->" + std::string(name) + " is " + std::to_string(value) +
         "; it must be one of those that nerava_analytics.h names");
  }
  return value;
}

// The pipeline's struct has the same members as the writer's and the store's own.
template <typename Struct>
void Fill(const BatchWriterOptions& from, Struct* to) {
  to->batch_size = from.batch_size;
  to->flush_interval_ms = ToMillis(from.flush_interval);
  to->max_batch_size = from.max_batch_size;
  to->queue_capacity = from.queue_capacity;
  to->overflow = static_cast<std::int32_t>(from.overflow);
  to->durability = from.journal.durability ? ToC(*from.journal.durability) : NVA_DURABILITY_DEFAULT;
  to->overflow_timeout_ms = ToMillis(from.overflow_timeout);
  to->retry_initial_backoff_ms = ToMillis(from.retry_initial_backoff);
  to->retry_max_backoff_ms = ToMillis(from.retry_max_backoff);
  to->journal_dir = Intern(from.journal.directory);
  to->sync_interval_ms = ToMillis(from.journal.sync_interval);
  to->journal_max_bytes = from.journal.max_bytes;
  to->journal_segment_bytes = from.journal.segment_bytes;
}

template <typename Struct>
void Take(const Struct& from, BatchWriterOptions* to) {
  to->batch_size = from.batch_size;
  to->flush_interval = absl::Milliseconds(from.flush_interval_ms);
  to->max_batch_size = from.max_batch_size;
  to->queue_capacity = from.queue_capacity;
  to->overflow =
      static_cast<Overflow>(Checked(from.overflow, NVA_OVERFLOW_DROP_OLDEST, "overflow"));
  const std::int32_t durability = Checked(from.durability, NVA_DURABILITY_POWER, "durability");
  if (durability != NVA_DURABILITY_DEFAULT) {
    to->journal.durability = static_cast<Durability>(durability - NVA_DURABILITY_MEMORY);
  }
  to->overflow_timeout = absl::Milliseconds(from.overflow_timeout_ms);
  to->retry_initial_backoff = absl::Milliseconds(from.retry_initial_backoff_ms);
  to->retry_max_backoff = absl::Milliseconds(from.retry_max_backoff_ms);
  to->journal.directory = Text(from.journal_dir, "options->journal_dir");
  to->journal.sync_interval = absl::Milliseconds(from.sync_interval_ms);
  to->journal.max_bytes = from.journal_max_bytes;
  to->journal.segment_bytes = from.journal_segment_bytes;
}

template <typename Struct>
void Fill(const StoreOptions& from, Struct* to) {
  to->sqlite_cache_bytes = from.sqlite_cache_bytes;
  to->sqlite_busy_timeout_ms = ToMillis(from.sqlite_busy_timeout);
  to->sqlite_partition_rows = from.sqlite_partition_rows;
}

template <typename Struct>
void Take(const Struct& from, StoreOptions* to) {
  to->sqlite_cache_bytes = from.sqlite_cache_bytes;
  to->sqlite_busy_timeout = absl::Milliseconds(from.sqlite_busy_timeout_ms);
  to->sqlite_partition_rows = from.sqlite_partition_rows;
}

std::int64_t ToDays(absl::Duration duration) {
  return duration == absl::InfiniteDuration() ? NVA_FOREVER : duration / absl::Hours(24);
}
absl::Duration FromDays(std::int64_t days) {
  constexpr std::int64_t kMost = 1'000'000;  // more would overflow
  if (days == NVA_FOREVER) return absl::InfiniteDuration();
  return std::clamp<std::int64_t>(days, -1, kMost) * absl::Hours(24);
}

void Fill(const DataRetention& from, nva_pipeline_options* to) {
  to->retention = from.enabled ? 1 : 0;
  to->keep_events_days = ToDays(from.events);
  to->keep_aggregates_days = ToDays(from.aggregates);
  to->keep_snapshots_days = ToDays(from.snapshots);
  to->retention_interval_ms = ToMillis(from.interval);
}

void Take(const nva_pipeline_options& from, DataRetention* to) {
  to->enabled = from.retention != 0;
  to->events = FromDays(from.keep_events_days);
  to->aggregates = FromDays(from.keep_aggregates_days);
  to->snapshots = FromDays(from.keep_snapshots_days);
  to->interval = absl::Milliseconds(from.retention_interval_ms);
}

// Intern for numbers.
const std::int32_t* InternNumbers(const std::vector<int>& numbers) {
  static auto& mutex = *new ForkMutex;
  static auto& known = *new std::set<std::vector<std::int32_t>>;
  const std::lock_guard lock(mutex);
  return known.insert({numbers.begin(), numbers.end()}).first->data();
}
[[maybe_unused]] const std::int32_t* const numbers_made_at_start = InternNumbers({});

void Fill(const KpiCacheOptions& from, nva_pipeline_options* to) {
  to->kpi_cache_bytes = from.max_bytes;
  to->kpi_warm_days = InternNumbers(from.warm_days);
  to->kpi_warm_days_count = from.warm_days.size();
}

void Take(const nva_pipeline_options& from, KpiCacheOptions* to) {
  to->max_bytes = from.kpi_cache_bytes;
  if (from.kpi_warm_days_count == 0) return;
  const std::int32_t* const days = &Require(from.kpi_warm_days, "options->kpi_warm_days");
  to->warm_days.assign(days, days + std::min<std::uint64_t>(from.kpi_warm_days_count, 1000));
}

void Fill(const AlertOptions& from, nva_pipeline_options* to) {
  to->alert_interval_ms =
      from.interval == absl::InfiniteDuration() ? NVA_FOREVER : ToMillis(from.interval);
  to->alert_window_ms = ToMillis(from.window);
  to->alert_error_rate = from.error_rate;
  to->alert_error_sample = from.error_sample;
}

void Take(const nva_pipeline_options& from, AlertOptions* to) {
  to->interval = from.alert_interval_ms == NVA_FOREVER ? absl::InfiniteDuration()
                                                       : absl::Milliseconds(from.alert_interval_ms);
  to->window = absl::Milliseconds(from.alert_window_ms);
  to->error_rate = from.alert_error_rate;
  to->error_sample = from.alert_error_sample;
}

void Fill(const Options& from, nva_pipeline_options* to) {
  to->enabled = from.enabled ? 1 : 0;
  to->database_url = Intern(from.database_url);
  to->region = Intern(from.region);
  to->user_id_key = Intern(from.user_id_key);
  to->recent_capacity = from.bus.recent_capacity;
  Fill(from.writer, to);
  Fill(from.store, to);
  Fill(from.data_retention, to);
  Fill(from.kpi_cache, to);
  Fill(from.alerts, to);
}

}  // namespace

void ReportTo(const ErrorCallback& callback, BusOptions* options) {
  if (!callback) return;
  options->on_error = [callback](std::string_view type, const AnalyticsEvent& event,
                                 const absl::Status& error) {
    const std::string message = "a subscriber of " + std::string(type) + " failed on event " +
                                event.event_id + ": " + std::string(error.message());
    callback(absl::Status(error.code(), message));
  };
}

void ReportTo(const ErrorCallback& callback, BatchWriterOptions* options) {
  if (callback) options->on_error = callback;
}

Options FromStruct(const nva_pipeline_options* in) {
  Options options;
  if (in == nullptr) return options;
  const nva_pipeline_options given = Read(in, "options");
  options.enabled = given.enabled != 0;
  options.database_url = Text(given.database_url, "options->database_url");
  options.region = Text(given.region, "options->region");
  options.user_id_key = Text(given.user_id_key, "options->user_id_key");
  options.bus.recent_capacity = given.recent_capacity;
  Take(given, &options.writer);
  Take(given, &options.store);
  Take(given, &options.data_retention);
  Take(given, &options.kpi_cache);
  Take(given, &options.alerts);
  return options;
}

BusOptions FromStruct(const nva_bus_options* in) {
  BusOptions options;
  if (in != nullptr) options.recent_capacity = Read(in, "options").recent_capacity;
  return options;
}

BatchWriterOptions FromStruct(const nva_batch_writer_options* in) {
  BatchWriterOptions options;
  if (in != nullptr) Take(Read(in, "options"), &options);
  return options;
}

StoreOptions FromStruct(const nva_store_options* in) {
  StoreOptions options;
  if (in != nullptr) Take(Read(in, "options"), &options);
  return options;
}

}  // namespace nerava::analytics::capi

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace

nva_status nva_pipeline_options_init(nva_pipeline_options* options, uint32_t struct_size) {
  return Guarded([&] {
    nva_pipeline_options defaults{};
    Fill(nerava::analytics::Options(), &defaults);
    Write(defaults, options, struct_size, "options");
  });
}

nva_status nva_pipeline_options_from_environment(nva_pipeline_options* options) {
  return Guarded([&] {
    Require(options, "options");
    Fill(Value(nerava::analytics::Options::FromEnvironment(FromStruct(options))), options);
  });
}

nva_status nva_bus_options_init(nva_bus_options* options, uint32_t struct_size) {
  return Guarded([&] {
    nva_bus_options defaults{};
    defaults.recent_capacity = nerava::analytics::BusOptions().recent_capacity;
    Write(defaults, options, struct_size, "options");
  });
}

nva_status nva_batch_writer_options_init(nva_batch_writer_options* options, uint32_t struct_size) {
  return Guarded([&] {
    nva_batch_writer_options defaults{};
    Fill(nerava::analytics::BatchWriterOptions(), &defaults);
    Write(defaults, options, struct_size, "options");
  });
}

nva_status nva_store_options_init(nva_store_options* options, uint32_t struct_size) {
  return Guarded([&] {
    nva_store_options defaults{};
    Fill(nerava::analytics::StoreOptions(), &defaults);
    Write(defaults, options, struct_size, "options");
  });
}
