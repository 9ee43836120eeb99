// The words for options that are enums, in the environment and in JSON; by value.
#pragma once

#include <array>
#include <string_view>

namespace nerava::analytics {

inline constexpr std::array<std::string_view, 3> kDurabilityNames{"memory", "process", "power"};
inline constexpr std::array<std::string_view, 3> kOverflowNames{"block", "reject", "drop_oldest"};
inline constexpr std::array<std::string_view, 3> kHealthStatusNames{"healthy", "degraded",
                                                                    "unhealthy"};
inline constexpr std::array<std::string_view, 2> kErasedTotalsNames{"keep", "remove"};

}  // namespace nerava::analytics
