#include "nerava/analytics/pipeline.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <new>
#include <set>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/base/mutex.h"
#include "lib/event/fields.h"
#include "lib/event/validate.h"
#include "lib/journal/fill.h"
#include "lib/kpi/cache.h"
#include "lib/pipeline/housekeeping.h"
#include "lib/pipeline/validate.h"
#include "lib/projection/erase.h"
#include "lib/retention/schedule.h"
#include "lib/watch/watcher.h"
#include "nerava/analytics/pseudonym.h"

namespace nerava::analytics {
namespace {

constexpr TextField kErasedUser = Required(TextField{"the user_id to erase", FieldKind::kId});

absl::Status ClosedError() {
  return absl::FailedPreconditionError(
      "the pipeline is closed and accepts no more events; open another one");
}

// Unavailable, whatever the store's error is: for the reader it comes to the same.
absl::StatusOr<EventCounts> CountEvents(Store& store) {
  EventCounts counts;
  std::string error;
  try {
    const absl::Status read = store.Read([&](ReadTransaction& transaction) {
      absl::StatusOr<EventCounts> counted = transaction.CountEvents();
      if (counted.ok()) counts = *std::move(counted);
      return counted.status();
    });
    if (read.ok()) return counts;
    error = read.ToString();
  } catch (const std::bad_alloc&) {
    error = "out of memory";
  } catch (const std::exception& thrown) {
    error = thrown.what();
  } catch (...) {
    error = "it threw something that is no std::exception";
  }
  return absl::UnavailableError(
      fmt::format("the store {} cannot be read: {}", store.Description(), error));
}

// What a person should look at, though events are accepted and stored.
std::vector<std::string> Warnings(const PipelineStats& stats, const BatchWriterOptions& options) {
  const BatchWriterStats& writer = stats.writer;
  std::vector<std::string> warnings;
  if (writer.dead_letters > 0) {
    warnings.push_back(
        fmt::format("{} dead letters, events that the store refused; read them, and replay them "
                    "once their cause is mended",
                    writer.dead_letters));
  }
  if (writer.dropped_unreadable > 0) {
    warnings.push_back(
        fmt::format("{} lost events, their journal was removed or changed while they waited to be "
                    "stored; leave its folder to the library",
                    writer.dropped_unreadable));
  }
  if (writer.journal.quarantined_segments > 0) {
    warnings.push_back(
        fmt::format("{} damaged journal segments, kept aside in the journal's folder for somebody "
                    "to look at",
                    writer.journal.quarantined_segments));
  }
  constexpr double kNearlyFull = 0.8;
  const double fill = JournalFill(writer.journal, options.journal);
  if (fill >= kNearlyFull) {
    warnings.push_back(fmt::format(
        "the journal is {:.0f} % full; look at why the store does not keep up", 100 * fill));
  }
  if (!stats.retention.last_error.empty()) {
    warnings.push_back("old data is kept: " + stats.retention.last_error);
  }
  return warnings;
}

}  // namespace

// Members are in the order in which data passes them, and destroyed from the source on.
struct Pipeline::Impl {
  Impl(Options options_in, std::shared_ptr<Store> store_in,
       std::shared_ptr<RetentionSchedule> retention_in, std::shared_ptr<AnswerCache> cache,
       std::shared_ptr<Watcher> watcher_in, std::unique_ptr<BatchWriter> writer_in,
       const Clock& clock_in)
      : options(std::move(options_in)),
        clock(clock_in),
        store(std::move(store_in)),
        retention(std::move(retention_in)),
        watcher(std::move(watcher_in)),
        writer(std::move(writer_in)),
        bus(options.bus),
        producer({.region = options.region, .user_id_key = options.user_id_key},
                 options.enabled ? &bus : &nowhere, clock),
        kpis(store, options.region, clock, std::move(cache), options.user_id_key) {}

  ~Impl() { watcher->Stop(SteadyTime::max(), /*last=*/true); }

