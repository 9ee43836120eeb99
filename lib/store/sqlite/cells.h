// The aggregates of a SQLite file by UTC day, region, hub and window.
//
// Breakdowns read all of many days, and a batch changes many of one day. So they lie together in rows
// of a day, a region, and some hubs and windows: to step through rows of their own would cost more than the rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// Belongs to one connection, inside its transactions.
class Cells {
 public:
  Cells(Database& database, Dictionary& names, Dictionary& users)
      : database_(database), names_(names), users_(users) {}

  // See AggregateTable.
  absl::Status Scan(absl::Time from, absl::Time to, const KpiFilter& filter,
                    AggregateTable::RowSink sink);
  // Deltas of cells, by key.
  absl::Status Add(absl::Span<const AggregateDelta* const> deltas);

  // Makes a user's sessions of a day, seconds since 1970, nobody's.
  absl::Status ForgetUser(std::uint32_t user, std::int64_t day);

 private:
  // What a row holds. Names go by number, 0 is the empty one.
  struct Page {
    std::int64_t day, region, hubs, windows;
    friend bool operator==(const Page&, const Page&) = default;
  };
  struct Cell {
    std::int64_t hub = 0;
    std::int64_t window = 0;
    Totals totals = {};
    std::string_view users = {};
  };
  struct Change {
    Page page;
    std::int64_t hub, window;
    const AggregateDelta* delta;
  };
  absl::StatusOr<std::int64_t> NumberOf(std::string_view name);
  absl::StatusOr<std::string> ReadPage(const Page& page);
  absl::Status WritePage(const Page& page, std::string_view cells);
  absl::StatusOr<std::vector<Page>> PagesOf(std::int64_t day);
  absl::Status ChangePage(const Page& page, absl::Span<const Change> changes);
  absl::Status ReadRows(Statement& rows, const Cell& wanted, AggregateTable::RowSink sink);

  Database& database_;
  Dictionary& names_;
  Dictionary& users_;
};

}  // namespace nerava::analytics::sqlite
