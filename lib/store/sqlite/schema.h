// The tables of a file, and the view that shows the documented columns. docs/storage.md describes
// them for readers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/store/sqlite/database.h"

namespace nerava::analytics::sqlite {

inline constexpr std::int64_t kApplicationId = 0x4e564131;  // "NVA1"
inline constexpr std::int64_t kSchemaVersion = 6;

// Whether the file is empty, and so needs its tables. FailedPrecondition when it is another
// program's, or of a newer version of this library. Changes nothing.
absl::StatusOr<bool> NeedsSchema(Database& database, const std::string& path);

// Makes the tables, unless another process just did.
absl::Status CreateSchema(Database& database, const std::string& path);

// "events_20261122_0". `day` is seconds since 1970.
std::string PartitionTable(std::int64_t day, std::int64_t part);

// Makes a partition's table and indexes, and shows it in the views. Inside a write transaction,
// after its row in `partitions` is there.
absl::Status CreatePartition(Database& database, std::int64_t number, std::string_view table);
// Takes a partition out of the views, and its table away. After its row in `partitions` is gone.
absl::Status DropPartition(Database& database, std::int64_t number, std::string_view table);

}  // namespace nerava::analytics::sqlite
