#include "lib/store/sqlite/transaction.h"

#include <optional>
#include <utility>

#include "fmt/format.h"
#include "lib/store/sqlite/commit_order.h"
#include "lib/store/sqlite/schema.h"
#include "lib/store/sqlite/state.h"
#include "lib/store/validate.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr std::int64_t kSecondsPerDay = 86400;

absl::Status CheckStorable(const AnalyticsEvent& event) {
  const char* const fault = FindFault(event);
  if (fault == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("event \"{}\" cannot be stored: {}", event.event_id.substr(0, 100), fault));
}

// The first whole microsecond that is not before `time`: stored times are whole.
std::int64_t CeilMicros(absl::Time time) {
  return absl::ToInt64Microseconds(absl::Ceil(time - absl::UnixEpoch(), absl::Microseconds(1)));
}

absl::string_view View(const std::string& text) { return text; }

}  // namespace

absl::Status Transaction::Begin() {
  auto state = ReadState(*connection_.database);
  if (!state.ok()) return state.status();
  kept_from_ = state->kept_from;
  begin_ = {state->last_event, SecondsOf(kept_from_.events)};
  last_event_ = state->last_event;
  // Another connection may have erased users: their numbers are nobody's.
  if (std::exchange(connection_.erasures, state->erasures) != state->erasures) {
    connection_.users.Forget();
  }
  return partitions_.CatchUp(*connection_.database, begin_);
}

