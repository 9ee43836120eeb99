#include "lib/store/sqlite/aggregates.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "lib/store/sqlite/blocks.h"
#include "lib/store/sqlite/state.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr int kKeyColumns = 3;
constexpr int kTotals = static_cast<int>(Totals::Fields().size());

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();

constexpr char kReadUsersSql[] =
    "SELECT users FROM aggregates WHERE grain = ?1 AND bucket = ?2 AND region = ?3";

std::string MakeAddSql() {
  std::string parameters = "?1";
  for (int i = 2; i <= kKeyColumns + kTotals + 2; ++i) parameters += fmt::format(", ?{}", i);
  std::string updates;
  for (const Totals::Field& field : Totals::Fields()) {
    updates += fmt::format("{0} = {0} + excluded.{0}, ", field.name);
  }
  return fmt::format(
      "INSERT INTO aggregates VALUES ({}) ON CONFLICT DO UPDATE SET {}"
      "unique_users = iif(excluded.users IS NULL, unique_users, excluded.unique_users), "
      "users = ifnull(excluded.users, users)",
      parameters, updates);
}
const std::string& kAddSql = *new std::string(MakeAddSql());

std::string MakeScanSql(std::string_view condition) {
  std::string columns;
  for (const Totals::Field& field : Totals::Fields()) columns += fmt::format("{}, ", field.name);
  return fmt::format(
      "SELECT {}users, region, bucket FROM aggregates WHERE grain = ?1 AND bucket >= ?2 AND "
      "bucket < ?3{}",
      columns, condition);
}
// An answer may scan some hundred times.
const std::string& kScanSql = *new std::string(MakeScanSql(""));
const std::string& kScanRegionSql = *new std::string(MakeScanSql(" AND region = ?4"));

}  // namespace

absl::Status Aggregates::Scan(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                              RowSink sink) {
  if (grain == Grain::kCell || grain == Grain::kCellBlock) {
    return cells_.Scan(grain, from, to, filter, sink);
  }

  auto statement = database_.Prepare(filter.region.empty() ? kScanSql : kScanRegionSql);
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  rows.Bind(1, static_cast<std::int64_t>(grain));
  rows.Bind(2, absl::ToUnixSeconds(from));
  rows.Bind(3, absl::ToUnixSeconds(to));
  if (!filter.region.empty()) {
    auto number = names_.Find(filter.region);
    if (!number.ok()) return number.status();
    if (!number->has_value()) return absl::OkStatus();  // never seen
    rows.Bind(4, **number);
  }

  absl::Status status = ReadRows(grain, rows, sink);
  rows.Reset();
  return status;
}

absl::Status Aggregates::ReadRows(Grain grain, Statement& rows, RowSink sink) {
  const std::int64_t width = absl::ToInt64Seconds(BucketWidth(grain));
  NamesAtHand regions(names_);
  AggregateRow row;
  while (rows.Step()) {
    for (int i = 0; i < kTotals; ++i) {
      row.totals.*Totals::Fields()[static_cast<std::size_t>(i)].member = rows.Integer(i);
    }
    row.users = rows.Bytes(kTotals);
    const auto region = regions.Find(rows.Integer(kTotals + 1));
    if (!region.ok()) return region.status();
    row.region = *region;
    const std::int64_t begin = rows.Integer(kTotals + 2);
    if (begin < 0 || begin % width != 0) {
      return absl::DataLossError(fmt::format("the stored aggregate of {} s is damaged", begin));
    }
    row.begin = absl::FromUnixSeconds(begin);
    if (absl::Status taken = sink(row); !taken.ok()) return taken;
  }
  return rows.status();
}

