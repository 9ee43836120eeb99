// The events of all partitions in the order in which they were committed.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "lib/store/sqlite/connection.h"
#include "lib/store/sqlite/partitions.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// Merges the rows with after < id <= last of partitions that are sorted by their first_event. Of each it
// reads what it gives, and looks into none before it is that one's turn.
absl::Status ReadInCommitOrder(Connection& connection, const std::vector<PartitionPtr>& partitions,
                               std::int64_t after, std::int64_t last, std::int64_t limit,
                               ReadTransaction::PositionSink sink);

}  // namespace nerava::analytics::sqlite
