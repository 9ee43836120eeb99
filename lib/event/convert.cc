#include "lib/event/convert.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/base/attributes.h"
#include "absl/status/statusor.h"
#include "lib/event/derived.h"
#include "lib/event/event_type.h"
#include "lib/event/fields.h"
#include "lib/event/json_object.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/event/uuid.h"
#include "lib/event/validate.h"
#include "nerava/analytics/limits.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics {
namespace {

absl::Status Check(const TextField& field, const std::string& value, absl::Time) {
  return CheckText(field, value);
}
absl::Status Check(const TimeField& field, absl::Time value, absl::Time now) {
  return CheckTime(field, value, now);
}
absl::Status Check(const AmountField& field, std::optional<std::int64_t> value, absl::Time) {
  return CheckAmount(field, value);
}
absl::Status Check(const NumberField& field, std::optional<double> value, absl::Time) {
  return CheckNumber(field, value);
}
absl::Status Check(const VersionField& field, std::int32_t value, absl::Time) {
  return CheckVersion(field, value);
}

// Checks the fields of a domain event and moves them into `*event`; those without a member go to
// its `fields`. After an error it does nothing more.
class FieldMover {
 public:
  FieldMover(absl::Time now, AnalyticsEvent* event) : now_(now), event_(*event) {}

  const absl::Status& status() const { return status_; }

  // Inline, since what a field is then is known to the compiler: little is left to do for it.
  template <typename T>
  ABSL_ATTRIBUTE_ALWAYS_INLINE void operator()(const Field<T>& field, T& value) {
    if (!status_.ok() || (IsAbsent(value) && !field.required)) return;
    if (absl::Status checked = Check(field, value, now_); !checked.ok()) {
      status_ = std::move(checked);
      return;
    }
    if constexpr (std::is_same_v<T, std::string>) {
      if (field.kind == FieldKind::kType) {
        event_.event_type = AnalyticsType(value);
        return;
      }
    }
    if (field.member == nullptr) return Others().Value(field, value);
    T& member = event_.*field.member;
    if constexpr (std::is_same_v<T, absl::Time>) {
      member = absl::FromUnixMicros(absl::ToUnixMicros(value));
    } else {
      member = std::move(value);
    }
    if constexpr (std::is_same_v<T, std::string>) {
      if (field.required && field.kind == FieldKind::kId) aggregate_of_type_ = &member;
    }
  }

  // The type of an event that has a struct of its own.
  void operator()(const TextField&, std::string_view) {}

  // Fields that the type has no name for; `is_taken` tells which names are others' already.
  template <typename IsTaken>
  void AddFurther(std::string_view fields, IsTaken is_taken) {
    if (!status_.ok() || fields.empty()) return;
    const auto members = ParseJsonObject(fields, "header.fields", 0);
    if (!members.ok()) {
      status_ = members.status();
      return;
    }
    for (const JsonMember& member : *members) {
      if (is_taken(member.name)) {
        status_ = Refuse(RejectReason::kOther,
                         fmt::format("header.fields has {}, which the event has a member for",
                                     Quoted(member.name)));
        return;
      }
      if (member.type != JsonType::kNull) member.WriteTo(&Others());
    }
  }

  // Must be called last, once.
  void Close() {
    if (others_.has_value()) others_->Close();
    // Only what differs from the usual one is kept.
    if (!event_.aggregate_id.empty() || aggregate_of_type_ == nullptr) return;
    if (&event_.AggregateId() != aggregate_of_type_) event_.aggregate_id = *aggregate_of_type_;
  }

 private:
  JsonObjectWriter& Others() {
    if (!others_.has_value()) others_.emplace(&event_.fields);
    return *others_;
  }

  const absl::Time now_;
  AnalyticsEvent& event_;
  std::optional<JsonObjectWriter> others_;  // most events have none
  const std::string* aggregate_of_type_ = nullptr;
  absl::Status status_;
};

template <typename Event>
bool HasFieldOfItsOwn(const Event& event, std::string_view name) {
  bool found = name == schema::kProperties;
  const auto compare = [&](const auto& field, const auto&) { found = found || field.name == name; };
  VisitBase(name, event.header, compare);
  VisitFields(event, compare);
  return found;
}

// Adds what the caller adds to `properties`, without those that follow from the event.
absl::Status KeepProperties(std::string_view properties, AnalyticsEvent* event) {
  const auto members = ParseJsonObject(properties, "header.properties", 1);
  if (!members.ok()) return members.status();
  JsonObjectWriter writer(&event->properties);
  for (const JsonMember& member : *members) {
    bool derived = false;
    VisitDerivedProperties(
        *event, [&](std::string_view name, auto) { derived = derived || name == member.name; });
    if (!derived) member.WriteTo(&writer);
  }
  writer.Close();
  if (writer.empty()) event->properties.clear();
  return absl::OkStatus();
}

absl::Status RefuseSize(const EventHeader& header) {
  const std::size_t bytes = header.fields.size() + header.properties.size();
  return Refuse(RejectReason::kTooLarge,
                fmt::format("header.fields and header.properties are {} bytes long together; at "
                            "most {} are allowed",
                            bytes, kMaxJsonBytes));
}

// A type with a struct of its own must come in it, else its fields would go unseen.
absl::Status CheckStruct(const GenericEvent& event) {
  if (!HasOwnStruct(event.event_type)) return absl::OkStatus();
  return Refuse(RejectReason::kWrongType,
                fmt::format("event_type {} is no GenericEvent; use the struct of that type",
                            Quoted(event.event_type)));
}
template <typename Event>
absl::Status CheckStruct(const Event&) {
  return absl::OkStatus();
}

template <typename Event>
const EventType& kEventTypeOf = *new EventType(AnalyticsType(Event::kType));

template <typename Event>
absl::Status ConvertTo(Event& event, const std::string& region, absl::Time now,
                       AnalyticsEvent& result) {
  if (absl::Status s = CheckStruct(event); !s.ok()) return s;
  if (event.header.fields.size() + event.header.properties.size() > kMaxJsonBytes) {
    return RefuseSize(event.header);
  }
  if constexpr (!kIsGeneric<Event>) {
    result.event_type = kEventTypeOf<Event>;
  }
  result.time = absl::InfinitePast();
  FieldMover mover(now, &result);
  if constexpr (kIsGeneric<Event>) {
    VisitBase(event.event_type, event.header, mover);
  } else {
    VisitBase(Event::kType, event.header, mover);
  }
  VisitFields(event, mover);
  mover.AddFurther(event.header.fields,
                   [&event](std::string_view name) { return HasFieldOfItsOwn(event, name); });
  mover.Close();
  if (!mover.status().ok()) return mover.status();
  if (result.event_id.empty()) result.event_id = MakeUuidV7(now);
  if (IsAbsent(result.time)) {
    if (absl::Status s = CheckTime({"the producer's clock", FieldKind::kTime}, now, now); !s.ok()) {
      return s;
    }
    result.time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  }
  if (result.region.empty()) result.region = region;
  if (event.header.properties.empty()) return absl::OkStatus();
  return KeepProperties(event.header.properties, &result);
}

}  // namespace

absl::Status Convert(DomainEvent& event, const std::string& region, absl::Time now,
                     AnalyticsEvent* result) {
  return std::visit([&](auto& typed) { return ConvertTo(typed, region, now, *result); }, event);
}

}  // namespace nerava::analytics