  absl::Status Start() {
    watcher->Start(clock, [this] { return Counted(); });
    if (!options.enabled) {
      writer->Stop(absl::ZeroDuration());  // what is written to it directly must not pile up
      return absl::OkStatus();
    }
    if (absl::Status started = writer->Start(); !started.ok()) return started;
    return bus.Subscribe(
        "*", [this](const EventPtr& event) { return Write(event); }, &to_writer,
        Bus::Delivery::kRequired);
  }

  absl::Status Write(const EventPtr& event) {
    const absl::Time from = retention->accepts_from();
    return event->time < from ? RefuseTooOld(event->time, from) : writer->Write(event);
  }

  // What is counted here, without the store.
  PipelineStats Counters() const {
    return {.producer = producer.stats(),
            .bus = bus.stats(),
            .writer = writer->stats(),
            .retention = retention->stats(),
            .kpi_cache = kpis.cache_stats()};
  }

  OperationCounts Counted() const {
    const PipelineStats stats = Counters();
    const BatchWriterStats& writer_stats = stats.writer;
    const std::uint64_t lost = stats.producer.rejected + writer_stats.overflows +
                               writer_stats.journal.write_errors + writer_stats.dropped +
                               writer_stats.dead_lettered;
    return {
        .events = lost + writer_stats.committed + writer_stats.duplicates + writer_stats.conflicts,
        .lost = lost,
        .kpi_failures = stats.kpi_cache.failures,
        .oldest_pending = writer_stats.oldest_pending_age,
        .last_error = writer_stats.last_error};
  }

  // Of the person with this id, in the order in which nothing is missed when it is called again after
  // an error.
  absl::StatusOr<ErasureReceipt> Erase(const std::string& user_id, ErasedTotals totals,
                                       absl::Duration timeout) {
    if (const std::size_t left = writer->Flush(timeout); left > 0) {
      const std::string error = writer->stats().last_error;
      return absl::UnavailableError(fmt::format(
          "nothing was erased: {} events that were accepted before still wait to be stored{}{}",
          left, error.empty() ? "; try again later" : ": ", error));
    }
    // Also what was stored before there was a key.
    UserIds ids{user_id, PseudonymOf(user_id, options.user_id_key)};
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());

    RemovedLetters letters;
    std::set<std::string> sessions;
    const auto theirs = [&](const AnalyticsEvent& event) {
      return Names(event, ids) ||
             (!event.session_id.empty() && sessions.contains(event.session_id));
    };
    auto stored = EraseFromStore(
        *store, ids, totals, [&](const std::vector<std::string>& known) -> absl::Status {
          sessions.insert(known.begin(), known.end());
          // Of sessions of which there are only dead letters, these tell whose they are.
          auto looked_at = writer->RemoveDeadLetters([&](const AnalyticsEvent& event) {
            if (Names(event, ids)) sessions.insert(event.session_id);
            return false;
          });
          if (!looked_at.ok()) return looked_at.status();
          auto removed = writer->RemoveDeadLetters(theirs);
          if (!removed.ok()) return removed.status();
          letters = *removed;
          return absl::OkStatus();
        });
    if (!stored.ok() && letters.removed == 0) return stored.status();
    {
      const MutexLock lock(erasing);
      ErasureReceipt& receipt = unfinished[ids.back()];
      receipt.dead_letters += static_cast<std::int64_t>(letters.removed);
      if (!stored.ok()) return stored.status();
      receipt.events_removed += stored->events_removed;
      receipt.events_anonymized += stored->events_anonymized;
      receipt.sessions_removed += stored->sessions_removed;
      receipt.sessions_anonymized += stored->sessions_anonymized;
    }
    bus.Forget(theirs);
    absl::Status purged = writer->RenewJournal(timeout);
    if (purged.ok()) purged = GuardedFromStore([&] { return store->Purge(); });
    if (!purged.ok()) {
      return absl::Status(purged.code(),
                          fmt::format("the person was erased, but may still be found in files: {}; "
                                      "erase again to have them purged",
                                      std::string(purged.message())));
    }
    ErasureReceipt receipt;
    {
      const MutexLock lock(erasing);
      receipt = std::exchange(unfinished[ids.back()], ErasureReceipt());
      unfinished.erase(ids.back());
    }
    receipt.erased_at = clock.Now();
    receipt.totals = totals;
    receipt.unreadable_letters = static_cast<std::int64_t>(letters.unreadable);
    receipt.quarantined_segments = static_cast<std::int64_t>(writer->QuarantinedSegments());
    return receipt;
  }

