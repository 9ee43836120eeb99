// The aggregates of a SQLite file by UTC day, or sixteen of them, by region, hub and window.
//
// Breakdowns read all of many days, and a batch changes many of one day. So they lie together in rows
// of a bucket, a region, and some hubs and windows: to step through rows of their own would cost more than the rest.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/store/sqlite/cell_codec.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "lib/store/sqlite/state.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// Belongs to one connection, inside its transactions.
class Cells {
 public:
  Cells(Database& database, Dictionary& names, Dictionary& users)
      : database_(database), names_(names), users_(users) {}

  // See AggregateTable; of kCell and kCellBlock.
  absl::Status Scan(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                    AggregateTable::RowSink sink);
  // Deltas of kCell, by key. `state` says which blocks have their days.
  absl::Status Add(absl::Span<const AggregateDelta* const> deltas, const State& state);

  // Makes a user's sessions of a bucket, seconds since 1970, nobody's.
  absl::Status ForgetUser(std::uint32_t user, Grain grain, std::int64_t begin);

 private:
  // What a row holds.
  struct Page {
    std::int64_t grain, bucket, region, hubs, windows;
    friend auto operator<=>(const Page&, const Page&) = default;
  };
  struct Change {
    Page page;
    std::int64_t hub, window;
    const AggregateDelta* delta;
  };
  absl::StatusOr<std::int64_t> NumberOf(std::string_view name);
  absl::StatusOr<std::string> ReadPage(const Page& page);
  absl::Status WritePage(const Page& page, std::string_view cells);
  absl::StatusOr<std::vector<Page>> PagesOf(Grain grain, std::int64_t begin);
  absl::Status ChangePage(const Page& page, absl::Span<const Change> changes);
  absl::Status ReadRows(Grain grain, Statement& rows, const Cell& wanted,
                        AggregateTable::RowSink sink);
  static void Bind(const Page& page, Statement& statement);

  Database& database_;
  Dictionary& names_;
  Dictionary& users_;
};

}  // namespace nerava::analytics::sqlite