absl::StatusOr<std::optional<absl::Time>> Aggregates::First() {
  auto first =
      database_.Prepare("SELECT bucket FROM aggregates WHERE grain = ?1 ORDER BY bucket LIMIT 1");
  if (!first.ok()) return first.status();
  (*first)->Bind(1, static_cast<std::int64_t>(Grain::kDay));
  std::optional<absl::Time> begin;
  if ((*first)->Step())
    begin = absl::FromUnixSeconds(std::max<std::int64_t>((*first)->Integer(0), 0));
  if (!(*first)->status().ok()) return (*first)->status();
  (*first)->Reset();
  return begin;
}

absl::StatusOr<AggregateTable::FromAndTo> Aggregates::Blocks() {
  auto state = ReadState(database_);
  if (!state.ok()) return state.status();
  return FromAndTo(absl::FromUnixSeconds(state->blocks_from),
                   absl::FromUnixSeconds(state->blocks_to));
}

absl::StatusOr<std::uint32_t> Aggregates::UserNumber(std::string_view user_id) {
  auto number = users_.Find(user_id);
  if (!number.ok()) return number.status();
  return number->has_value() ? CheckedUser(**number) : 0;
}

absl::Status Aggregates::Add(const Changes& changes) {
  if (absl::Status added = facts_.Add(changes.facts); !added.ok()) return added;
  // In the order of the table: neighbours share pages.
  std::vector<const AggregateDelta*> cells;
  std::vector<const AggregateDelta*> ordered;
  for (const AggregateDelta& delta : changes.aggregates) {
    (delta.key.grain == Grain::kCell ? cells : ordered).push_back(&delta);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const AggregateDelta* a, const AggregateDelta* b) { return a->key < b->key; });
  auto read = database_.Prepare(kReadUsersSql);
  if (!read.ok()) return read.status();
  auto add = database_.Prepare(kAddSql);
  if (!add.ok()) return add.status();
  auto state = ReadState(database_);
  if (!state.ok()) return state.status();
  for (const AggregateDelta* delta : ordered) {
    auto key = NumberKey(delta->key);
    if (!key.ok()) return key.status();
    absl::Status status = AddOne(*delta, *key, **read, **add);
    if (!status.ok()) return status;
    // Late, into a day that was added up.
    if (delta->key.grain != Grain::kDay || !HasBlock(BlockOf(key->bucket), *state)) continue;
    key->grain = static_cast<std::int64_t>(Grain::kBlock);
    key->bucket = BlockOf(key->bucket);
    status = AddOne(*delta, *key, **read, **add);
    if (!status.ok()) return status;
  }
  return cells_.Add(cells, *state);
}

absl::StatusOr<std::int64_t> Aggregates::ForgetUser(std::int64_t number) {
  auto user = CheckedUser(number);
  if (!user.ok()) return user.status();
  if (absl::Status status = facts_.ForgetUser(*user); !status.ok()) return status;
  std::set<std::int64_t> days;
  auto sessions = ForgetIn(*user, Grain::kDay, 0, kEver, &days);
  if (!sessions.ok()) return sessions;
  std::set<std::int64_t> blocks;
  auto forgotten = ForgetIn(*user, Grain::kBlock, 0, kEver, &blocks);
  if (!forgotten.ok()) return forgotten;
  for (const std::int64_t block : blocks) {
    absl::Status status = cells_.ForgetUser(*user, Grain::kCellBlock, block);
    if (!status.ok()) return status;
  }
  constexpr std::int64_t kSecondsPerDay = 86400;
  for (const std::int64_t day : days) {
    for (const Grain grain : {Grain::kHour, Grain::kFiveMinutes}) {
      forgotten = ForgetIn(*user, grain, day, day + kSecondsPerDay, nullptr);
      if (!forgotten.ok()) return forgotten;
    }
    absl::Status status = cells_.ForgetUser(*user, Grain::kCell, day);
    if (!status.ok()) return status;
  }
  return sessions;
}

