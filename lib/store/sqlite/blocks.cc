#include "lib/store/sqlite/blocks.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/projection/checked_totals.h"
#include "lib/store/sqlite/cell_codec.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/totals.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr std::int64_t kSecondsPerDay = 86400;

constexpr std::int64_t kLastDay = 253402300800;  // 10000-01-01

// Most late events come sooner; those that do not cost a little more.
constexpr std::int64_t kSettled = 2 * kSecondsPerDay;

constexpr auto kDayGrain = static_cast<std::int64_t>(Grain::kDay);
constexpr auto kBlockGrain = static_cast<std::int64_t>(Grain::kBlock);
constexpr int kTotals = static_cast<int>(Totals::Fields().size());

// Where the first block of which every day is kept begins.
std::int64_t WholeFrom(std::int64_t days_from) {
  return (days_from + kBlockSeconds - 1) / kBlockSeconds * kBlockSeconds;
}

struct Sum {
  Totals totals;
  UserSet users;

  absl::Status Add(const Totals& more, std::string_view more_users) {
    if (absl::Status added = AddChecked(more, &totals); !added.ok()) return added;
    auto set = UserSet::Parse(more_users);
    if (!set.ok()) return set.status();
    set->ForEachCount(
        [&](std::uint32_t user, std::int64_t sessions) { users.Add(user, sessions); });
    return absl::OkStatus();
  }
};

absl::StatusOr<std::map<std::int64_t, Sum>> SumByRegion(Database& database, std::int64_t begin) {
  std::string columns;
  for (const Totals::Field& field : Totals::Fields()) columns += fmt::format("{}, ", field.name);
  auto days = database.Prepare(fmt::format(
      "SELECT {}users, region FROM aggregates WHERE grain = ?1 AND bucket >= ?2 AND bucket < ?3",
      columns));
  if (!days.ok()) return days.status();
  Statement& rows = **days;
  rows.Bind(1, kDayGrain);
  rows.Bind(2, begin);
  rows.Bind(3, begin + kBlockSeconds);
  std::map<std::int64_t, Sum> sums;
  while (rows.Step()) {
    Totals totals;
    for (int i = 0; i < kTotals; ++i) {
      totals.*Totals::Fields()[static_cast<std::size_t>(i)].member = rows.Integer(i);
    }
    absl::Status added = sums[rows.Integer(kTotals + 1)].Add(totals, rows.Bytes(kTotals));
    if (!added.ok()) return added;
  }
  absl::Status status = rows.status();
  rows.Reset();
  if (!status.ok()) return status;
  return sums;
}

absl::Status Insert(Database& database, std::int64_t begin, std::int64_t region, const Sum& sum) {
  std::string parameters;
  for (int i = 1; i <= kTotals + 5; ++i) parameters += fmt::format("{}?{}", i == 1 ? "" : ", ", i);
  auto insert = database.Prepare(fmt::format("INSERT INTO aggregates VALUES ({})", parameters));
  if (!insert.ok()) return insert.status();
  Statement& row = **insert;
  row.Bind(1, kBlockGrain);
  row.Bind(2, begin);
  row.Bind(3, region);
  for (int i = 0; i < kTotals; ++i) {
    row.Bind(4 + i, sum.totals.*Totals::Fields()[static_cast<std::size_t>(i)].member);
  }
  const std::string users = sum.users.Serialize();
  row.Bind(4 + kTotals, static_cast<std::int64_t>(sum.users.size()));
  if (!sum.users.empty()) row.BindBlob(5 + kTotals, users);
  return row.Run();
}

