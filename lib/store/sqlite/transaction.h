// What a store may do between BEGIN and COMMIT, on one connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "lib/base/hash_map.h"
#include "lib/store/sqlite/connection.h"
#include "lib/store/sqlite/erasure.h"
#include "lib/store/sqlite/partitions.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// One thread. A reader uses only the ReadTransaction part.
class Transaction final : public WriteTransaction {
 public:
  Transaction(Connection& connection, Partitions& partitions, std::int64_t partition_rows)
      : connection_(connection), partitions_(partitions), partition_rows_(partition_rows) {}

  // After BEGIN: sees to it that the partitions are up to date.
  absl::Status Begin();

  absl::Status EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                EventSink sink) override;
  absl::Status EventsBetween(absl::Time from, absl::Time to, EventSink sink) override;
  absl::StatusOr<EventCounts> CountEvents() override;
  absl::Status EventsAfter(std::int64_t position, std::int64_t limit, PositionSink sink) override;
  absl::StatusOr<std::int64_t> LastPosition() override { return begin_.last_event; }
  absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                    absl::Time created_at) override;
  Horizons kept_from() const override { return kept_from_; }
  std::int64_t erasures() const override { return connection_.erasures; }
  absl::StatusOr<DaysAround> EventDaysAround(absl::Time time) override;
  AggregateTable* aggregates() override { return &connection_.aggregates; }
  Eraser* eraser() override;

  // Before COMMIT of a writer: writes what is kept beside the events. Then Committed after it.
  absl::Status BeforeCommit();
  void Committed();

 private:
  // A partition that this transaction adds to, with its INSERT.
  struct Growing {
    PartitionGrowth growth;
    std::int64_t stored = 0;  // events it held before
    Statement* insert = nullptr;
  };

  absl::Status FindKnown(absl::Span<const EventPtr> events,
                         absl::Span<const std::uint64_t> id_hashes,
                         std::vector<std::optional<InsertOutcome>>* known);
  absl::StatusOr<Growing*> PartitionFor(absl::Time time);
  absl::StatusOr<PartitionPtr> AddPartition(std::int64_t day, std::int64_t part);

  Connection& connection_;
  Partitions& partitions_;
  const std::int64_t partition_rows_;
  Snapshot begin_;
  Horizons kept_from_;
  std::int64_t last_event_ = 0;

  // Of the events inserted by this transaction.
  HashMap<absl::string_view, const AnalyticsEvent*> added_;
  std::vector<EventPtr> kept_alive_;        // what added_ and counts_ point to
  HashMap<std::int64_t, Growing> growing_;  // the current partition, by day
  std::vector<PartitionGrowth> full_;       // those that reached their cap
  struct Counted {
    std::int64_t partition;
    absl::string_view type, region;
    friend bool operator==(const Counted&, const Counted&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Counted& counted) {
      return H::combine(std::move(state), counted.partition, counted.type, counted.region);
    }
  };
  HashMap<Counted, std::int64_t> counts_;
  std::shared_ptr<Partitions::PendingFilters> filters_;

  std::optional<Erasure> erasure_;
};

}  // namespace nerava::analytics::sqlite
