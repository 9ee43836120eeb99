// Takes a person out of a SQLite file.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/store/sqlite/connection.h"
#include "lib/store/sqlite/partitions.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// Whether an event of this id was removed with a person, and must not come back: another process may
// have it in its journal still.
absl::StatusOr<bool> WasErased(Database& database, std::string_view event_id);

// Of one write transaction.
class Erasure final : public Eraser {
 public:
  Erasure(Connection& connection, const Partitions& partitions, const Snapshot& begin)
      : connection_(connection), partitions_(partitions), begin_(begin) {}

  absl::Status EventsOfUser(std::string_view user_id, ReadTransaction::EventSink sink) override;
  absl::Status Remove(absl::Span<const AnalyticsEvent> events) override;
  absl::Status Replace(absl::Span<const AnalyticsEvent> events) override;
  absl::StatusOr<std::int64_t> ForgetUser(std::string_view user_id) override;

 private:
  // Where an event lies.
  struct Place {
    PartitionPtr partition;
    std::int64_t id = 0;
    std::int64_t created_at = 0;
  };
  absl::StatusOr<Place> Find(const AnalyticsEvent& event);
  absl::Status Overwrite();
  absl::Status CountDown(const Partition& partition, const AnalyticsEvent& event);

  Connection& connection_;
  const Partitions& partitions_;
  const Snapshot& begin_;
};

}  // namespace nerava::analytics::sqlite
