#include "lib/store/sqlite/partitions.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "lib/store/sqlite/event_rows.h"
#include "lib/store/sqlite/schema.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr std::int64_t kSecondsPerDay = 86400;

// Room in a new filter, and how much more a filter that is made anew has than it needs.
constexpr std::int64_t kMinCapacity = 1024;
constexpr std::int64_t kSpare = 2;

constexpr std::int64_t kLastDay = 253402300800 - kSecondsPerDay;  // 9999-12-31

// A row has a time, an id and more.
constexpr std::int64_t kMinRowBytes = 16;

absl::Status Damaged(std::string_view table) {
  return absl::DataLossError(fmt::format(
      "the table \"{}\" of the SQLite file is damaged; restore the file from a backup", table));
}

// A filter is written when half of it is new: what was not yet written is scanned at the next open.
bool WorthSaving(std::int64_t events, std::int64_t saved_events) {
  return events - saved_events > std::max(kMinCapacity, saved_events / 2);
}

}  // namespace

Partition::Partition(std::int64_t number_in, std::int64_t day_in, std::int64_t part_in,
                     std::int64_t first_event_in)
    : number(number_in),
      day(day_in),
      part(part_in),
      first_event(first_event_in),
      table(PartitionTable(day, part)),
      find_id_sql(
          fmt::format("SELECT {} FROM {} WHERE event_id = ?1", EventRows::Columns(), table)),
      find_session_sql(
          fmt::format("SELECT {} FROM {} WHERE session = ?1", EventRows::Columns(), table)),
      between_sql(fmt::format("SELECT {} FROM {} WHERE time >= ?1 AND time < ?2",
                              EventRows::Columns(), table)),
      after_sql(
          fmt::format("SELECT {} FROM {} WHERE id > ?1 ORDER BY id", EventRows::Columns(), table)),
      insert_sql(EventRows::InsertSql(table)) {}

// Filters made inside a transaction, to take the place of the present ones after its commit.
class Partitions::PendingFilters {
 public:
  absl::btree_map<std::int64_t, Entry> entries;  // by number
};

// Empty filters, with room for more than the events there are.
void Partitions::Clear(Entry* entry) {
  const auto capacity = static_cast<std::size_t>(std::max(kMinCapacity, entry->events * kSpare));
  entry->ids = BloomFilter(capacity);
  entry->sessions = BloomFilter(capacity);
  entry->last_event = 0;
  entry->saved_events = 0;
}

// Adds the rows after entry->last_event to the filters.
absl::Status Partitions::AddRows(Database& database, Entry* entry) {
  auto statement = database.Prepare(fmt::format(
      "SELECT id, event_id, session FROM {} WHERE id > ?1 ORDER BY id", entry->partition->table));
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  rows.Bind(1, entry->last_event);
  while (rows.Step()) {
    // In a damaged file rows may come again and again.
    const std::int64_t id = rows.Integer(0);
    if (id <= entry->last_event) return Damaged(entry->partition->table);
    entry->last_event = id;
    entry->ids.Add(FilterHash(rows.Bytes(1)));
    if (!rows.IsNull(2)) entry->sessions.Add(FilterHash(rows.Bytes(2)));
  }
  absl::Status status = rows.status();
  rows.Reset();
  return status;
}

// Brings the filters up to date with entry->events.
absl::Status Partitions::Scan(Database& database, Entry* entry) {
  if (entry->events > static_cast<std::int64_t>(entry->ids.capacity())) Clear(entry);
  const bool all = entry->last_event == 0;
  absl::Status status = AddRows(database, entry);
  const auto complete = [&] {
    return static_cast<std::int64_t>(entry->ids.keys()) == entry->events;
  };
  if (status.ok() && !complete() && !all) {
    Clear(entry);  // the saved ones were damaged
    status = AddRows(database, entry);
  }
  return status;
}

// A damaged filter is only a cache: without it the rows are scanned.
void Partitions::ReadFilters(const Statement& row, Entry* entry) {
  auto ids = BloomFilter::Parse(row.Bytes(7));
  auto sessions = BloomFilter::Parse(row.Bytes(8));
  if (!ids.has_value() || !sessions.has_value()) return;
  const std::int64_t last_event = row.Integer(6);
  const auto keys = static_cast<std::int64_t>(ids->keys());
  if (last_event < entry->partition->first_event || keys > entry->events) return;
  entry->last_event = last_event;
  entry->saved_events = keys;
  entry->ids = *std::move(ids);
  entry->sessions = *std::move(sessions);
}

