// The ranges of BatchWriterOptions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lib/journal/segment.h"
#include "nerava/analytics/batch_writer.h"

namespace nerava::analytics {

inline constexpr std::size_t kMaxBatchSize = 1'000'000;
inline constexpr absl::Duration kMinFlushInterval = absl::Milliseconds(1);
inline constexpr absl::Duration kMaxFlushInterval = absl::Hours(24);
inline constexpr absl::Duration kMinSyncInterval = absl::Milliseconds(1);
inline constexpr absl::Duration kMaxSyncInterval = absl::Hours(1);
// So that the largest event has room in half a segment.
inline constexpr std::int64_t kMinSegmentBytes = 256 << 10;

// InvalidArgument naming the first option that is out of its range.
absl::Status Validate(const BatchWriterOptions& options);

}  // namespace nerava::analytics
