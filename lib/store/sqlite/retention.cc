#include "lib/store/sqlite/retention.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "fmt/format.h"
#include "lib/base/mutex.h"
#include "lib/store/sqlite/blocks.h"
#include "lib/store/sqlite/schema.h"
#include "lib/store/sqlite/state.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr std::int64_t kSecondsPerDay = 86400;

// Moved at a time; each costs some reads and writes.
constexpr std::int64_t kPagesAtATime = 64;

class Retention {
 public:
  Retention(Database& database, const Horizons& kept_from, const Horizons& wanted)
      : database_(database), wanted_(wanted) {
    step_.kept_from = kept_from;
  }

  absl::StatusOr<RetentionStep> Run(SteadyTime deadline) {
    for (const auto part : {&Retention::DropEvents, &Retention::DropAggregates,
                            &Retention::DropDays, &Retention::AddUpDays, &Retention::FreePages}) {
      bool found = true;
      do {
        if (absl::Status status = (this->*part)(&found); !status.ok()) return status;
        if (found) step_.done = false;
      } while (found && SteadyNow() < deadline);
      // The next part is another step's, so that its errors do not take this one back.
      if (!step_.done) return step_;
    }
    return step_;
  }

 private:
  // Each does the least there is of its part to do, or finds nothing.

  absl::Status DropEvents(bool* found) {
    auto statement = database_.Prepare(
        "SELECT number, day, part, events FROM partitions WHERE day < ?1 "
        "ORDER BY day, part LIMIT 1");
    if (!statement.ok()) return statement.status();
    Statement& row = **statement;
    row.Bind(1, SecondsOf(wanted_.events));
    *found = row.Step();
    if (!*found) return row.status();  // at its end, so that it holds nothing
    const std::int64_t number = row.Integer(0);
    const std::int64_t day = row.Integer(1);
    const std::string table = PartitionTable(day, row.Integer(2));
    const std::int64_t events = row.Integer(3);
    row.Reset();
    step_.events += events;
    for (const char* sql :
         {"DELETE FROM partitions WHERE number = ?1", "DELETE FROM filters WHERE partition = ?1",
          "DELETE FROM event_counts WHERE partition = ?1"}) {
      if (absl::Status status = database_.RunWith(sql, number); !status.ok()) return status;
    }
    // What comes again is too old.
    absl::Status status = database_.RunWith("DELETE FROM erased WHERE day <= ?1", day);
    if (status.ok()) status = DropPartition(database_, number, table);
    if (!status.ok()) return status;
    return MoveTo(day, "events_from", &step_.kept_from.events);
  }

  // All of the earliest day with facts or aggregates.
  absl::Status DropAggregates(bool* found) {
    auto day = Earliest(
        "SELECT min(begin) FROM (SELECT min(slot) AS begin FROM facts UNION ALL "
        "SELECT min(bucket) FROM cells WHERE grain = 3 UNION ALL "
        "SELECT min(bucket) FROM aggregates WHERE grain = 0 UNION ALL "
        "SELECT min(bucket) FROM aggregates WHERE grain = 1)",
        wanted_.aggregates);
    if (!day.ok()) return day.status();
    *found = day->has_value();
    if (!*found) return absl::OkStatus();
    for (const char* sql :
         {"DELETE FROM facts WHERE slot >= ?1 AND slot < ?2",
          "DELETE FROM cells WHERE grain = 3 AND bucket >= ?1 AND bucket < ?2",
          "DELETE FROM aggregates WHERE grain = 0 AND bucket >= ?1 AND bucket < ?2",
          "DELETE FROM aggregates WHERE grain = 1 AND bucket >= ?1 AND bucket < ?2"}) {
      absl::Status status = database_.RunWith(sql, **day, **day + kSecondsPerDay);
      if (!status.ok()) return status;
    }
    // Blocks with the day, or earlier ones.
    absl::Status status =
        database_.RunWith("DELETE FROM cells WHERE grain = 5 AND bucket <= ?1", **day);
    if (!status.ok()) return status;
    ++step_.aggregate_days;
    return MoveTo(**day, "aggregates_from", &step_.kept_from.aggregates);
  }

  absl::Status DropDays(bool* found) {
    auto day = Earliest("SELECT min(bucket) FROM aggregates WHERE grain = 2", wanted_.days);
    if (!day.ok()) return day.status();
    *found = day->has_value();
    if (!*found) return absl::OkStatus();
    absl::Status status =
        database_.RunWith("DELETE FROM aggregates WHERE grain = 2 AND bucket >= ?1 AND bucket < ?2",
                          **day, **day + kSecondsPerDay);
    if (!status.ok()) return status;
    ++step_.snapshot_days;
    status = DropBlocks(database_, **day + kSecondsPerDay);
    if (!status.ok()) return status;
    return MoveTo(**day, "days_from", &step_.kept_from.days);
  }

  absl::Status AddUpDays(bool* found) {
    auto built = BuildBlock(database_);
    if (!built.ok()) return built.status();
    *found = *built;
    return absl::OkStatus();
  }

  // The day of what `sql` finds, when all of it lies before the horizon.
  absl::StatusOr<std::optional<std::int64_t>> Earliest(const std::string& sql, absl::Time horizon) {
    auto first = database_.Prepare(sql);
    if (!first.ok()) return first.status();
    std::optional<std::int64_t> day;
    if ((*first)->Step() && !(*first)->IsNull(0)) {
      const std::int64_t begin = (*first)->Integer(0);
      if (begin < 0) return absl::DataLossError("a stored day is damaged: it is negative");
      if (begin < SecondsOf(horizon)) day = begin - begin % kSecondsPerDay;
    }
    if (!(*first)->status().ok()) return (*first)->status();
    (*first)->Reset();
    return day;
  }

  // A day was dropped: what is kept begins after it.
  absl::Status MoveTo(std::int64_t day, const char* name, absl::Time* kept_from) {
    const absl::Time after = absl::FromUnixSeconds(day + kSecondsPerDay);
    if (after <= *kept_from) return absl::OkStatus();
    *kept_from = after;
    return WriteState(database_, name, day + kSecondsPerDay);
  }

  absl::Status FreePages(bool* found) {
    auto pages = database_.QueryInteger("PRAGMA page_count");
    if (!pages.ok()) return pages.status();
    auto free = database_.QueryInteger("PRAGMA freelist_count");
    if (!free.ok()) return free.status();
    *found = *free > 0;
    if (!*found) return absl::OkStatus();
    absl::Status status =
        database_.Execute(fmt::format("PRAGMA incremental_vacuum({})", kPagesAtATime));
    if (!status.ok()) return status;
    auto left = database_.QueryInteger("PRAGMA page_count");
    if (!left.ok()) return left.status();
    auto page_bytes = database_.QueryInteger("PRAGMA page_size");
    if (!page_bytes.ok()) return page_bytes.status();
    step_.freed_bytes += (*pages - *left) * *page_bytes;
    *found = *left < *pages;  // else the file was not made for it
    return absl::OkStatus();
  }

  Database& database_;
  const Horizons& wanted_;
  RetentionStep step_;
};

}  // namespace

absl::StatusOr<RetentionStep> Retain(Database& database, const Horizons& kept_from,
                                     const Horizons& wanted, absl::Duration limit) {
  return Retention(database, kept_from, wanted).Run(SteadyDeadline(limit));
}

absl::Status Optimize(Database& database) {
  // Bounded: it reads at most so many rows of a table.
  return database.Execute("PRAGMA analysis_limit = 400; PRAGMA optimize");
}

}  // namespace nerava::analytics::sqlite
