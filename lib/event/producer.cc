#include "nerava/analytics/producer.h"

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lib/event/derived.h"
#include "lib/event/event_type.h"
#include "lib/event/fields.h"
#include "lib/event/json_object.h"
#include "lib/event/text.h"
#include "lib/event/uuid.h"
#include "lib/event/validate.h"
#include "nerava/analytics/json.h"
#include "nerava/analytics/limits.h"

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
  FieldMover(absl::Time now, AnalyticsEvent* event)
      : now_(now), event_(*event), others_(&event->fields) {}

  template <typename T>
  void operator()(const Field<T>& field, T& value) {
    if (!status_.ok()) return;
    status_ = Check(field, value, now_);
    if (!status_.ok() || IsAbsent(value)) return;
    if (field.member == nullptr) return others_.Value(field, value);
    T& member = event_.*field.member;
    if constexpr (std::is_same_v<T, absl::Time>) {
      member = absl::FromUnixMicros(absl::ToUnixMicros(value));
    } else {
      member = std::move(value);
    }
    if constexpr (std::is_same_v<T, std::string>) {
      const bool usual_aggregate = field.required && field.kind == FieldKind::kId;
      if (usual_aggregate && event_.aggregate_id.empty()) event_.aggregate_id = member;
    }
  }

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
      if (member.type != JsonType::kNull) member.WriteTo(&others_);
    }
  }

  absl::Status Finish() {
    others_.Close();
    if (others_.empty()) event_.fields.clear();
    return status_;
  }

 private:
  const absl::Time now_;
  AnalyticsEvent& event_;
  JsonObjectWriter others_;
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

// What the caller adds to `properties`, without those that follow from the event.
absl::StatusOr<std::string> KeptProperties(std::string_view properties,
                                           const AnalyticsEvent& event) {
  std::string kept;
  if (properties.empty()) return kept;
  const auto members = ParseJsonObject(properties, "header.properties", 1);
  if (!members.ok()) return members.status();
  JsonObjectWriter writer(&kept);
  for (const JsonMember& member : *members) {
    bool derived = false;
    VisitDerivedProperties(
        event, [&](std::string_view name, auto) { derived = derived || name == member.name; });
    if (!derived) member.WriteTo(&writer);
  }
  writer.Close();
  return writer.empty() ? std::string() : kept;
}

absl::Status CheckJsonSize(const EventHeader& header) {
  const std::size_t bytes = header.fields.size() + header.properties.size();
  if (bytes <= kMaxJsonBytes) return absl::OkStatus();
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

void FillAggregate(AnalyticsEvent* event) {
  if (!event->aggregate_id.empty()) return;
  event->aggregate_id = !event->session_id.empty() ? event->session_id
                        : !event->user_id.empty()  ? event->user_id
                                                   : event->event_id;
}

template <typename Event>
absl::StatusOr<AnalyticsEvent> ConvertTo(Event& event, const std::string& region, absl::Time now) {
  if (absl::Status s = CheckStruct(event); !s.ok()) return s;
  if (absl::Status s = CheckJsonSize(event.header); !s.ok()) return s;
  AnalyticsEvent result;
  result.time = absl::InfinitePast();
  FieldMover mover(now, &result);
  std::string type(TypeOf(event));
  VisitBase(type, event.header, mover);
  VisitFields(event, mover);
  mover.AddFurther(event.header.fields,
                   [&event](std::string_view name) { return HasFieldOfItsOwn(event, name); });
  if (absl::Status s = mover.Finish(); !s.ok()) return s;

  result.event_type = AnalyticsType(result.event_type);
  result.kind = KindOf(result.event_type);
  if (result.event_id.empty()) result.event_id = MakeUuidV7(now);
  if (IsAbsent(result.time)) {
    if (absl::Status s = CheckTime({"the producer's clock", FieldKind::kTime}, now, now); !s.ok()) {
      return s;
    }
    result.time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  }
  if (result.region.empty()) result.region = region;
  FillAggregate(&result);
  absl::StatusOr<std::string> properties = KeptProperties(event.header.properties, result);
  if (!properties.ok()) return properties.status();
  result.properties = *std::move(properties);
  return result;
}

constexpr TextField kProducerRegion =
    Required(TextField{"the producer's region", FieldKind::kRegion});

}  // namespace

Producer::Producer(ProducerOptions options, Bus* bus, const Clock& clock)
    : options_(std::move(options)), bus_(bus), clock_(clock) {}

absl::StatusOr<AnalyticsEvent> Producer::Convert(DomainEvent event) const {
  if (absl::Status s = CheckText(kProducerRegion, options_.region); !s.ok()) return s;
  return std::visit([this](auto& typed) { return ConvertTo(typed, options_.region, clock_.Now()); },
                    event);
}

absl::StatusOr<AnalyticsEvent> Producer::ConvertJson(std::string_view json) {
  absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  if (!event.ok()) return Count(event.status());
  absl::StatusOr<AnalyticsEvent> converted = Convert(*std::move(event));
  if (!converted.ok()) return Count(converted.status());
  return converted;
}

absl::StatusOr<EventPtr> Producer::Publish(DomainEvent event) {
  if (bus_ == nullptr) {
    return absl::FailedPreconditionError("this producer was made without a bus: it only converts");
  }
  absl::StatusOr<AnalyticsEvent> converted = Convert(std::move(event));
  if (!converted.ok()) return Count(converted.status());
  EventPtr accepted = std::make_shared<const AnalyticsEvent>(*std::move(converted));
  if (absl::Status s = bus_->Publish(accepted); !s.ok()) return s;
  published_.fetch_add(1, std::memory_order_relaxed);
  return accepted;
}

absl::StatusOr<EventPtr> Producer::PublishJson(std::string_view json) {
  absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  if (!event.ok()) return Count(event.status());
  return Publish(*std::move(event));
}

ProducerStats Producer::stats() const {
  ProducerStats stats;
  stats.published = published_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < rejected_.size(); ++i) {
    stats.rejected_by_reason[i] = rejected_[i].load(std::memory_order_relaxed);
    stats.rejected += stats.rejected_by_reason[i];
  }
  return stats;
}

absl::Status Producer::Count(absl::Status status) {
  rejected_[static_cast<std::size_t>(ReasonOf(status))].fetch_add(1, std::memory_order_relaxed);
  return status;
}

}  // namespace nerava::analytics
