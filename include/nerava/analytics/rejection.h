// Why an event was refused at the door. Every refusal is an absl::Status with a message for people
// and one of these reasons for the counters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace nerava::analytics {

// Values are stored nowhere but in the C ABI's counters; never renumber.
enum class RejectReason : std::uint8_t {
  kOther = 0,
  kMalformedJson = 1,  // no JSON object
  kTooLarge = 2,       // more bytes or deeper than allowed
  kMissingField = 3,   // a required field is absent or empty
  kWrongType = 4,      // a field of another JSON type
  kTooLong = 5,        // text over its limit
  kInvalidText = 6,    // no UTF-8, or a NUL
  kInvalidNumber = 7,  // NaN, infinite, fractional cents, out of range
  kNegative = 8,       // negative money or energy
  kInvalidTime = 9,    // no ISO 8601 time, before 1970
  kInFuture = 10,      // more than kMaxFuture ahead
  kTooOld = 11,        // from before what the store keeps: see data_retention.h
};
inline constexpr std::size_t kRejectReasonCount = 12;

// "missing_field", ...: the counter's name.
std::string_view RejectReasonName(RejectReason reason);

// InvalidArgument with `message`, carrying `reason`.
absl::Status Refuse(RejectReason reason, std::string_view message);

// The reason that a status made by Refuse carries; kOther for any other status.
RejectReason ReasonOf(const absl::Status& status);

}  // namespace nerava::analytics
