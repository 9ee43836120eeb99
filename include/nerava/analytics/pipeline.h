// One object that owns and wires producer, bus, batch writer, store and KPI calculator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nerava/analytics/batch_writer.h"
#include "nerava/analytics/bus.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/data_retention.h"
#include "nerava/analytics/erasure.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/options.h"
#include "nerava/analytics/producer.h"
#include "nerava/analytics/store.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics {

struct PipelineStats {
  ProducerStats producer = {};
  BusStats bus = {};
  BatchWriterStats writer = {};
  RetentionStats retention = {};
  KpiCacheStats kpi_cache = {};
  EventCounts stored = {};  // what the store holds now
};

enum class HealthStatus : std::uint8_t {
  kHealthy = 0,
  kDegraded = 1,  // all works, but there are warnings, or alerts are firing
  kUnhealthy = 2,
};

struct Health {
  bool healthy = false;
  bool enabled = true;
  // Why not healthy, or "disabled: events are discarded" (and, if so, why the store could not be
  // opened); empty otherwise. What comes behind a colon is the text of an error.
  std::string reason;
  // What somebody should look at though all works: dead letters, a journal that is nearly full, damaged
  // journal segments, old data that was not dropped. Colons as above.
  std::vector<std::string> warnings;
  std::vector<Alert> alerts;  // pending and firing
  PipelineStats stats;

  HealthStatus status() const;
};

// The backend's JSON keys, and further counters.
std::string ToJson(const PipelineStats& stats);
std::string ToJson(const Health& health);
// An array of {"time", "reason", "event"}, the event as ToJson(AnalyticsEvent) writes it.
std::string ToJson(absl::Span<const DeadLetter> letters);

// Thread-safe, except that Close() and destruction must not overlap other calls' ends: destroy it
// after the last call returned. After fork() it works in the child too, see BatchWriter; closing or
// destroying it there leaves the parent's alone.
class Pipeline {
 public:
  // Opens options.database_url and starts the writer. When not options.enabled, a database that
  // cannot be opened is no error: the pipeline then has an empty store in memory. It has no journal.
  static absl::StatusOr<std::unique_ptr<Pipeline>> Open(Options options,
                                                        const Clock& clock = Clock::System());
  // The same with a store of the caller's; options.database_url and options.store are not looked
  // at.
  static absl::StatusOr<std::unique_ptr<Pipeline>> Open(Options options,
                                                        std::shared_ptr<Store> store,
                                                        const Clock& clock = Clock::System());

  // Close(10 s) unless closed.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // See Producer. After Close: FailedPrecondition.
  absl::StatusOr<EventPtr> Publish(DomainEvent&& event);  // event is then moved from
  absl::StatusOr<EventPtr> Publish(const DomainEvent& event);
  absl::StatusOr<EventPtr> PublishJson(std::string_view json);

  // See BatchWriter: what is accepted is stored and in the KPIs when it returns 0.
  std::size_t Flush(absl::Duration timeout = absl::Seconds(10));
  std::size_t Close(absl::Duration timeout = absl::Seconds(10));

  // Drops at once what options().data_retention does not keep at `now` (default: the clock's), though
  // its schedule may be switched off. See ApplyRetention in data_retention.h.
  absl::StatusOr<RetentionRun> ApplyRetention(std::optional<absl::Time> now = std::nullopt);

  // Erases a person from the store, its journal's dead letters and files, and the bus's last events,
  // see erasure.h. What was accepted before the call is stored first, for which it waits at most
  // `timeout`, as for the journal; what comes later, is replayed meanwhile, or waits in other processes is
  // a new user's: stop sending, and flush these, first. Call it again after an error: what earlier calls
  // found is in the receipt of the one that ends well. InvalidArgument for an empty or over-long id, Unavailable while the store cannot be written, Unimplemented for a store of
  // your own without an Eraser. Takes some 0.3 s for every million events, in which nobody commits.
  absl::StatusOr<ErasureReceipt> EraseUser(const std::string& user_id,
                                           ErasedTotals totals = ErasedTotals::kKeep,
                                           absl::Duration timeout = absl::Seconds(10));

  // See watch.h. InvalidArgument for a bad watch, AlreadyExists for a second of its name; NotFound.
  absl::Status AddWatch(Watch watch);
  absl::Status RemoveWatch(const std::string& name);
  std::vector<Watch> watches() const;  // in the order in which they were added
  // Looks at all watches now, and calls on_alert on this thread. The error of a KPI that could not be
  // computed, after the others.
  absl::Status CheckWatches();
  // Pending and firing, as of the last look.
  std::vector<Alert> alerts() const;

  Producer& producer();
  Bus& bus();
  BatchWriter& writer();
  const KpiCalculator& kpis() const;
  const std::shared_ptr<Store>& store() const;
  const Options& options() const;

  // Unavailable when the store cannot be read.
  absl::StatusOr<PipelineStats> stats() const;
  // Never fails: what cannot be read makes it unhealthy. Unhealthy: closed, writer not running, the
  // journal cannot be written, the last commit failed, or the store cannot be read.
  Health health() const;

 private:
  struct Impl;
  explicit Pipeline(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace nerava::analytics
