// Users as members of stored user sets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/store/sqlite/dictionary.h"

namespace nerava::analytics::sqlite {

// The number by which user sets know a user; DataLoss when it cannot be one.
absl::StatusOr<std::uint32_t> CheckedUser(std::int64_t number);

// A serialized UserSet, with these sessions added.
absl::StatusOr<std::string> AddUsers(
    std::string_view set, const std::vector<std::pair<std::string, std::int64_t>>& sessions,
    Dictionary& users);

}  // namespace nerava::analytics::sqlite
