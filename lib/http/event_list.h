// The events of a request's body, one from the other.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace nerava::analytics::http {

// JSON texts, each unchecked, which view the body: one object; those of an array; or NDJSON, an object a
// line, which it is if `is_ndjson` or if there is more behind a whole first line. InvalidArgument for an
// array that does not end, or has something behind it, and for an empty body. An element that is not what
// it seems spoils no other.
absl::StatusOr<std::vector<std::string_view>> SplitEvents(std::string_view body, bool is_ndjson);

}  // namespace nerava::analytics::http
