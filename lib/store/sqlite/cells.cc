#include "lib/store/sqlite/cells.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <tuple>
#include <utility>

#include "fmt/format.h"
#include "lib/projection/checked_totals.h"
#include "lib/store/sqlite/blocks.h"
#include "lib/store/sqlite/cell_codec.h"
#include "lib/store/sqlite/user_number.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics::sqlite {
namespace {

// Of a row. More make breakdowns quicker, fewer commits and what is asked of one hub.
constexpr std::int64_t kHubsPerPage = 32;
constexpr std::int64_t kWindowsPerPage = 32;

constexpr std::int64_t kAny = -1;

constexpr auto kDayGrain = static_cast<std::int64_t>(Grain::kCell);
constexpr auto kBlockGrain = static_cast<std::int64_t>(Grain::kCellBlock);

absl::Status Damaged(std::int64_t day) {
  return absl::DataLossError(
      fmt::format("the stored cells of {} are damaged",
                  absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(day), absl::UTCTimeZone())));
}

}  // namespace

absl::Status Cells::Scan(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                         AggregateTable::RowSink sink) {
  std::int64_t region = kAny;
  Cell wanted{kAny, kAny};
  const std::pair<const std::string*, std::int64_t*> names[] = {
      {&filter.region, &region},
      {&filter.hub_id, &wanted.hub},
      {&filter.window_id, &wanted.window}};
  for (const auto& [name, out] : names) {
    if (name->empty()) continue;
    auto number = names_.Find(*name);
    if (!number.ok()) return number.status();
    if (!number->has_value()) return absl::OkStatus();  // never seen
    *out = **number;
  }
  auto rows = database_.Prepare(fmt::format(
      "SELECT bucket, region, cells FROM cells "
      "WHERE grain = ?1 AND bucket >= ?2 AND bucket < ?3{}{}",
      region == kAny ? "" : " AND region = ?4", wanted.hub == kAny ? "" : " AND hubs = ?5"));
  if (!rows.ok()) return rows.status();
  (*rows)->Bind(1, static_cast<std::int64_t>(grain));
  (*rows)->Bind(2, absl::ToUnixSeconds(from));
  (*rows)->Bind(3, absl::ToUnixSeconds(to));
  if (region != kAny) (*rows)->Bind(4, region);
  if (wanted.hub != kAny) (*rows)->Bind(5, wanted.hub / kHubsPerPage);
  absl::Status status = ReadRows(grain, **rows, wanted, sink);
  (*rows)->Reset();
  return status;
}

absl::Status Cells::ReadRows(Grain grain, Statement& rows, const Cell& wanted,
                             AggregateTable::RowSink sink) {
  const std::int64_t width = absl::ToInt64Seconds(BucketWidth(grain));
  NamesAtHand regions(names_);
  NamesAtHand hubs(names_);
  NamesAtHand windows(names_);
  AggregateRow row;
  while (rows.Step()) {
    const std::int64_t begin = rows.Integer(0);
    if (begin % width != 0) return Damaged(begin);
    const auto region = regions.Find(rows.Integer(1));
    if (!region.ok()) return region.status();
    row.begin = absl::FromUnixSeconds(begin);
    row.region = *region;
    Cell cell;
    for (ByteReader reader(rows.Bytes(2)); !reader.empty();) {
      if (!ReadCell(&reader, &cell)) return Damaged(begin);
      if ((wanted.hub != kAny && cell.hub != wanted.hub) ||
          (wanted.window != kAny && cell.window != wanted.window)) {
        continue;
      }
      const auto hub = hubs.Find(cell.hub);
      if (!hub.ok()) return hub.status();
      const auto window = windows.Find(cell.window);
      if (!window.ok()) return window.status();
      row.hub_id = *hub;
      row.window_id = *window;
      row.totals = cell.totals;
      row.users = cell.users;
      if (absl::Status taken = sink(row); !taken.ok()) return taken;
    }
  }
  return rows.status();
}