// Takes the user out of these buckets; which ones. How many sessions they had there.
absl::StatusOr<std::int64_t> Aggregates::ForgetIn(std::uint32_t user, Grain grain,
                                                  std::int64_t from, std::int64_t to,
                                                  std::set<std::int64_t>* buckets) {
  auto active = FindActive(user, grain, from, to);
  if (!active.ok()) return active.status();
  auto update = database_.Prepare(
      "UPDATE aggregates SET users = ?4, unique_users = ?5, "
      "sessions_with_user = sessions_with_user - ?6 "
      "WHERE grain = ?1 AND bucket = ?2 AND region = ?3");
  if (!update.ok()) return update.status();
  std::int64_t sessions = 0;
  for (const Active& row : *active) {
    Bind(**update, row.key);
    if (row.others.size > 0) (*update)->BindBlob(4, row.others.bytes);
    (*update)->Bind(5, row.others.size);
    (*update)->Bind(6, row.sessions);
    if (absl::Status status = (*update)->Run(); !status.ok()) return status;
    sessions += row.sessions;
    if (buckets != nullptr) buckets->insert(row.key.bucket);
  }
  return sessions;
}

absl::StatusOr<std::vector<Aggregates::Active>> Aggregates::FindActive(std::uint32_t user,
                                                                       Grain grain,
                                                                       std::int64_t from,
                                                                       std::int64_t to) {
  auto statement = database_.Prepare(
      "SELECT bucket, region, users FROM aggregates "
      "WHERE grain = ?1 AND bucket >= ?2 AND bucket < ?3 AND users IS NOT NULL");
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  rows.Bind(1, static_cast<std::int64_t>(grain));
  rows.Bind(2, from);
  rows.Bind(3, to);
  std::vector<Active> active;
  while (rows.Step()) {
    auto users = UserSet::Parse(rows.Bytes(2));
    if (!users.ok()) return users.status();
    const std::int64_t sessions = users->CountOf(user);
    if (sessions == 0) continue;
    users->Add(user, -sessions);
    active.push_back({{static_cast<std::int64_t>(grain), rows.Integer(0), rows.Integer(1)},
                      sessions,
                      {users->Serialize(), static_cast<std::int64_t>(users->size())}});
  }
  absl::Status status = rows.status();
  rows.Reset();
  if (!status.ok()) return status;
  return active;
}

absl::Status Aggregates::AddOne(const AggregateDelta& delta, const Key& key, Statement& read,
                                Statement& add) {
  StoredUsers users;
  if (!delta.users.empty()) {
    auto set = ReadUsers(key, read);
    if (!set.ok()) return set.status();
    auto changed = AddUsers(*set, delta.users, users_);
    if (!changed.ok()) return changed.status();
    users = *std::move(changed);
  }

  Bind(add, key);
  for (int i = 0; i < kTotals; ++i) {
    add.Bind(kKeyColumns + 1 + i,
             delta.totals.*Totals::Fields()[static_cast<std::size_t>(i)].member);
  }
  add.Bind(kKeyColumns + 1 + kTotals, users.size);
  if (!delta.users.empty()) add.BindBlob(kKeyColumns + 2 + kTotals, users.bytes);
  return add.Run();
}

void Aggregates::Bind(Statement& statement, const Key& key) {
  statement.Bind(1, key.grain);
  statement.Bind(2, key.bucket);
  statement.Bind(3, key.region);
}

absl::StatusOr<Aggregates::Key> Aggregates::NumberKey(const AggregateKey& key) {
  Key numbers{static_cast<std::int64_t>(key.grain), key.bucket, 0};
  if (key.region.empty()) return numbers;
  auto number = names_.FindOrAdd(key.region);
  if (!number.ok()) return number.status();
  numbers.region = *number;
  return numbers;
}

absl::StatusOr<std::string> Aggregates::ReadUsers(const Key& key, Statement& read) {
  Bind(read, key);
  std::string users;
  if (read.Step()) users = read.Bytes(0);
  if (!read.status().ok()) return read.status();
  read.Reset();
  return users;
}

}  // namespace nerava::analytics::sqlite
