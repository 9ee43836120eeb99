// What an operation returns when memory ran out, also for a message.
#pragma once

#include "absl/status/status.h"

namespace nerava::analytics {

// Made when the program starts: a copy of it takes no memory.
inline const absl::Status& OutOfMemory() {
  static const absl::Status& status =
      *new absl::Status(absl::StatusCode::kResourceExhausted, "out of memory; try again later");
  return status;
}

namespace internal {
[[maybe_unused]] inline const absl::Status& out_of_memory_made_at_start = OutOfMemory();
}  // namespace internal

}  // namespace nerava::analytics
