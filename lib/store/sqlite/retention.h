// Drops what a SQLite file keeps no longer.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/store/sqlite/database.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// A step as Store::Retain says, inside a write transaction. `kept_from`: before it.
absl::StatusOr<RetentionStep> Retain(Database& database, const Horizons& kept_from,
                                     const Horizons& wanted, absl::Duration limit);

// After the last step, outside of transactions: what SQLite's planner knows of the tables.
absl::Status Optimize(Database& database);

}  // namespace nerava::analytics::sqlite
