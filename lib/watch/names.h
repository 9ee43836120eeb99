// The words for what an alert is in, in JSON; by value.
#pragma once

#include <array>
#include <string_view>

namespace nerava::analytics {

inline constexpr std::array<std::string_view, 3> kAlertStateNames{"pending", "firing", "resolved"};

}  // namespace nerava::analytics
