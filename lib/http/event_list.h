// The events of a request's body, one from the other.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace nerava::analytics::http {

// Of a request: each has a result, which is larger than the smallest of them.
inline constexpr std::size_t kMostEvents = 10'000;

// JSON texts, each unchecked, which view the body: one object; those of an array; or NDJSON, an object a
// line, which it is if `is_ndjson` or if there is more behind a whole first line. InvalidArgument for an
// array that does not end, or has something behind it, for an empty body, and for more than kMostEvents. An element that is not what
// it seems spoils no other.
absl::StatusOr<std::vector<std::string_view>> SplitEvents(std::string_view body, bool is_ndjson);

}  // namespace nerava::analytics::http
