#include "lib/writer/validate.h"

#include <string>

#include "fmt/format.h"

namespace nerava::analytics {
namespace {

absl::Status OutOfRange(const char* option, const std::string& value, const std::string& range) {
  return absl::InvalidArgumentError(fmt::format("{} is {}; it must be {}", option, value, range));
}

absl::Status Validate(const JournalOptions& options) {
  if (options.sync_interval < kMinSyncInterval || options.sync_interval > kMaxSyncInterval) {
    return OutOfRange("sync_interval", absl::FormatDuration(options.sync_interval),
                      fmt::format("from {} to {}", absl::FormatDuration(kMinSyncInterval),
                                  absl::FormatDuration(kMaxSyncInterval)));
  }
  if (options.segment_bytes < kMinSegmentBytes || options.segment_bytes > kMaxSegmentBytes) {
    return OutOfRange("journal_segment_bytes", fmt::format("{}", options.segment_bytes),
                      fmt::format("from {} to {}", kMinSegmentBytes, kMaxSegmentBytes));
  }
  if (options.max_bytes < 2 * options.segment_bytes) {
    return OutOfRange("journal_max_bytes", fmt::format("{}", options.max_bytes),
                      fmt::format("at least 2 segments, {}", 2 * options.segment_bytes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const BatchWriterOptions& options) {
  if (options.batch_size < 1 || options.batch_size > kMaxBatchSize) {
    return OutOfRange("batch_size", fmt::format("{}", options.batch_size),
                      fmt::format("from 1 to {}", kMaxBatchSize));
  }
  if (options.flush_interval < kMinFlushInterval || options.flush_interval > kMaxFlushInterval) {
    return OutOfRange("flush_interval", absl::FormatDuration(options.flush_interval),
                      fmt::format("from {} to {}", absl::FormatDuration(kMinFlushInterval),
                                  absl::FormatDuration(kMaxFlushInterval)));
  }
  if (options.max_batch_size < options.batch_size) {
    return OutOfRange("max_batch_size", fmt::format("{}", options.max_batch_size),
                      fmt::format("at least batch_size, {}", options.batch_size));
  }
  if (options.queue_capacity < options.max_batch_size) {
    return OutOfRange("queue_capacity", fmt::format("{}", options.queue_capacity),
                      fmt::format("at least max_batch_size, {}", options.max_batch_size));
  }
  if (options.overflow_timeout < absl::ZeroDuration()) {
    return OutOfRange("overflow_timeout", absl::FormatDuration(options.overflow_timeout),
                      "0 or more");
  }
  if (options.retry_initial_backoff <= absl::ZeroDuration()) {
    return OutOfRange("retry_initial_backoff", absl::FormatDuration(options.retry_initial_backoff),
                      "more than 0");
  }
  if (options.retry_max_backoff < options.retry_initial_backoff) {
    return OutOfRange("retry_max_backoff", absl::FormatDuration(options.retry_max_backoff),
                      fmt::format("at least retry_initial_backoff, {}",
                                  absl::FormatDuration(options.retry_initial_backoff)));
  }
  return Validate(options.journal);
}

}  // namespace nerava::analytics
