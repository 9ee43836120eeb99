// Where events are kept. A store knows nothing of KPIs: it offers the few primitives below inside
// one transaction, and the library computes. Write your own by deriving from Store; the
// conformance suite in tests/ runs against any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

enum class InsertOutcome : std::uint8_t {
  kInserted = 0,
  kDuplicate = 1,  // the event_id was there before, with the same payload: ignored
  kConflict = 2,   // the event_id was there before, with another payload: ignored, the first stays
  // It happened before what the store takes, see Horizons: refused, and kept as a dead letter.
  kTooOld = 3,
};

// Where what a store keeps begins: UTC midnights, events >= aggregates >= days. InfinitePast():
// nothing was dropped. Only ever move on. See data_retention.h.
struct Horizons {
  absl::Time events = absl::InfinitePast();
  absl::Time aggregates = absl::InfinitePast();  // facts, and aggregates finer than a day
  absl::Time days = absl::InfinitePast();        // aggregates by day; of a store without: events

  // Events before are refused. A day after `events`, so that of a session of at most a day that still
  // gets events all are there.
  absl::Time accepts_from() const { return events + absl::Hours(24); }
};

// A part of what Store::Retain is asked to do.
struct RetentionStep {
  std::int64_t events = 0;          // dropped
  std::int64_t aggregate_days = 0;  // days of facts and aggregates
  std::int64_t snapshot_days = 0;   // days of aggregates by day
  std::int64_t freed_bytes = 0;     // given back to the file system
  bool done = true;                 // nothing is left to do
  Horizons kept_from;               // now
};

struct EventCounts {
  std::uint64_t total = 0;
  std::map<std::string, std::uint64_t> by_type;  // "analytics_..."
  std::map<std::string, std::uint64_t> by_region;
};

// The facts and aggregates of a store that keeps them, inside a transaction.
class AggregateTable {
 public:
  virtual ~AggregateTable() = default;

  // Every aggregate of `grain` with from <= bucket < to that matches `filter`, in any order. Of the
  // grains only kCell and kCellBlock look at more than filter.region. `from` and `to` are bucket boundaries. An
  // error of the sink ends it, and is returned.
  using RowSink = absl::FunctionRef<absl::Status(const AggregateRow& row)>;
  virtual absl::Status Scan(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                            RowSink sink) = 0;

  // Every fact with from <= time < to that matches `filter`, in any order. Instead of its user_id,
  // which is empty, `user` is the number under which user sets have the user, 0 for none. The views
  // are valid during the call.
  using FactSink = absl::FunctionRef<absl::Status(const Fact& fact, std::uint32_t user)>;
  virtual absl::Status Facts(absl::Time from, absl::Time to, const KpiFilter& filter,
                             FactSink sink) = 0;

  // The begin of the earliest bucket of a day; null when there is none.
  virtual absl::StatusOr<std::optional<absl::Time>> First() = 0;

  // Between which times, multiples of a block's width, all blocks can be scanned; equal: none. Default:
  // none.
  using FromAndTo = std::pair<absl::Time, absl::Time>;
  virtual absl::StatusOr<FromAndTo> Blocks() { return FromAndTo(); }

  // The numbers under which user sets have users, and their ids. 0: unknown. DataLoss for a number
  // that no user has.
  virtual absl::StatusOr<std::uint32_t> UserNumber(std::string_view user_id) = 0;
  virtual absl::StatusOr<std::string> UserId(std::uint32_t number) = 0;

  // Keeps the facts, and adds each delta to its aggregate, which is made if missing. Write
  // transactions only.
  virtual absl::Status Add(const Changes& changes) = 0;
};

// Begins of UTC days; null when there is none.
struct DaysAround {
  std::optional<absl::Time> before;
  std::optional<absl::Time> from;  // at the time or later
};

// Inside a write transaction read before you insert: whether these show what the same transaction
// inserted is up to the store. A sink must not call the transaction.
class ReadTransaction {
 public:
  using EventSink = absl::FunctionRef<void(AnalyticsEvent event)>;

  virtual ~ReadTransaction() = default;

  // Every charge_started, charge_stopped and wallet_credited event of these sessions, in any order,
  // each once. Others of the same sessions may be among them.
  virtual absl::Status EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                        EventSink sink) = 0;

  // Every event with from <= time < to, in any order.
  virtual absl::Status EventsBetween(absl::Time from, absl::Time to, EventSink sink) = 0;

  virtual absl::StatusOr<EventCounts> CountEvents() = 0;

  // The events with a greater position, ascending, until there were `limit` of them or the sink says false.
  // Positions are the order of commits, from 1: each inserted event gets one above all that were given
  // before, and keeps it. What was erased or dropped is simply missing. So who goes on after the last
  // position that he saw misses no event. OutOfRange for a position that was never given, that of another
  // store, say. Default: Unimplemented, for a store that cannot tell.
  using PositionSink = absl::FunctionRef<bool(std::int64_t position, AnalyticsEvent event)>;
  virtual absl::Status EventsAfter(std::int64_t position, std::int64_t limit, PositionSink sink);
  // The last position that was given, whether or not its event is still there; 0: none was. Default: as above.
  virtual absl::StatusOr<std::int64_t> LastPosition();

  // What was dropped before this transaction.
  virtual Horizons kept_from() const { return {}; }
  // Of the UTC days with events the last one that begins before `time`, and the first one after. Default:
  // none, for a store that does not tell.
  virtual absl::StatusOr<DaysAround> EventDaysAround(absl::Time /*time*/) { return DaysAround(); }

  // How many erasures of persons there were. Default: 0.
  virtual std::int64_t erasures() const { return 0; }

  // Null for a store that keeps none; KPIs are then computed from the events of their period.
  virtual AggregateTable* aggregates() { return nullptr; }
};

