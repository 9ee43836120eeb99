#include "lib/store/sqlite/aggregates.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr int kKeyColumns = 5;
constexpr int kTotals = static_cast<int>(Totals::Fields().size());

constexpr char kReadUsersSql[] =
    "SELECT users FROM aggregates WHERE grain = ?1 AND bucket = ?2 AND region = ?3 AND hub = ?4 "
    "AND \"window\" = ?5";

std::string MakeAddSql() {
  std::string parameters = "?1";
  for (int i = 2; i <= kKeyColumns + kTotals + 1; ++i) parameters += fmt::format(", ?{}", i);
  std::string updates;
  for (const Totals::Field& field : Totals::Fields()) {
    updates += fmt::format("{0} = {0} + excluded.{0}, ", field.name);
  }
  return fmt::format(
      "INSERT INTO aggregates VALUES ({}) ON CONFLICT DO UPDATE SET {}"
      "users = ifnull(excluded.users, users)",
      parameters, updates);
}
const std::string& kAddSql = *new std::string(MakeAddSql());

std::string ScanSql(const KpiFilter& filter) {
  std::string columns;
  for (const Totals::Field& field : Totals::Fields()) columns += fmt::format("{}, ", field.name);
  return fmt::format(
      "SELECT {}users, region, hub, \"window\", bucket FROM aggregates "
      "WHERE grain = ?1 AND bucket >= ?2 AND bucket < ?3{}{}{}",
      columns, filter.region.empty() ? "" : " AND region = ?4",
      filter.hub_id.empty() ? "" : " AND hub = ?5",
      filter.window_id.empty() ? "" : " AND \"window\" = ?6");
}

// The number by which user sets know a user.
absl::StatusOr<std::uint32_t> CheckedUser(std::int64_t number) {
  if (1 <= number && number <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(number);
  }
  return absl::DataLossError(
      fmt::format("the stored user number {} is not one of 32 bits", number));
}

}  // namespace

absl::Status Aggregates::Scan(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                              RowSink sink) {
  KpiFilter looked_at = filter;
  if (grain != Grain::kCell) looked_at.hub_id = looked_at.window_id = "";

  auto statement = database_.Prepare(ScanSql(looked_at));
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  rows.Bind(1, static_cast<std::int64_t>(grain));
  rows.Bind(2, absl::ToUnixSeconds(from));
  rows.Bind(3, absl::ToUnixSeconds(to));
  int parameter = 4;
  for (const std::string* name : {&looked_at.region, &looked_at.hub_id, &looked_at.window_id}) {
    if (!name->empty()) {
      auto number = names_.Find(*name);
      if (!number.ok()) return number.status();
      if (!number->has_value()) return absl::OkStatus();  // never seen
      rows.Bind(parameter, **number);
    }
    ++parameter;
  }

  absl::Status status = ReadRows(rows, sink);
  rows.Reset();
  return status;
}

absl::Status Aggregates::ReadRows(Statement& rows, RowSink sink) {
  std::array<NamesAtHand, 3> names{NamesAtHand(names_), NamesAtHand(names_), NamesAtHand(names_)};
  AggregateRow row;
  const std::array<std::string_view*, 3> texts{&row.region, &row.hub_id, &row.window_id};
  while (rows.Step()) {
    row.begin = absl::FromUnixSeconds(rows.Integer(kTotals + 4));
    for (int i = 0; i < kTotals; ++i) {
      row.totals.*Totals::Fields()[static_cast<std::size_t>(i)].member = rows.Integer(i);
    }
    row.users = rows.Bytes(kTotals);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto text = names[i].Find(rows.Integer(kTotals + 1 + static_cast<int>(i)));
      if (!text.ok()) return text.status();
      *texts[i] = *text;
    }
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
  if ((*first)->Step()) begin = absl::FromUnixSeconds((*first)->Integer(0));
  if (!(*first)->status().ok()) return (*first)->status();
  (*first)->Reset();
  return begin;
}

absl::StatusOr<std::uint32_t> Aggregates::UserNumber(std::string_view user_id) {
  auto number = users_.Find(user_id);
  if (!number.ok()) return number.status();
  return number->has_value() ? CheckedUser(**number) : 0;
}

absl::Status Aggregates::Add(const Changes& changes) {
  if (absl::Status added = facts_.Add(changes.facts); !added.ok()) return added;
  // In the order of the table: neighbours share pages.
  std::vector<const AggregateDelta*> ordered;
  ordered.reserve(changes.aggregates.size());
  for (const AggregateDelta& delta : changes.aggregates) ordered.push_back(&delta);
  std::sort(ordered.begin(), ordered.end(),
            [](const AggregateDelta* a, const AggregateDelta* b) { return a->key < b->key; });
  auto read = database_.Prepare(kReadUsersSql);
  if (!read.ok()) return read.status();
  auto add = database_.Prepare(kAddSql);
  if (!add.ok()) return add.status();
  for (const AggregateDelta* delta : ordered) {
    if (absl::Status status = AddOne(*delta, **read, **add); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Aggregates::AddOne(const AggregateDelta& delta, Statement& read, Statement& add) {
  auto key = NumberKey(delta.key);
  if (!key.ok()) return key.status();

  std::string users;
  if (!delta.users.empty()) {
    auto set = ReadUsers(*key, read);
    if (!set.ok()) return set.status();
    for (const auto& [user_id, sessions] : delta.users) {
      auto number = users_.FindOrAdd(user_id);
      if (!number.ok()) return number.status();
      auto user = CheckedUser(*number);
      if (!user.ok()) return user.status();
      set->Add(*user, sessions);
    }
    users = set->Serialize();
  }

  Bind(add, *key);
  for (int i = 0; i < kTotals; ++i) {
    add.Bind(kKeyColumns + 1 + i,
             delta.totals.*Totals::Fields()[static_cast<std::size_t>(i)].member);
  }
  if (!delta.users.empty()) add.BindBlob(kKeyColumns + 1 + kTotals, users);
  return add.Run();
}

void Aggregates::Bind(Statement& statement, const Key& key) {
  statement.Bind(1, key.grain);
  statement.Bind(2, key.bucket);
  statement.Bind(3, key.region);
  statement.Bind(4, key.hub);
  statement.Bind(5, key.window);
}

absl::StatusOr<Aggregates::Key> Aggregates::NumberKey(const AggregateKey& key) {
  Key numbers{static_cast<std::int64_t>(key.grain), key.bucket, 0, 0, 0};
  const std::pair<const std::string*, std::int64_t*> names[] = {{&key.region, &numbers.region},
                                                                {&key.hub_id, &numbers.hub},
                                                                {&key.window_id, &numbers.window}};
  for (const auto& [name, out] : names) {
    if (name->empty()) continue;
    auto number = names_.FindOrAdd(*name);
    if (!number.ok()) return number.status();
    *out = *number;
  }
  return numbers;
}

absl::StatusOr<UserSet> Aggregates::ReadUsers(const Key& key, Statement& read) {
  Bind(read, key);
  absl::StatusOr<UserSet> set = read.Step() ? UserSet::Parse(read.Bytes(0)) : UserSet();
  if (!read.status().ok()) return read.status();
  read.Reset();
  return set;
}

}  // namespace nerava::analytics::sqlite