  const Options options;
  const Clock& clock;
  const std::shared_ptr<Store> store;
  const std::shared_ptr<RetentionSchedule> retention;
  const std::shared_ptr<Watcher> watcher;
  std::string store_error;  // why a disabled pipeline has an empty store instead; set by Open
  const std::unique_ptr<BatchWriter> writer;
  Bus bus;
  Bus nowhere{BusOptions{.recent_capacity = 0}};  // where a disabled pipeline publishes
  Producer producer;
  const KpiCalculator kpis;
  // Never reset before the end: without it an event on its way during Close() would be accepted by
  // nobody and yet reported as published. The stopped writer refuses it.
  Subscription to_writer;
  std::atomic<bool> closed{false};

  // What erasures found that then came to no end, by user: the call that ends them says it all.
  Mutex erasing;
  std::map<std::string, ErasureReceipt> unfinished ABSL_GUARDED_BY(erasing);
};

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::Open(Options options, const Clock& clock) {
  if (absl::Status valid = options.Validate(); !valid.ok()) return valid;
  auto store = OpenStore(options.database_url, options.store);
  if (store.ok()) return Open(std::move(options), *std::move(store), clock);
  if (options.enabled) return store.status();
  // Who switched analytics off wants to run without it.
  auto nothing = OpenStore("memory:");
  if (!nothing.ok()) return nothing.status();
  auto pipeline = Open(std::move(options), *std::move(nothing), clock);
  if (pipeline.ok()) (*pipeline)->impl_->store_error = std::string(store.status().message());
  return pipeline;
}

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::Open(Options options,
                                                         std::shared_ptr<Store> store,
                                                         const Clock& clock) {
  if (absl::Status valid = ValidateWithoutStore(options); !valid.ok()) return valid;
  BatchWriterOptions writer_options = options.writer;
  if (!options.enabled) writer_options.journal = {.durability = Durability::kMemory};
  auto retention = std::make_shared<RetentionSchedule>(store, options.data_retention);
  auto cache = std::make_shared<AnswerCache>(options.kpi_cache.max_bytes);
  auto watcher =
      std::make_shared<Watcher>(options.alerts, options.writer.flush_interval, store, cache);
  auto housekeeping =
      std::make_shared<Housekeeping>(retention, watcher, store, cache, options.kpi_cache.warm_days);
  auto writer =
      BatchWriter::Create(std::move(writer_options), store, clock, std::move(housekeeping));
  if (!writer.ok()) return writer.status();
  retention->ReadHorizons();
  auto impl =
      std::make_unique<Impl>(std::move(options), std::move(store), std::move(retention),
                             std::move(cache), std::move(watcher), *std::move(writer), clock);
  if (absl::Status started = impl->Start(); !started.ok()) return started;
  return std::unique_ptr<Pipeline>(new Pipeline(std::move(impl)));
}

Pipeline::Pipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Pipeline::~Pipeline() {
  // What cannot be stored in time is counted and reported by the writer.
  if (!impl_->closed) Close();
}

absl::StatusOr<EventPtr> Pipeline::Publish(DomainEvent&& event) {
  if (impl_->closed) return ClosedError();
  return impl_->producer.Publish(std::move(event));
}

absl::StatusOr<EventPtr> Pipeline::Publish(const DomainEvent& event) {
  return Publish(DomainEvent(event));
}

absl::StatusOr<EventPtr> Pipeline::PublishJson(std::string_view json) {
  if (impl_->closed) return ClosedError();
  return impl_->producer.PublishJson(json);
}

std::size_t Pipeline::Flush(absl::Duration timeout) { return impl_->writer->Flush(timeout); }

