// Which partitions there are, and which of them may hold an id or a session.
//
// Nearly every new event asks "was this id, was this session ever seen?" of every day, and nearly
// always the answer is no. A Bloom filter a partition gives it without touching the file. The
// filters are a cache of the file: kept in it now and then, and brought up to date from the rows
// that were added since, by this process or another.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "lib/base/mutex.h"
#include "lib/store/sqlite/bloom_filter.h"
#include "lib/store/sqlite/database.h"

namespace nerava::analytics::sqlite {

// What never changes of a partition.
struct Partition {
  Partition(std::int64_t number, std::int64_t day, std::int64_t part, std::int64_t first_event);

  const std::int64_t number;
  const std::int64_t day;  // seconds since 1970
  const std::int64_t part;
  const std::int64_t first_event;  // smallest id
  const std::string table;
  const std::string find_id_sql, find_session_sql, between_sql, after_sql, insert_sql;
};
using PartitionPtr = std::shared_ptr<const Partition>;

// What a transaction sees of the file.
struct Snapshot {
  std::int64_t last_event = 0;   // the largest id
  std::int64_t events_from = 0;  // partitions of days before, seconds since 1970, were dropped
};

// Rows that a transaction added to one partition.
struct PartitionGrowth {
  PartitionPtr partition;
  std::int64_t events = 0;      // added
  std::int64_t last_event = 0;  // largest id
  std::vector<std::uint64_t> id_hashes;
  std::vector<std::uint64_t> session_hashes;
};

// Shared by all connections of a store. Thread-safe.
class Partitions {
 public:
  enum class Key { kEventId, kSession };

  // A partition and which of the asked keys (by index) it may hold.
  struct Candidates {
    PartitionPtr partition;
    std::vector<std::size_t> keys;
  };

  // Brings this up to date with what `database`, inside a transaction, sees.
  absl::Status CatchUp(Database& database, const Snapshot& seen);

  // Call CatchUp before; partitions that `seen` does not have are left out.
  std::vector<Candidates> FindCandidates(Key key, absl::Span<const std::uint64_t> hashes,
                                         const Snapshot& seen) const;

  // Those whose days touch [from, to), in seconds since 1970.
  std::vector<PartitionPtr> Between(std::int64_t from, std::int64_t to, const Snapshot& seen) const;

  // Those with an event after this one, by their first_event; others may be among them.
  std::vector<PartitionPtr> After(std::int64_t event, const Snapshot& seen) const;

  // The last partition of a day, and how many events it holds; null when there is none.
  PartitionPtr LastOfDay(std::int64_t day, std::int64_t* events) const;

  // A transaction that grew partitions is about to commit: writes their counts, and their filters
  // where it is time, into the file. Then, after the commit, Committed; it cannot fail. After a
  // rollback neither is called, and nothing has changed here.
  class PendingFilters;
  absl::StatusOr<std::shared_ptr<PendingFilters>> BeforeCommit(
      Database& database, absl::Span<const PartitionGrowth> growth) const;
  void Committed(absl::Span<const PartitionGrowth> growth, std::shared_ptr<PendingFilters> filters,
                 std::int64_t last_event);

  // Writes every filter that has grown since it was last written. Inside a write transaction.
  absl::Status SaveFilters(Database& database);

 private:
  struct Entry {
    PartitionPtr partition;
    std::int64_t events = 0;
    std::int64_t last_event = 0;    // largest id that the filters hold
    std::int64_t saved_events = 0;  // held by the filters in the file
    BloomFilter ids{0};
    BloomFilter sessions{0};

    bool IsIn(const Snapshot& seen) const {
      return partition->first_event <= seen.last_event && partition->day >= seen.events_from;
    }
  };
  absl::Status CatchUpWithEvents(Database& database, std::int64_t last_event)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetDropped(std::int64_t events_from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Clear(Entry* entry);
  static absl::Status AddRows(Database& database, Entry* entry);
  static absl::Status Scan(Database& database, Entry* entry);
  static absl::Status Save(Database& database, Entry* entry);
  static void ReadFilters(const Statement& row, Entry* entry);

  mutable SharedMutex mutex_;
  Snapshot caught_up_to_ ABSL_GUARDED_BY(mutex_);
  absl::btree_map<std::int64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);             // by number
  absl::btree_map<std::int64_t, std::int64_t> last_of_day_ ABSL_GUARDED_BY(mutex_);  // day, number
};

}  // namespace nerava::analytics::sqlite
