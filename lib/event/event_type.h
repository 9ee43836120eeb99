// From the name of an event type to its struct and back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/domain_event.h"

namespace nerava::analytics {

inline constexpr std::string_view kAnalyticsPrefix = "analytics_";

template <typename Event>
inline constexpr bool kIsGeneric = std::is_same_v<std::remove_cvref_t<Event>, GenericEvent>;

constexpr EventKind KindOf(std::string_view type) {
  if (type == ChargeStarted::kType) return EventKind::kChargeStarted;
  if (type == ChargeStopped::kType) return EventKind::kChargeStopped;
  if (type == WalletCredited::kType) return EventKind::kWalletCredited;
  return EventKind::kOther;
}

// The type's name without the prefix.
inline std::string_view DomainType(std::string_view type) {
  if (type.starts_with(kAnalyticsPrefix)) type.remove_prefix(kAnalyticsPrefix.size());
  return type;
}

// Stands for the name of an event's type among its members of text.
inline constexpr std::string AnalyticsEvent::*kTypeName = nullptr;

inline const std::string& TextOf(const AnalyticsEvent& event, std::string AnalyticsEvent::*member) {
  return member != kTypeName ? event.*member : event.event_type.name();
}

inline void SetText(std::string AnalyticsEvent::*member, std::string_view text,
                    AnalyticsEvent* event) {
  if (member != kTypeName) {
    event->*member = text;
  } else {
    event->event_type = text;
  }
}

template <typename Event>
std::string_view TypeOf(const Event& event) {
  if constexpr (kIsGeneric<Event>) {
    return event.event_type;
  } else {
    return Event::kType;
  }
}

namespace internal {

template <std::size_t... I>
DomainEvent MakeEvent(std::string_view domain_type, std::index_sequence<I...>) {
  DomainEvent event{std::in_place_type<GenericEvent>};
  // The last alternative is the generic one.
  static_cast<void>(((domain_type == std::variant_alternative_t<I, DomainEvent>::kType &&
                      (event.emplace<I>(), true)) ||
                     ...));
  return event;
}

}  // namespace internal

// The name and the kind of every type with a struct.
template <typename Known>
std::vector<Known> KnownTypes() {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<Known>{{AnalyticsType(std::variant_alternative_t<I, DomainEvent>::kType),
                               KindOf(std::variant_alternative_t<I, DomainEvent>::kType)}...};
  }
  (std::make_index_sequence<std::variant_size_v<DomainEvent> - 1>{});
}

// An empty event of the struct that `type`, with or without the prefix, has; a GenericEvent
// (without its type) when it has none.
inline DomainEvent MakeEvent(std::string_view type) {
  return internal::MakeEvent(DomainType(type),
                             std::make_index_sequence<std::variant_size_v<DomainEvent> - 1>{});
}

inline bool HasOwnStruct(std::string_view type) {
  return !std::holds_alternative<GenericEvent>(MakeEvent(type));
}

}  // namespace nerava::analytics