std::size_t Pipeline::Close(absl::Duration timeout) {
  const SteadyTime deadline = SteadyDeadline(timeout);
  impl_->closed = true;  // the source first, then what it feeds
  impl_->watcher->Stop(SteadyNow(), /*last=*/false);
  const std::size_t pending = impl_->writer->Stop(timeout);
  impl_->watcher->Stop(deadline, /*last=*/false);
  return pending;
}

absl::StatusOr<RetentionRun> Pipeline::ApplyRetention(std::optional<absl::Time> now) {
  return impl_->retention->Apply(now.value_or(impl_->clock.Now()));
}

absl::StatusOr<ErasureReceipt> Pipeline::EraseUser(const std::string& user_id, ErasedTotals totals,
                                                   absl::Duration timeout) {
  if (absl::Status valid = CheckText(kErasedUser, user_id); !valid.ok()) return valid;
  if (impl_->closed) {
    return absl::FailedPreconditionError(
        "the pipeline is closed and erases nobody; open another one");
  }
  return impl_->Erase(user_id, totals, timeout);
}

absl::Status Pipeline::AddWatch(Watch watch) { return impl_->watcher->Add(std::move(watch)); }
absl::Status Pipeline::RemoveWatch(const std::string& name) { return impl_->watcher->Remove(name); }
std::vector<Watch> Pipeline::watches() const { return impl_->watcher->List(); }
absl::Status Pipeline::CheckWatches() { return impl_->watcher->Check(); }
std::vector<Alert> Pipeline::alerts() const { return impl_->watcher->Alerts(); }

Producer& Pipeline::producer() { return impl_->producer; }
Bus& Pipeline::bus() { return impl_->bus; }
BatchWriter& Pipeline::writer() { return *impl_->writer; }
const KpiCalculator& Pipeline::kpis() const { return impl_->kpis; }
const std::shared_ptr<Store>& Pipeline::store() const { return impl_->store; }
const Options& Pipeline::options() const { return impl_->options; }

absl::StatusOr<PipelineStats> Pipeline::stats() const {
  absl::StatusOr<EventCounts> stored = CountEvents(*impl_->store);
  if (!stored.ok()) return stored.status();
  PipelineStats stats = impl_->Counters();
  stats.stored = *std::move(stored);
  return stats;
}

HealthStatus Health::status() const {
  if (!healthy) return HealthStatus::kUnhealthy;
  const bool fires = std::any_of(alerts.begin(), alerts.end(), [](const Alert& alert) {
    return alert.state == AlertState::kFiring;
  });
  return warnings.empty() && !fires ? HealthStatus::kHealthy : HealthStatus::kDegraded;
}

Health Pipeline::health() const {
  Health health;
  health.enabled = impl_->options.enabled;
  health.stats = impl_->Counters();
  absl::StatusOr<EventCounts> stored = CountEvents(*impl_->store);
  if (stored.ok()) health.stats.stored = *stored;

  const BatchWriterStats& writer = health.stats.writer;
  health.warnings = Warnings(health.stats, impl_->options.writer);
  health.alerts = impl_->watcher->Alerts();
  if (impl_->closed) {
    health.reason = "the pipeline is closed";
  } else if (health.enabled && !writer.running) {
    health.reason = "the batch writer does not run";
  } else if (!writer.journal.last_error.empty()) {
    health.reason = fmt::format(
        "the journal cannot be written, so that events are refused or less safe: {}; make room on "
        "its disk, or mend its folder",
        writer.journal.last_error);
  } else if (!writer.last_error.empty()) {
    health.reason = fmt::format("the last commit failed: {}", writer.last_error);
  } else if (!stored.ok()) {
    health.reason = "the store cannot be read: " + std::string(stored.status().message());
  } else {
    health.healthy = true;
    if (!health.enabled) health.reason = "disabled: events are discarded";
    if (!impl_->store_error.empty()) {
      health.reason += "; the store could not be opened: " + impl_->store_error;
    }
  }
  return health;
}

}  // namespace nerava::analytics
