// The facts of a SQLite file: what is read where totals by five minutes are too coarse.
//
// They lie in rows of some kilobytes, each of five minutes (a slot) and a region, and are only ever
// appended.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// Belongs to one connection, inside its transactions.
class Facts {
 public:
  Facts(Database& database, Dictionary& names, Dictionary& users)
      : database_(database), names_(names), users_(users) {}

  // See AggregateTable.
  absl::Status Read(absl::Time from, absl::Time to, const KpiFilter& filter,
                    AggregateTable::FactSink sink);
  absl::Status Add(absl::Span<const Fact> facts);

  // Makes nobody's all facts of a user.
  absl::Status ForgetUser(std::uint32_t user);

 private:
  // Five minutes of one region. Names go by number, 0 is the empty one.
  struct Cell {
    std::int64_t slot, region;
    friend auto operator<=>(const Cell&, const Cell&) = default;
  };
  // What Read looks for.
  static constexpr std::int64_t kAny = -1;
  struct Wanted {
    std::int64_t from, to;  // microseconds since 1970
    std::int64_t region = kAny, hub = kAny, window = kAny;
  };
  absl::StatusOr<std::int64_t> NumberOf(std::string_view name);
  absl::Status Append(const Cell& cell, std::string_view bytes);
  absl::Status ReadRows(Statement& rows, const Wanted& wanted, AggregateTable::FactSink sink);

  Database& database_;
  Dictionary& names_;
  Dictionary& users_;
};

}  // namespace nerava::analytics::sqlite
