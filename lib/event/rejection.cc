#include "nerava/analytics/rejection.h"

#include <optional>
#include <string>

#include "absl/strings/cord.h"

namespace nerava::analytics {
namespace {

// The payload is one byte, the reason.
constexpr char kPayload[] = "nerava.analytics/reject_reason";

}  // namespace

std::string_view RejectReasonName(RejectReason reason) {
  switch (reason) {
    case RejectReason::kOther:
      return "other";
    case RejectReason::kMalformedJson:
      return "malformed_json";
    case RejectReason::kTooLarge:
      return "too_large";
    case RejectReason::kMissingField:
      return "missing_field";
    case RejectReason::kWrongType:
      return "wrong_type";
    case RejectReason::kTooLong:
      return "too_long";
    case RejectReason::kInvalidText:
      return "invalid_text";
    case RejectReason::kInvalidNumber:
      return "invalid_number";
    case RejectReason::kNegative:
      return "negative";
    case RejectReason::kInvalidTime:
      return "invalid_time";
    case RejectReason::kInFuture:
      return "in_future";
    case RejectReason::kTooOld:
      return "too_old";
  }
  return "other";
}

absl::Status Refuse(RejectReason reason, std::string_view message) {
  absl::Status status =
      absl::InvalidArgumentError(absl::string_view(message.data(), message.size()));
  status.SetPayload(kPayload, absl::Cord(std::string(1, static_cast<char>(reason))));
  return status;
}

RejectReason ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value() || payload->size() != 1) return RejectReason::kOther;
  const auto reason = static_cast<unsigned char>((*payload)[0]);
  return reason < kRejectReasonCount ? static_cast<RejectReason>(reason) : RejectReason::kOther;
}

}  // namespace nerava::analytics
