// Decimal text and scaled integers, exactly. money.h is the public face.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace nerava::analytics {

struct ScaledDecimal {
  std::int64_t value = 0;
  bool exact = true;  // no digit was rounded away
};

// A JSON number's text times 10^places, rounded half away from zero. Errors as MicrosFromDecimal.
absl::StatusOr<ScaledDecimal> ScaleDecimal(std::string_view text, int places);

// `value` / 10^places as the shortest JSON number: 3250000 and 6 make "3.25".
std::string FormatScaled(std::int64_t value, int places);

// The shortest decimal that denotes `value`, which must be finite; a JSON number.
std::string FormatDouble(double value);

}  // namespace nerava::analytics
