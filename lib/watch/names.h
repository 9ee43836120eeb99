// The words for watches and alerts in JSON; by value.
#pragma once

#include <array>
#include <string_view>

namespace nerava::analytics {

inline constexpr std::array<std::string_view, 3> kAlertStateNames{"pending", "firing", "resolved"};
inline constexpr std::array<std::string_view, 2> kWatchRelationNames{"above", "below"};
inline constexpr std::array<std::string_view, 2> kWatchMeasureNames{"value", "change"};

}  // namespace nerava::analytics
