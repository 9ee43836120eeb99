#include "lib/writer/validate.h"

#include <string>

#include "fmt/format.h"

namespace nerava::analytics {
namespace {

absl::Status OutOfRange(const char* option, const std::string& value, const std::string& range) {
  return absl::InvalidArgumentError(fmt::format("{} is {}; it must be {}", option, value, range));
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
  return absl::OkStatus();
}

}  // namespace nerava::analytics
