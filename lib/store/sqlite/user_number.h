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

struct StoredUsers {
  std::string bytes;  // a UserSet, serialized
  std::int64_t size = 0;
};

// A serialized UserSet, with these sessions added.
absl::StatusOr<StoredUsers> AddUsers(
    std::string_view set, const std::vector<std::pair<std::string, std::int64_t>>& sessions,
    Dictionary& users);

}  // namespace nerava::analytics::sqlite
