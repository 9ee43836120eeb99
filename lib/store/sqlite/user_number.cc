#include "lib/store/sqlite/user_number.h"

#include <limits>

#include "fmt/format.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics::sqlite {

absl::StatusOr<std::uint32_t> CheckedUser(std::int64_t number) {
  if (1 <= number && number <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(number);
  }
  return absl::DataLossError(
      fmt::format("the stored user number {} is not one of 32 bits", number));
}

absl::StatusOr<StoredUsers> AddUsers(
    std::string_view set, const std::vector<std::pair<std::string, std::int64_t>>& sessions,
    Dictionary& users) {
  auto changed = UserSet::Parse(set);
  if (!changed.ok()) return changed.status();
  for (const auto& [user_id, count] : sessions) {
    auto number = users.FindOrAdd(user_id);
    if (!number.ok()) return number.status();
    auto user = CheckedUser(*number);
    if (!user.ok()) return user.status();
    changed->Add(*user, count);
  }
  return StoredUsers{changed->Serialize(), static_cast<std::int64_t>(changed->size())};
}

}  // namespace nerava::analytics::sqlite
