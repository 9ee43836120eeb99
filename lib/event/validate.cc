#include "lib/event/validate.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

#include "lib/event/decimal.h"
#include "lib/event/event_type.h"
#include "nerava/analytics/rejection.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

absl::Status RefuseMissing(std::string_view field) {
  return Refuse(RejectReason::kMissingField,
                fmt::format("{} is missing or empty; it is required", field));
}

}  // namespace

absl::Status CheckTextClosely(const TextField& field, const std::string& value) {
  // A type's limit is that of its name without the prefix, so that every event can be read back.
  const std::string_view text = field.kind == FieldKind::kType ? DomainType(value) : value;
  if (text.empty()) return field.required ? RefuseMissing(field.name) : absl::OkStatus();
  const std::size_t max = MaxBytesOf(field.kind);
  if (text.size() > max) {
    return Refuse(RejectReason::kTooLong, fmt::format("{} is {} bytes long; at most {} are allowed",
                                                      field.name, text.size(), max));
  }
  switch (FindTextFault(text)) {
    case TextFault::kNone:
      return absl::OkStatus();
    case TextFault::kNul:
      return Refuse(RejectReason::kInvalidText,
                    fmt::format("{} is {}; it must not hold a NUL", field.name, Quoted(text)));
    case TextFault::kNotUtf8:
      break;
  }
  return Refuse(RejectReason::kInvalidText,
                fmt::format("{} is {}; it must be valid UTF-8", field.name, Quoted(text)));
}

absl::Status CheckTimeClosely(const TimeField& field, absl::Time value, absl::Time now) {
  if (IsAbsent(value)) return absl::OkStatus();
  if (value < absl::UnixEpoch()) {
    return Refuse(RejectReason::kInvalidTime,
                  fmt::format("{} is {}; times before 1970 are not accepted", field.name,
                              FormatTimestamp(value)));
  }
  if (value > now + kMaxFuture) {
    return Refuse(RejectReason::kInFuture,
                  fmt::format("{} is {}, but it is {} now; at most {} minutes ahead are allowed",
                              field.name, FormatTimestamp(value), FormatTimestamp(now),
                              absl::ToInt64Minutes(kMaxFuture)));
  }
  return absl::OkStatus();
}

absl::Status CheckAmount(const AmountField& field, std::optional<std::int64_t> value) {
  if (!value.has_value()) return field.required ? RefuseMissing(field.name) : absl::OkStatus();
  const auto shown = [&] { return FormatScaled(*value, PlacesOf(field.kind)); };
  if (*value < 0) return RefuseNegative(field.name, shown());
  if (*value > MaxAmountOf(field.kind)) return RefuseTooLarge(field, shown());
  return absl::OkStatus();
}

absl::Status CheckNumber(const NumberField& field, std::optional<double> value) {
  if (!value.has_value()) return absl::OkStatus();
  if (!std::isfinite(*value)) {
    return Refuse(RejectReason::kInvalidNumber,
                  fmt::format("{} is {}; it must be a finite number", field.name, *value));
  }
  if (*value < 0) return RefuseNegative(field.name, FormatDouble(*value));
  return absl::OkStatus();
}

absl::Status CheckVersionClosely(const VersionField& field, std::int32_t value) {
  if (value >= 1) return absl::OkStatus();
  return Refuse(RejectReason::kInvalidNumber,
                fmt::format("{} is {}; it must be at least 1", field.name, value));
}

absl::Status RefuseTooOld(absl::Time happened, absl::Time accepts_from) {
  return Refuse(
      RejectReason::kTooOld,
      fmt::format(
          "it happened at {}, and events from before {} are not taken any more, since others "
          "of then were dropped; to store history, keep events longer (data_retention)",
          FormatTimestamp(happened), FormatTimestamp(accepts_from)));
}

absl::Status RefuseNegative(std::string_view field, std::string_view shown) {
  return Refuse(RejectReason::kNegative,
                fmt::format("{} is {}; it must not be negative", field, shown));
}

absl::Status RefuseTooLarge(const AmountField& field, std::string_view shown) {
  return Refuse(RejectReason::kInvalidNumber,
                fmt::format("{} is {}; at most {} is allowed", field.name, shown,
                            FormatScaled(MaxAmountOf(field.kind), PlacesOf(field.kind))));
}

}  // namespace nerava::analytics