absl::Status Partitions::Save(Database& database, Entry* entry) {
  auto statement = database.Prepare(
      "INSERT INTO filters SELECT ?1, ?2, ?3, ?4 FROM partitions WHERE number = ?1 "
      "ON CONFLICT DO UPDATE SET "
      "last_event = excluded.last_event, ids = excluded.ids, sessions = excluded.sessions "
      "WHERE excluded.last_event > last_event");
  if (!statement.ok()) return statement.status();
  const std::string ids = entry->ids.Serialize();
  const std::string sessions = entry->sessions.Serialize();
  (*statement)->Bind(1, entry->partition->number);
  (*statement)->Bind(2, entry->last_event);
  (*statement)->BindBlob(3, ids);
  (*statement)->BindBlob(4, sessions);
  absl::Status status = (*statement)->Run();
  if (status.ok()) entry->saved_events = entry->events;
  return status;
}

absl::Status Partitions::CatchUp(Database& database, const Snapshot& seen) {
  {
    ReaderLock lock(mutex_);
    if (seen.last_event <= caught_up_to_.last_event &&
        seen.events_from <= caught_up_to_.events_from) {
      return absl::OkStatus();
    }
  }
  WriterLock lock(mutex_);
  if (seen.last_event > caught_up_to_.last_event) {
    absl::Status status = CatchUpWithEvents(database, seen.last_event);
    if (!status.ok()) return status;
  }
  if (seen.events_from > caught_up_to_.events_from) ForgetDropped(seen.events_from);
  return absl::OkStatus();
}

// Who still sees an older state of the file needs to know the partitions that were dropped since, but
// not quickly.
void Partitions::ForgetDropped(std::int64_t events_from) {
  for (auto& [number, entry] : entries_) {
    if (entry.partition->day >= events_from) continue;
    entry.ids = BloomFilter(0);
    entry.sessions = BloomFilter(0);
    last_of_day_.erase(entry.partition->day);
  }
  caught_up_to_.events_from = events_from;
}

absl::Status Partitions::CatchUpWithEvents(Database& database, std::int64_t last_event) {
  // Every event has a row, so that what would take more than the file has is no number of events.
  auto bytes = database.QueryInteger(
      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  if (!bytes.ok()) return bytes.status();
  std::int64_t room = *bytes / kMinRowBytes;

  auto statement = database.Prepare(
      "SELECT number, day, part, first_event, partitions.last_event, events, "
      "filters.last_event, ids, sessions "
      "FROM partitions LEFT JOIN filters ON filters.partition = number "
      "WHERE partitions.last_event > ?1 ORDER BY number");
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  rows.Bind(1, caught_up_to_.last_event);
  std::int64_t last_number = 0;
  while (rows.Step()) {
    const std::int64_t number = rows.Integer(0);
    const std::int64_t day = rows.Integer(1);
    const std::int64_t part = rows.Integer(2);
    const std::int64_t first_event = rows.Integer(3);
    const std::int64_t events = rows.Integer(5);
    if (number <= last_number || day < 0 || day > kLastDay || day % kSecondsPerDay != 0 ||
        part < 0 || first_event < 1 || events < 0 || events > room) {
      return Damaged("partitions");
    }
    last_number = number;
    room -= events;

    Entry& entry = entries_[number];
    entry.events = events;
    if (entry.partition == nullptr) {
      entry.partition = std::make_shared<const Partition>(number, day, part, first_event);
      if (!rows.IsNull(6)) ReadFilters(rows, &entry);
      std::int64_t& last = last_of_day_[day];
      last = std::max(last, number);
    }
    if (absl::Status scan = Scan(database, &entry); !scan.ok()) return scan;
  }
  if (!rows.status().ok()) return rows.status();
  rows.Reset();
  caught_up_to_.last_event = last_event;
  return absl::OkStatus();
}

std::vector<Partitions::Candidates> Partitions::FindCandidates(
    Key key, absl::Span<const std::uint64_t> hashes, const Snapshot& seen) const {
  std::vector<Candidates> all;
  ReaderLock lock(mutex_);
  for (const auto& [number, entry] : entries_) {
    if (!entry.IsIn(seen)) continue;
    const bool forgotten = entry.partition->day < caught_up_to_.events_from;
    const BloomFilter& filter = key == Key::kEventId ? entry.ids : entry.sessions;
    std::vector<std::size_t> keys;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (forgotten || filter.MayContain(hashes[i])) keys.push_back(i);
    }
    if (!keys.empty()) all.push_back({entry.partition, std::move(keys)});
  }
  return all;
}

