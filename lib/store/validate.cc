#include "lib/store/validate.h"

#include "fmt/format.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMinPartitionRows = 1000;
constexpr absl::Duration kMaxBusyTimeout = absl::Hours(24);

}  // namespace

absl::Status Validate(const StoreOptions& options) {
  if (options.sqlite_cache_bytes < 0) {
    return absl::InvalidArgumentError(
        fmt::format("sqlite_cache_bytes is {}; it must be 0 or more", options.sqlite_cache_bytes));
  }
  if (options.sqlite_busy_timeout < absl::ZeroDuration() ||
      options.sqlite_busy_timeout > kMaxBusyTimeout) {
    return absl::InvalidArgumentError(fmt::format(
        "sqlite_busy_timeout is {}; it must be from 0 to {}",
        absl::FormatDuration(options.sqlite_busy_timeout), absl::FormatDuration(kMaxBusyTimeout)));
  }
  if (options.sqlite_partition_rows < kMinPartitionRows) {
    return absl::InvalidArgumentError(
        fmt::format("sqlite_partition_rows is {}; it must be at least {}",
                    options.sqlite_partition_rows, kMinPartitionRows));
  }
  return absl::OkStatus();
}

absl::Status CheckPosition(std::int64_t position, std::int64_t last) {
  if (position <= last) return absl::OkStatus();
  return absl::OutOfRangeError(
      fmt::format("no event has the position {}: the last one is {}", position, last));
}

}  // namespace nerava::analytics