absl::Status Transaction::EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                           EventSink sink) {
  std::vector<StoredId> ids;
  std::vector<std::uint64_t> hashes;
  ids.reserve(session_ids.size());
  hashes.reserve(session_ids.size());
  for (const std::string_view session_id : session_ids) {
    ids.emplace_back(session_id);
    hashes.push_back(FilterHash(ids.back().key()));
  }
  for (const auto& [partition, keys] :
       partitions_.FindCandidates(Partitions::Key::kSession, hashes, begin_)) {
    auto statement = connection_.database->Prepare(partition->find_session_sql);
    if (!statement.ok()) return statement.status();
    for (const std::size_t i : keys) {
      ids[i].Bind(**statement, 1);
      absl::Status status = connection_.rows.ReadAll(**statement, sink);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::EventsBetween(absl::Time from, absl::Time to, EventSink sink) {
  const std::int64_t from_micros = CeilMicros(from);
  const std::int64_t to_micros = CeilMicros(to);
  // A second that the range ends within belongs to it.
  const std::int64_t to_seconds = absl::ToUnixSeconds(to + absl::Seconds(1));
  for (const PartitionPtr& partition :
       partitions_.Between(absl::ToUnixSeconds(from), to_seconds, begin_)) {
    auto statement = connection_.database->Prepare(partition->between_sql);
    if (!statement.ok()) return statement.status();
    (*statement)->Bind(1, from_micros);
    (*statement)->Bind(2, to_micros);
    absl::Status status = connection_.rows.ReadAll(**statement, sink);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<EventCounts> Transaction::CountEvents() {
  auto statement = connection_.database->Prepare(
      "SELECT type, region, sum(events) FROM event_counts GROUP BY type, region");
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  EventCounts counts;
  while (rows.Step()) {
    auto type = connection_.names.Text(rows.Integer(0));
    if (!type.ok()) return type.status();
    auto region = connection_.names.Text(rows.Integer(1));
    if (!region.ok()) return region.status();
    const auto events = static_cast<std::uint64_t>(rows.Integer(2));
    counts.total += events;
    counts.by_type[*std::move(type)] += events;
    counts.by_region[*std::move(region)] += events;
  }
  absl::Status status = rows.status();
  rows.Reset();
  if (!status.ok()) return status;
  return counts;
}

absl::Status Transaction::EventsAfter(std::int64_t position, std::int64_t limit,
                                      PositionSink sink) {
  if (absl::Status status = CheckPosition(position, begin_.last_event); !status.ok()) return status;
  return ReadInCommitOrder(connection_, partitions_.After(position, begin_), position,
                           begin_.last_event, limit, sink);
}

absl::StatusOr<DaysAround> Transaction::EventDaysAround(absl::Time time) {
  auto days = connection_.database->Prepare(
      "SELECT (SELECT max(day) FROM partitions WHERE day < ?1), "
      "(SELECT min(day) FROM partitions WHERE day >= ?1)");
  if (!days.ok()) return days.status();
  Statement& row = **days;
  row.Bind(1, SecondsOf(time));
  DaysAround found;
  if (row.Step()) {
    if (!row.IsNull(0)) found.before = absl::FromUnixSeconds(row.Integer(0));
    if (!row.IsNull(1)) found.from = absl::FromUnixSeconds(row.Integer(1));
  }
  absl::Status status = row.status();
  row.Reset();
  if (!status.ok()) return status;
  return found;
}

// Which of the events were stored by earlier transactions.
absl::Status Transaction::FindKnown(absl::Span<const EventPtr> events,
                                    absl::Span<const std::uint64_t> id_hashes,
                                    std::vector<std::optional<InsertOutcome>>* known) {
  known->resize(events.size());
  for (const auto& [partition, keys] :
       partitions_.FindCandidates(Partitions::Key::kEventId, id_hashes, begin_)) {
    auto statement = connection_.database->Prepare(partition->find_id_sql);
    if (!statement.ok()) return statement.status();
    for (const std::size_t i : keys) {
      const StoredId id(events[i]->event_id);
      id.Bind(**statement, 1);
      absl::Status status =
          connection_.rows.ReadAll(**statement, [&](const AnalyticsEvent& stored) {
            (*known)[i] = stored.SamePayload(*events[i]) ? InsertOutcome::kDuplicate
                                                         : InsertOutcome::kConflict;
          });
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<InsertOutcome>> Transaction::Insert(absl::Span<const EventPtr> events,
                                                               absl::Time created_at) {
  std::vector<std::uint64_t> id_hashes;
  id_hashes.reserve(events.size());
  for (const EventPtr& event : events) {
    if (absl::Status status = CheckStorable(*event); !status.ok()) return status;
    id_hashes.push_back(FilterHash(StoredId(event->event_id).key()));
  }
  std::vector<std::optional<InsertOutcome>> known;
  if (absl::Status status = FindKnown(events, id_hashes, &known); !status.ok()) return status;

  std::vector<InsertOutcome> outcomes;
  outcomes.reserve(events.size());
  kept_alive_.reserve(kept_alive_.size() + events.size());
  added_.reserve(added_.size() + events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const AnalyticsEvent& event = *events[i];
    if (!known[i].has_value()) {
      const auto [same_id, is_new] = added_.emplace(View(event.event_id), &event);
      if (!is_new) {
        known[i] = same_id->second->SamePayload(event) ? InsertOutcome::kDuplicate
                                                       : InsertOutcome::kConflict;
      }
    }
    if (!known[i].has_value() && connection_.erasures > 0) {
      auto erased = WasErased(*connection_.database, event.event_id);
      if (!erased.ok()) return erased.status();
      if (*erased) {
        added_.erase(View(event.event_id));
        known[i] = InsertOutcome::kDuplicate;
      }
    }
    if (known[i].has_value()) {
      outcomes.push_back(*known[i]);
      continue;
    }
    if (event.time < kept_from_.accepts_from()) {
      added_.erase(View(event.event_id));
      outcomes.push_back(InsertOutcome::kTooOld);
      continue;
    }
    kept_alive_.push_back(events[i]);

    auto growing = PartitionFor(event.time);
    if (!growing.ok()) return growing.status();
    PartitionGrowth& growth = (*growing)->growth;
    const std::int64_t id = ++last_event_;
    absl::Status status = connection_.rows.Insert(*(*growing)->insert, id, event, created_at);
    if (!status.ok()) return status;

    ++growth.events;
    growth.last_event = id;
    growth.id_hashes.push_back(id_hashes[i]);
    if (!event.session_id.empty()) {
      growth.session_hashes.push_back(FilterHash(StoredId(event.session_id).key()));
    }
    ++counts_[{growth.partition->number, View(event.event_type), View(event.region)}];
    outcomes.push_back(InsertOutcome::kInserted);
  }
  return outcomes;
}

// The partition that the next event of that time goes to.
absl::StatusOr<Transaction::Growing*> Transaction::PartitionFor(absl::Time time) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  const std::int64_t day = seconds - seconds % kSecondsPerDay;

  const auto [found, is_new] = growing_.try_emplace(day);
  Growing& growing = found->second;
  if (is_new) {
    growing.growth.partition = partitions_.LastOfDay(day, &growing.stored);
  } else if (growing.stored + growing.growth.events < partition_rows_) {
    return &growing;
  }
  const PartitionPtr last = growing.growth.partition;
  if (last == nullptr || growing.stored + growing.growth.events >= partition_rows_) {
    auto added = AddPartition(day, last == nullptr ? 0 : last->part + 1);
    if (!added.ok()) return added.status();
    if (growing.growth.events > 0) full_.push_back(std::move(growing.growth));
    growing = Growing{};
    growing.growth.partition = *std::move(added);
  }
  auto insert = connection_.database->Prepare(growing.growth.partition->insert_sql);
  if (!insert.ok()) return insert.status();
  growing.insert = *insert;
  return &growing;
}

absl::StatusOr<PartitionPtr> Transaction::AddPartition(std::int64_t day, std::int64_t part) {
  Database& database = *connection_.database;
  auto statement = database.Prepare(
      "INSERT INTO partitions(day, part, first_event, last_event, events) "
      "VALUES (?1, ?2, ?3, ?3, 0) RETURNING number");
  if (!statement.ok()) return statement.status();
  const std::int64_t first_event = last_event_ + 1;
  (*statement)->Bind(1, day);
  (*statement)->Bind(2, part);
  (*statement)->Bind(3, first_event);
  if (!(*statement)->Step()) return (*statement)->status();
  const std::int64_t number = (*statement)->Integer(0);
  (*statement)->Reset();

  auto partition = std::make_shared<const Partition>(number, day, part, first_event);
  absl::Status created = CreatePartition(database, number, partition->table);
  if (!created.ok()) return created;
  return partition;
}

Eraser* Transaction::eraser() {
  if (!erasure_.has_value()) erasure_.emplace(connection_, partitions_, begin_);
  return &*erasure_;
}

absl::Status Transaction::BeforeCommit() {
  if (last_event_ == begin_.last_event) return absl::OkStatus();
  Database& database = *connection_.database;
  for (auto& [day, growing] : growing_) full_.push_back(std::move(growing.growth));
  growing_.clear();
  auto filters = partitions_.BeforeCommit(database, full_);
  if (!filters.ok()) return filters.status();
  filters_ = *std::move(filters);

  for (const auto& [counted, events] : counts_) {
    auto type = connection_.names.FindOrAdd({counted.type.data(), counted.type.size()});
    if (!type.ok()) return type.status();
    auto region = connection_.names.FindOrAdd({counted.region.data(), counted.region.size()});
    if (!region.ok()) return region.status();
    auto statement = database.Prepare(
        "INSERT INTO event_counts VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT DO UPDATE SET events = events + excluded.events");
    if (!statement.ok()) return statement.status();
    (*statement)->Bind(1, counted.partition);
    (*statement)->Bind(2, *type);
    (*statement)->Bind(3, *region);
    (*statement)->Bind(4, events);
    if (absl::Status status = (*statement)->Run(); !status.ok()) return status;
  }

  return WriteState(database, "last_event", last_event_);
}

void Transaction::Committed() {
  if (last_event_ != begin_.last_event) {
    partitions_.Committed(full_, std::move(filters_), last_event_);
  }
}

}  // namespace nerava::analytics::sqlite
