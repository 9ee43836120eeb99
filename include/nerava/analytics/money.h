// Exact money and energy. Inside, they are integers: micro-USD, cents and milliwatt-hours; a
// decimal is converted once on the way in and rounded once on the way out, half away from zero.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace nerava::analytics {

// A decimal number as text ("3.25", "1e-3") times 1,000,000: 3.25 USD is 3,250,000 micro-USD,
// 7.5 kWh is 7,500,000 milliwatt-hours. Exact; digits beyond the sixth are rounded. InvalidArgument
// when the text is no JSON number, OutOfRange when the result does not fit.
absl::StatusOr<std::int64_t> MicrosFromDecimal(std::string_view decimal);

// The same for a double, through the shortest decimal that denotes it, so that 0.29 is 290,000.
// InvalidArgument for NaN and infinities.
absl::StatusOr<std::int64_t> MicrosFromDouble(double value);

// Cents of an amount in USD: 0.29 is 29 (int(0.29 * 100) would be 28).
absl::StatusOr<std::int64_t> CentsFromUsd(double usd);

// `micros` / 1,000,000 rounded to `decimals` (0..6) places, half away from zero.
double DecimalFromMicros(std::int64_t micros, int decimals = 6);

// numerator ÷ denominator rounded to 2 decimals, half away from zero, computed in integers;
// 0 when the denominator is 0. `scale` multiplies the numerator first: 100 makes a percentage.
double RoundedRatio(std::int64_t numerator, std::int64_t denominator, std::int64_t scale = 1);

}  // namespace nerava::analytics