std::vector<PartitionPtr> Partitions::Between(std::int64_t from, std::int64_t to,
                                              const Snapshot& seen) const {
  std::vector<PartitionPtr> all;
  ReaderLock lock(mutex_);
  for (const auto& [number, entry] : entries_) {
    const Partition& partition = *entry.partition;
    if (partition.day < to && partition.day + kSecondsPerDay > from && entry.IsIn(seen)) {
      all.push_back(entry.partition);
    }
  }
  return all;
}

// By their number, which is the same: they are made one after the other.
std::vector<PartitionPtr> Partitions::After(std::int64_t event, const Snapshot& seen) const {
  std::vector<PartitionPtr> all;
  ReaderLock lock(mutex_);
  for (const auto& [number, entry] : entries_) {
    if (entry.last_event > event && entry.IsIn(seen)) all.push_back(entry.partition);
  }
  return all;
}

PartitionPtr Partitions::LastOfDay(std::int64_t day, std::int64_t* events) const {
  ReaderLock lock(mutex_);
  const auto found = last_of_day_.find(day);
  if (found == last_of_day_.end()) return nullptr;
  const Entry& entry = entries_.at(found->second);
  *events = entry.events;
  return entry.partition;
}

absl::StatusOr<std::shared_ptr<Partitions::PendingFilters>> Partitions::BeforeCommit(
    Database& database, absl::Span<const PartitionGrowth> growth) const {
  auto pending = std::make_shared<PendingFilters>();
  for (const PartitionGrowth& grown : growth) {
    auto statement = database.Prepare(
        "UPDATE partitions SET last_event = ?2, events = events + ?3 WHERE number = ?1");
    if (!statement.ok()) return statement.status();
    (*statement)->Bind(1, grown.partition->number);
    (*statement)->Bind(2, grown.last_event);
    (*statement)->Bind(3, grown.events);
    if (absl::Status status = (*statement)->Run(); !status.ok()) return status;

    Entry entry;
    {
      ReaderLock lock(mutex_);
      const auto known = entries_.find(grown.partition->number);
      if (known != entries_.end()) {
        const Entry& now = known->second;
        const std::int64_t events = now.events + grown.events;
        if (events <= static_cast<std::int64_t>(now.ids.capacity()) &&
            !WorthSaving(events, now.saved_events)) {
          continue;  // the new keys are added in Committed
        }
        entry = now;
      }
    }
    entry.partition = grown.partition;
    entry.events += grown.events;
    if (absl::Status scan = Scan(database, &entry); !scan.ok()) return scan;
    if (WorthSaving(entry.events, entry.saved_events)) {
      if (absl::Status save = Save(database, &entry); !save.ok()) return save;
    }
    pending->entries.emplace(grown.partition->number, std::move(entry));
  }
  return pending;
}

void Partitions::Committed(absl::Span<const PartitionGrowth> growth,
                           std::shared_ptr<PendingFilters> filters, std::int64_t last_event) {
  WriterLock lock(mutex_);
  if (caught_up_to_.last_event >= last_event) return;  // a reader has seen the commit already
  for (const PartitionGrowth& grown : growth) {
    const std::int64_t number = grown.partition->number;
    const auto made = filters->entries.find(number);
    if (made != filters->entries.end()) {
      entries_[number] = std::move(made->second);
    } else {
      Entry& entry = entries_.at(number);
      entry.events += grown.events;
      entry.last_event = grown.last_event;
      for (const std::uint64_t hash : grown.id_hashes) entry.ids.Add(hash);
      for (const std::uint64_t hash : grown.session_hashes) entry.sessions.Add(hash);
    }
    std::int64_t& last = last_of_day_[grown.partition->day];
    last = std::max(last, number);
  }
  caught_up_to_.last_event = last_event;
}

absl::Status Partitions::SaveFilters(Database& database) {
  WriterLock lock(mutex_);
  for (auto& [number, entry] : entries_) {
    if (entry.saved_events == entry.events) continue;
    if (entry.partition->day < caught_up_to_.events_from) continue;
    if (absl::Status status = Save(database, &entry); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace nerava::analytics::sqlite
