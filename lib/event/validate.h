// What a field may hold. The limits are those of limits.h; here they meet the kinds of fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lib/event/fields.h"
#include "lib/event/text.h"
#include "nerava/analytics/limits.h"

namespace nerava::analytics {

constexpr std::size_t MaxBytesOf(FieldKind kind) {
  switch (kind) {
    case FieldKind::kId:
      return kMaxIdBytes;
    case FieldKind::kType:
      return kMaxTypeBytes;
    case FieldKind::kRegion:
      return kMaxRegionBytes;
    default:
      return kMaxTextBytes;
  }
}

// In the field's integer unit.
constexpr std::int64_t MaxAmountOf(FieldKind kind) {
  switch (kind) {
    case FieldKind::kUsd:
      return kMaxMicroUsd;
    case FieldKind::kKwh:
      return kMaxMilliwattHours;
    default:
      return kMaxCents;
  }
}

// The checks refuse what the field may not hold; absent values only when the field is required.
// They run for every field of every event: what is usual is seen inline, by a few instructions, and
// only the rest is looked at closely.
absl::Status CheckTextClosely(const TextField& field, const std::string& value);
inline absl::Status CheckText(const TextField& field, const std::string& value) {
  const bool usual = field.kind != FieldKind::kType && !value.empty() &&
                     value.size() <= MaxBytesOf(field.kind) && IsPlain(value);
  return usual ? absl::OkStatus() : CheckTextClosely(field, value);
}

absl::Status CheckTimeClosely(const TimeField& field, absl::Time value, absl::Time now);
inline absl::Status CheckTime(const TimeField& field, absl::Time value, absl::Time now) {
  const bool usual = absl::UnixEpoch() <= value && value <= now;
  return usual ? absl::OkStatus() : CheckTimeClosely(field, value, now);
}

absl::Status CheckAmount(const AmountField& field, std::optional<std::int64_t> value);
absl::Status CheckNumber(const NumberField& field, std::optional<double> value);
absl::Status CheckVersionClosely(const VersionField& field, std::int32_t value);
inline absl::Status CheckVersion(const VersionField& field, std::int32_t value) {
  return value >= 1 ? absl::OkStatus() : CheckVersionClosely(field, value);
}

// The refusal of an amount that is out of its field's range, `shown` as in the message.
absl::Status RefuseTooOld(absl::Time happened, absl::Time accepts_from);
absl::Status RefuseNegative(std::string_view field, std::string_view shown);
absl::Status RefuseTooLarge(const AmountField& field, std::string_view shown);

}  // namespace nerava::analytics