absl::Status Cells::Add(absl::Span<const AggregateDelta* const> deltas, const State& state) {
  std::vector<Change> changes;
  changes.reserve(deltas.size());
  for (const AggregateDelta* delta : deltas) {
    Change change{{kDayGrain, delta->key.bucket, 0, 0, 0}, 0, 0, delta};
    const std::pair<const std::string*, std::int64_t*> names[] = {
        {&delta->key.region, &change.page.region},
        {&delta->key.hub_id, &change.hub},
        {&delta->key.window_id, &change.window}};
    for (const auto& [name, out] : names) {
      auto number = NumberOf(*name);
      if (!number.ok()) return number.status();
      *out = *number;
    }
    change.page.hubs = change.hub / kHubsPerPage;
    change.page.windows = change.window / kWindowsPerPage;
    changes.push_back(change);
    // Late, into a day that was added up.
    const std::int64_t block = BlockOf(delta->key.bucket);
    if (!HasCells(block, state)) continue;
    change.page.grain = kBlockGrain;
    change.page.bucket = block;
    changes.push_back(change);
  }
  // In the order of the table, and of the cells in a row.
  std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return std::tie(a.page, a.hub, a.window) < std::tie(b.page, b.hub, b.window);
  });
  for (auto first = changes.begin(); first != changes.end();) {
    const Page page = first->page;
    const auto end = std::find_if(first, changes.end(),
                                  [&](const Change& change) { return change.page != page; });
    const auto size = static_cast<std::size_t>(end - first);
    if (absl::Status changed = ChangePage(page, {&*first, size}); !changed.ok()) return changed;
    first = end;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Cells::ReadPage(const Page& page) {
  auto read = database_.Prepare(
      "SELECT cells FROM cells "
      "WHERE grain = ?1 AND bucket = ?2 AND region = ?3 AND hubs = ?4 AND windows = ?5");
  if (!read.ok()) return read.status();
  Bind(page, **read);
  std::string bytes;
  if ((*read)->Step()) bytes = (*read)->Bytes(0);
  if (!(*read)->status().ok()) return (*read)->status();
  (*read)->Reset();
  return bytes;
}

absl::Status Cells::ChangePage(const Page& page, absl::Span<const Change> changes) {
  auto before = ReadPage(page);
  if (!before.ok()) return before.status();
  std::string after;
  after.reserve(before->size() + 64 * changes.size());
  // Both are in order.
  auto change = changes.begin();
  const auto is_of = [&](const Cell& cell) {
    return change != changes.end() && change->hub == cell.hub && change->window == cell.window;
  };
  // All of the cell: a block gets those of several days.
  const auto add = [&](Cell cell) {
    std::string users;
    for (; is_of(cell); ++change) {
      if (absl::Status status = AddChecked(change->delta->totals, &cell.totals); !status.ok()) {
        return status;
      }
      if (change->delta->users.empty()) continue;
      auto changed = AddUsers(cell.users, change->delta->users, users_);
      if (!changed.ok()) return changed.status();
      users = std::move(changed->bytes);
      cell.users = users;
    }
    AppendCell(cell, &after);
    return absl::OkStatus();
  };
  const auto is_before = [&](const Cell& cell) {
    return change != changes.end() &&
           std::tie(change->hub, change->window) < std::tie(cell.hub, cell.window);
  };
  for (ByteReader reader(*before); !reader.empty();) {
    Cell cell;
    if (!ReadCell(&reader, &cell)) return Damaged(page.bucket);
    while (is_before(cell)) {
      if (absl::Status added = add({change->hub, change->window}); !added.ok()) return added;
    }
    if (absl::Status added = add(cell); !added.ok()) return added;
  }
  while (change != changes.end()) {
    if (absl::Status added = add({change->hub, change->window}); !added.ok()) return added;
  }
  return WritePage(page, after);
}

absl::Status Cells::WritePage(const Page& page, std::string_view cells) {
  auto write = database_.Prepare("INSERT OR REPLACE INTO cells VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (!write.ok()) return write.status();
  Bind(page, **write);
  (*write)->BindBlob(6, cells);
  return (*write)->Run();
}

void Cells::Bind(const Page& page, Statement& statement) {
  statement.Bind(1, page.grain);
  statement.Bind(2, page.bucket);
  statement.Bind(3, page.region);
  statement.Bind(4, page.hubs);
  statement.Bind(5, page.windows);
}

absl::StatusOr<std::vector<Cells::Page>> Cells::PagesOf(Grain grain, std::int64_t begin) {
  auto statement =
      database_.Prepare("SELECT region, hubs, windows FROM cells WHERE grain = ?1 AND bucket = ?2");
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  const auto of_grain = static_cast<std::int64_t>(grain);
  rows.Bind(1, of_grain);
  rows.Bind(2, begin);
  std::vector<Page> pages;
  while (rows.Step()) {
    pages.push_back({of_grain, begin, rows.Integer(0), rows.Integer(1), rows.Integer(2)});
  }
  absl::Status status = rows.status();
  rows.Reset();
  if (!status.ok()) return status;
  return pages;
}

absl::Status Cells::ForgetUser(std::uint32_t user, Grain grain, std::int64_t begin) {
  auto pages = PagesOf(grain, begin);
  if (!pages.ok()) return pages.status();
  for (const Page& page : *pages) {
    auto before = ReadPage(page);
    if (!before.ok()) return before.status();
    std::string after;
    bool found = false;
    for (ByteReader reader(*before); !reader.empty();) {
      Cell cell;
      if (!ReadCell(&reader, &cell)) return Damaged(begin);
      auto users = UserSet::Parse(cell.users);
      if (!users.ok()) return users.status();
      const std::int64_t sessions = users->CountOf(user);
      std::string others;
      if (sessions != 0) {
        found = true;
        users->Add(user, -sessions);
        if (!users->empty()) others = users->Serialize();
        cell.users = others;
        cell.totals.sessions_with_user -= sessions;
      }
      AppendCell(cell, &after);
    }
    if (!found) continue;
    if (absl::Status written = WritePage(page, after); !written.ok()) return written;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Cells::NumberOf(std::string_view name) {
  if (name.empty()) return 0;
  return names_.FindOrAdd(name);
}

}  // namespace nerava::analytics::sqlite
