// Days that are over, added up by sixteen: a KPI over months then reads a fifth of the rows, and a breakdown
// a fifth of the cells.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/state.h"

namespace nerava::analytics::sqlite {

inline constexpr std::int64_t kBlockSeconds = 16 * 86400;  // BucketWidth(Grain::kBlock)

// The block of a day.
inline std::int64_t BlockOf(std::int64_t day) { return day - day % kBlockSeconds; }

// Whether the block that begins so is kept: what it has by region, and its cells, which go sooner.
inline bool HasBlock(std::int64_t begin, const State& state) {
  return begin >= state.blocks_from && begin < state.blocks_to;
}
inline bool HasCells(std::int64_t begin, const State& state) {
  return HasBlock(begin, state) && begin >= SecondsOf(state.kept_from.aggregates);
}

// Adds up the next block, if all of its days are over. Inside a write transaction; whether there was
// one.
absl::StatusOr<bool> BuildBlock(Database& database);

// The aggregates of days before `days_from` (seconds since 1970) were dropped: so are blocks with one of
// these.
absl::Status DropBlocks(Database& database, std::int64_t days_from);

}  // namespace nerava::analytics::sqlite