absl::Status AddUpRegions(Database& database, std::int64_t begin) {
  auto sums = SumByRegion(database, begin);
  if (!sums.ok()) return sums.status();
  for (const auto& [region, sum] : *sums) {
    if (absl::Status status = Insert(database, begin, region, sum); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Of a row of the table, by hub and window.
using CellSums = std::map<std::pair<std::int64_t, std::int64_t>, Sum>;

absl::Status AddCells(std::string_view cells, CellSums* sums) {
  Cell cell;
  for (ByteReader reader(cells); !reader.empty();) {
    if (!ReadCell(&reader, &cell)) return absl::DataLossError("the stored cells are damaged");
    absl::Status added = (*sums)[{cell.hub, cell.window}].Add(cell.totals, cell.users);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

std::string Serialize(const CellSums& sums) {
  std::string bytes;
  for (const auto& [key, sum] : sums) {
    const std::string users = sum.users.empty() ? "" : sum.users.Serialize();
    AppendCell({key.first, key.second, sum.totals, users}, &bytes);
  }
  return bytes;
}

absl::Status AddUpCells(Database& database, std::int64_t begin) {
  auto days = database.Prepare(
      "SELECT region, hubs, windows, cells FROM cells "
      "WHERE grain = ?1 AND bucket >= ?2 AND bucket < ?3 ORDER BY region, hubs, windows");
  if (!days.ok()) return days.status();
  auto insert = database.Prepare("INSERT INTO cells VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (!insert.ok()) return insert.status();
  Statement& rows = **days;
  rows.Bind(1, static_cast<std::int64_t>(Grain::kCell));
  rows.Bind(2, begin);
  rows.Bind(3, begin + kBlockSeconds);
  std::array<std::int64_t, 3> page = {};
  CellSums sums;
  const auto write = [&] {
    if (sums.empty()) return absl::OkStatus();
    const std::string cells = Serialize(std::exchange(sums, {}));
    (*insert)->Bind(1, static_cast<std::int64_t>(Grain::kCellBlock));
    (*insert)->Bind(2, begin);
    for (int i = 0; i < 3; ++i) (*insert)->Bind(3 + i, page[static_cast<std::size_t>(i)]);
    (*insert)->BindBlob(6, cells);
    return (*insert)->Run();
  };
  absl::Status status = absl::OkStatus();
  while (status.ok() && rows.Step()) {
    const std::array next = {rows.Integer(0), rows.Integer(1), rows.Integer(2)};
    if (next != page) status = write();
    page = next;
    if (status.ok()) status = AddCells(rows.Bytes(3), &sums);
  }
  if (status.ok()) status = rows.status();
  rows.Reset();
  return status.ok() ? write() : status;
}

}  // namespace

absl::StatusOr<bool> BuildBlock(Database& database) {
  auto state = ReadState(database);
  if (!state.ok()) return state.status();
  std::int64_t begin = std::max(state->blocks_from, state->blocks_to);
  if (begin == 0) {
    auto first = database.QueryInteger(
        fmt::format("SELECT ifnull(min(bucket), -1) FROM aggregates WHERE grain = {}", kDayGrain));
    if (!first.ok()) return first.status();
    if (*first < 0) return false;
    begin = std::max(*first - *first % kBlockSeconds, WholeFrom(SecondsOf(state->kept_from.days)));
  }
  auto last = database.QueryInteger(
      fmt::format("SELECT ifnull(max(bucket), -1) FROM aggregates WHERE grain = {}", kDayGrain));
  if (!last.ok()) return last.status();
  if (begin > kLastDay || *last > kLastDay) {
    return absl::DataLossError(
        fmt::format("a stored day is damaged: {} s", std::max(begin, *last)));
  }
  if (*last < begin + kBlockSeconds + kSettled) return false;

  absl::Status status = AddUpRegions(database, begin);
  // Else some of its days are without them.
  const bool has_cells = begin >= SecondsOf(state->kept_from.aggregates);
  if (status.ok() && has_cells) status = AddUpCells(database, begin);
  if (!status.ok()) return status;
  if (state->blocks_to == 0) status = WriteState(database, "blocks_from", begin);
  if (status.ok()) status = WriteState(database, "blocks_to", begin + kBlockSeconds);
  if (!status.ok()) return status;
  return true;
}

absl::Status DropBlocks(Database& database, std::int64_t days_from) {
  auto state = ReadState(database);
  if (!state.ok()) return state.status();
  const std::int64_t from = WholeFrom(days_from);
  if (state->blocks_to == 0 || from <= state->blocks_from) return absl::OkStatus();
  auto drop = database.Prepare("DELETE FROM aggregates WHERE grain = ?1 AND bucket < ?2");
  if (!drop.ok()) return drop.status();
  (*drop)->Bind(1, kBlockGrain);
  (*drop)->Bind(2, from);
  absl::Status status = (*drop)->Run();
  if (status.ok()) status = WriteState(database, "blocks_from", from);
  if (status.ok() && from > state->blocks_to) status = WriteState(database, "blocks_to", from);
  return status;
}

}  // namespace nerava::analytics::sqlite
