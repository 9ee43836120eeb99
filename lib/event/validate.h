// What a field may hold. The limits are those of limits.h; here they meet the kinds of fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lib/event/fields.h"

namespace nerava::analytics {

// Refuses what the field may not hold; absent values only when the field is required.
absl::Status CheckText(const TextField& field, const std::string& value);
absl::Status CheckTime(const TimeField& field, absl::Time value, absl::Time now);
absl::Status CheckAmount(const AmountField& field, std::optional<std::int64_t> value);
absl::Status CheckNumber(const NumberField& field, std::optional<double> value);
absl::Status CheckVersion(const VersionField& field, std::int32_t value);

// The refusal of an amount that is out of its field's range, `shown` as in the message.
absl::Status RefuseNegative(std::string_view field, std::string_view shown);
absl::Status RefuseTooLarge(const AmountField& field, std::string_view shown);

}  // namespace nerava::analytics
