// What a request is for: a path, and parameters.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace nerava::analytics::http {

struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> parameters;  // as they came
};

// Decodes percent-escapes, and in the query "+" as a space. InvalidArgument for a broken escape, or what is
// no UTF-8 then.
absl::StatusOr<Target> ParseTarget(std::string_view target);

// The other way round.
std::string WriteTarget(const Target& target);

}  // namespace nerava::analytics::http
