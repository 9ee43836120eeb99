// The numbers that say where a SQLite file is at.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/store/sqlite/database.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

struct State {
  std::int64_t last_event = 0;  // the largest id committed
  std::int64_t erasures = 0;    // of persons
  Horizons kept_from;
  std::int64_t blocks_from = 0;  // seconds since 1970: blocks between these are kept
  std::int64_t blocks_to = 0;
};

// DataLoss when the numbers make no sense.
absl::StatusOr<State> ReadState(Database& database);

absl::Status WriteState(Database& database, std::string_view name, std::int64_t value);

// Seconds since 1970 of a horizon; 0 of one that never moved.
std::int64_t SecondsOf(absl::Time horizon);

}  // namespace nerava::analytics::sqlite