// What erasing a person takes, inside a write transaction. After one of the last three is called, the
// other functions of the transaction must not be.
class Eraser {
 public:
  virtual ~Eraser() = default;

  // Every event whose user_id or aggregate_id is `user_id`, in any order.
  virtual absl::Status EventsOfUser(std::string_view user_id, ReadTransaction::EventSink sink) = 0;

  // Removes events, which are given as they are stored. Inserted again, they are duplicates.
  virtual absl::Status Remove(absl::Span<const AnalyticsEvent> events) = 0;
  // Stores these in place of those of the same event_id, time, type and region.
  virtual absl::Status Replace(absl::Span<const AnalyticsEvent> events) = 0;

  // Makes nobody's all that the aggregate table has of the user, and forgets their number: in how many
  // sessions that stopped. 0 for a store without one.
  virtual absl::StatusOr<std::int64_t> ForgetUser(std::string_view user_id) = 0;
};

class WriteTransaction : public ReadTransaction {
 public:
  // Inserts in order; an event whose id is stored already, or came earlier in `events`, is left
  // out. One outcome an event. `created_at` is when they are stored. InvalidArgument when the store
  // refuses an event for what it is: then the transaction is rolled back and the batch is retried
  // in halves.
  virtual absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                            absl::Time created_at) = 0;

  // Null for a store that cannot erase persons. Default: null.
  virtual Eraser* eraser() { return nullptr; }
};

// Thread-safe: one writer at a time (further ones wait), readers beside it. A reader sees one
// consistent state, which holds every write that returned before. Errors: Unavailable is transient
// (busy, disk full) and worth a retry; InvalidArgument is the event's fault; FailedPrecondition and
// DataLoss stay until somebody acts.
class Store {
 public:
  virtual ~Store() = default;

  // Runs `body` in a transaction; commits when it returns OK, else rolls back and returns its
  // error.
  virtual absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) = 0;
  virtual absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) = 0;

  // A number that grows with every write that may change an answer, whichever process made it; quickly.
  // Null: the store does not tell, and no answer is kept. Default: null.
  virtual absl::StatusOr<std::optional<std::uint64_t>> Version() { return std::nullopt; }

  // Returns once every write that returned before would survive a failure of the power. Only then
  // the journal forgets them. Default: they do at once.
  virtual absl::Status Sync() { return absl::OkStatus(); }

  // Drops in one transaction of about `limit` some of what lies before the `wanted` horizons, whole
  // days, oldest first; or, when nothing does, adds up days that are over, or gives some free disk space
  // back. Call it until it is done. A store without aggregates drops events before wanted.days. Default: Unimplemented.
  virtual absl::StatusOr<RetentionStep> Retain(const Horizons& wanted, absl::Duration limit);

  // Returns once nothing of what was removed before is left in files of the store. Unavailable while
  // somebody reads or writes. Default: nothing ever is.
  virtual absl::Status Purge() { return absl::OkStatus(); }

  // For people: "sqlite:////var/lib/nerava/analytics.db". Holds no secret. Tells stores apart that
  // share a journal's folder, so it must not change from one process to the next.
  virtual std::string Description() const = 0;

  // Absolute path of the folder where a journal for this store is kept unless the options name
  // another; empty for a store whose events do not outlive the process or that needs none.
  virtual std::string JournalFolder() const { return std::string(); }
};

struct StoreOptions {
  // SQLite's page cache for the writer, in bytes; each reader has one of at most 8 MiB. Default
  // 64 MiB.
  std::int64_t sqlite_cache_bytes = 64 << 20;
  // How long a writer waits for another process's lock before Unavailable. Default 5 s.
  absl::Duration sqlite_busy_timeout = absl::Seconds(5);
  // Rows after which a day gets a further partition. Default 1,000,000; at least 1,000.
  std::int64_t sqlite_partition_rows = 1'000'000;
};

// Opens the store a URL names, made if missing:
//   memory:                    in this process, gone with it; the reference, answers from events
//   sqlite:///relative.db      relative to the working directory
//   sqlite:////absolute.db
// InvalidArgument for another URL; FailedPrecondition for a file of a newer version or of another
// program.
absl::StatusOr<std::shared_ptr<Store>> OpenStore(std::string_view url, StoreOptions options = {});

}  // namespace nerava::analytics
