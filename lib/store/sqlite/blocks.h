// Days that are over, added up by sixteen: a KPI over months then reads a quarter of the rows.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "lib/store/sqlite/database.h"

namespace nerava::analytics::sqlite {

inline constexpr std::int64_t kBlockSeconds = 16 * 86400;  // BucketWidth(Grain::kBlock)

// Adds up the next block, if all of its days are over. Inside a write transaction; whether there was
// one.
absl::StatusOr<bool> BuildBlock(Database& database);

// The aggregates of days before `days_from` (seconds since 1970) were dropped: so are blocks with one of
// these.
absl::Status DropBlocks(Database& database, std::int64_t days_from);

}  // namespace nerava::analytics::sqlite
