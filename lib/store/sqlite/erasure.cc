#include "lib/store/sqlite/erasure.h"

#include <sodium.h>

#include <limits>
#include <string>

#include "fmt/format.h"

namespace nerava::analytics::sqlite {
namespace {

// What is left of the id of an event that was removed: ids may name somebody.
std::string HashOf(std::string_view event_id) {
  std::string hash(crypto_generichash_BYTES_MIN, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(event_id.data()), event_id.size(),
                     nullptr, 0);
  return hash;
}

}  // namespace

absl::StatusOr<bool> WasErased(Database& database, std::string_view event_id) {
  auto find = database.Prepare("SELECT 1 FROM erased WHERE event = ?1");
  if (!find.ok()) return find.status();
  const std::string hash = HashOf(event_id);
  (*find)->BindBlob(1, hash);
  const bool found = (*find)->Step();
  if (!(*find)->status().ok()) return (*find)->status();
  (*find)->Reset();
  return found;
}

// The retention switches it off for its steps, and nobody knows whether it could switch it on again.
absl::Status Erasure::Overwrite() {
  return connection_.database->Execute("PRAGMA secure_delete = ON");
}

absl::Status Erasure::EventsOfUser(std::string_view user_id, ReadTransaction::EventSink sink) {
  auto number = connection_.users.Find(user_id);
  if (!number.ok()) return number.status();
  const StoredId id(user_id);
  constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
  for (const PartitionPtr& partition : partitions_.Between(0, kEver, begin_)) {
    // All rows: an index would be read once in a person's life, and written with every event.
    auto rows = connection_.database->Prepare(
        fmt::format("SELECT {} FROM {} WHERE user = ?1 OR aggregate = ?2", EventRows::Columns(),
                    partition->table));
    if (!rows.ok()) return rows.status();
    if (number->has_value()) (*rows)->Bind(1, **number);
    id.Bind(**rows, 2);
    if (absl::Status read = connection_.rows.ReadAll(**rows, sink); !read.ok()) return read;
  }
  return absl::OkStatus();
}

absl::StatusOr<Erasure::Place> Erasure::Find(const AnalyticsEvent& event) {
  const std::int64_t seconds = absl::ToUnixSeconds(event.time);
  const StoredId id(event.event_id);
  for (const PartitionPtr& partition : partitions_.Between(seconds, seconds + 1, begin_)) {
    auto find = connection_.database->Prepare(
        fmt::format("SELECT id, created_at FROM {} WHERE event_id = ?1", partition->table));
    if (!find.ok()) return find.status();
    id.Bind(**find, 1);
    const bool found = (*find)->Step();
    if (!(*find)->status().ok()) return (*find)->status();
    const Place place{partition, found ? (*find)->Integer(0) : 0, found ? (*find)->Integer(1) : 0};
    (*find)->Reset();
    if (found) return place;
  }
  return absl::DataLossError(
      fmt::format("event \"{}\" was read, and is not found again", event.event_id));
}

absl::Status Erasure::Remove(absl::Span<const AnalyticsEvent> events) {
  Database& database = *connection_.database;
  if (absl::Status status = Overwrite(); !status.ok()) return status;
  auto note = database.Prepare("INSERT OR IGNORE INTO erased VALUES (?1, ?2)");
  if (!note.ok()) return note.status();
  for (const AnalyticsEvent& event : events) {
    auto place = Find(event);
    if (!place.ok()) return place.status();
    const Partition& partition = *place->partition;
    absl::Status status =
        database.RunWith(fmt::format("DELETE FROM {} WHERE id = ?1", partition.table), place->id);
    if (status.ok()) status = CountDown(partition, event);
    if (!status.ok()) return status;
    const std::string hash = HashOf(event.event_id);
    (*note)->BindBlob(1, hash);
    (*note)->Bind(2, partition.day);
    if (absl::Status noted = (*note)->Run(); !noted.ok()) return noted;
  }
  return absl::OkStatus();
}

absl::Status Erasure::CountDown(const Partition& partition, const AnalyticsEvent& event) {
  Database& database = *connection_.database;
  auto type = connection_.names.FindOrAdd(event.event_type.name());
  if (!type.ok()) return type.status();
  auto region = connection_.names.FindOrAdd(event.region);
  if (!region.ok()) return region.status();
  const std::int64_t number = partition.number;
  absl::Status status =
      database.RunWith("UPDATE partitions SET events = events - 1 WHERE number = ?1", number);
  // They say how many events they were made of. The next one to open the file makes them anew.
  if (status.ok()) status = database.RunWith("DELETE FROM filters WHERE partition = ?1", number);
  if (status.ok()) {
    status = database.RunWith(
        "UPDATE event_counts SET events = events - 1 "
        "WHERE partition = ?1 AND type = ?2 AND region = ?3",
        number, *type, *region);
  }
  if (!status.ok()) return status;
  return database.RunWith(
      "DELETE FROM event_counts WHERE partition = ?1 AND type = ?2 AND region = ?3 AND events <= 0",
      number, *type, *region);
}

absl::Status Erasure::Replace(absl::Span<const AnalyticsEvent> events) {
  Database& database = *connection_.database;
  if (absl::Status status = Overwrite(); !status.ok()) return status;
  for (const AnalyticsEvent& event : events) {
    auto place = Find(event);
    if (!place.ok()) return place.status();
    absl::Status status = database.RunWith(
        fmt::format("DELETE FROM {} WHERE id = ?1", place->partition->table), place->id);
    if (!status.ok()) return status;
    auto insert = database.Prepare(place->partition->insert_sql);
    if (!insert.ok()) return insert.status();
    status = connection_.rows.Insert(**insert, place->id, event,
                                     absl::FromUnixMicros(place->created_at));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Erasure::ForgetUser(std::string_view user_id) {
  Database& database = *connection_.database;
  if (absl::Status status = Overwrite(); !status.ok()) return status;
  std::int64_t sessions = 0;
  auto number = connection_.users.Find(user_id);
  if (!number.ok()) return number.status();
  if (number->has_value()) {
    auto forgotten = connection_.aggregates.ForgetUser(**number);
    if (!forgotten.ok()) return forgotten.status();
    sessions = *forgotten;
    absl::Status gone = database.RunWith("DELETE FROM users WHERE number = ?1", **number);
    if (!gone.ok()) return gone;
    connection_.users.Forget();
  }
  // For those who remember names, and who keep answers.
  absl::Status noted =
      database.Execute("UPDATE state SET value = value + 1 WHERE name = 'erasures'");
  if (!noted.ok()) return noted;
  return sessions;
}

}  // namespace nerava::analytics::sqlite
