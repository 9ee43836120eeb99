// Everything that can be configured, with its default. docs/configuration.md shows it as a table.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/batch_writer.h"
#include "nerava/analytics/bus.h"
#include "nerava/analytics/data_retention.h"
#include "nerava/analytics/kpi_cache.h"
#include "nerava/analytics/store.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics {

struct Options {
  // false: events are validated, handed to nobody and discarded; health says so. KPIs are read from
  // the database, and are empty when it cannot be opened. Default true.
  bool enabled = true;
  // See OpenStore. Default "sqlite:///nerava_analytics.db".
  std::string database_url = "sqlite:///nerava_analytics.db";
  // Region of events that name none; 1..50 bytes. Default "default".
  std::string region = "default";

  // A secret of 16 to 1,024 bytes. With it users are stored, and shown, under their PseudonymOf(), also
  // as aggregate_id; who asks for one, or erases one, gives the real id. Another secret makes other
  // users of them. Default "": ids are stored as they come.
  std::string user_id_key = {};

  BusOptions bus = {};
  BatchWriterOptions writer = {};
  StoreOptions store = {};
  DataRetention data_retention = {};
  KpiCacheOptions kpi_cache = {};
  AlertOptions alerts = {};

  // `defaults` overridden by the environment. The only place that reads it:
  //   ANALYTICS_ENABLED         true/false, 1/0, yes/no, on/off
  //   ANALYTICS_DATABASE_URL    database_url
  //   ANALYTICS_REGION, REGION  region; the first that is set
  //   ANALYTICS_USER_ID_KEY     user_id_key
  //   ANALYTICS_BATCH_SIZE      writer.batch_size; raises max_batch_size and queue_capacity to it
  //   ANALYTICS_FLUSH_INTERVAL  writer.flush_interval, seconds, may have a fraction
  //   ANALYTICS_OVERFLOW        writer.overflow: block, reject or drop_oldest
  //   ANALYTICS_DURABILITY      writer.journal.durability: memory, process or power
  //   ANALYTICS_JOURNAL_DIR     writer.journal.directory
  //   ANALYTICS_SYNC_INTERVAL   writer.journal.sync_interval, seconds, may have a fraction
  //   ANALYTICS_RETENTION       data_retention.enabled, as ANALYTICS_ENABLED
  //   ANALYTICS_KEEP_EVENTS     data_retention.events, days or "forever"; so do
  //   ANALYTICS_KEEP_AGGREGATES, ANALYTICS_KEEP_SNAPSHOTS
  //   ANALYTICS_KPI_CACHE_BYTES kpi_cache.max_bytes
  //   ANALYTICS_KPI_WARM_DAYS   kpi_cache.warm_days, numbers with commas between
  // Set but empty counts as unset. InvalidArgument with the variable's name for a bad value.
  static absl::StatusOr<Options> FromEnvironment(Options defaults);
  static absl::StatusOr<Options> FromEnvironment();

  // InvalidArgument naming the first option that is out of its range.
  absl::Status Validate() const;
};

}  // namespace nerava::analytics
