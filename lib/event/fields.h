// The schema: every field of every event type, named once, with its kind and where an
// AnalyticsEvent keeps it. Parsing, printing, validation and conversion are visitors of it; a
// visitor is called as visit(Field<T>, T& value), in the documented order of the fields.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/time/time.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/domain_event.h"

namespace nerava::analytics {

enum class FieldKind : std::uint8_t {
  kId,       // text up to kMaxIdBytes
  kType,     // text up to kMaxTypeBytes
  kRegion,   // text up to kMaxRegionBytes
  kText,     // text up to kMaxTextBytes
  kTime,     // ISO 8601 text
  kUsd,      // a number of USD, kept in micro-USD
  kKwh,      // a number of kWh, kept in milliwatt-hours
  kCents,    // a whole number
  kNumber,   // any number from 0
  kVersion,  // a whole number from 1
};

template <typename T>
struct Field {
  std::string_view name;
  FieldKind kind;
  T AnalyticsEvent::*member = nullptr;  // null: event_type, or kept in AnalyticsEvent::fields
  bool required = false;
};

template <typename T>
constexpr Field<T> Required(Field<T> field) {
  field.required = true;
  return field;
}

using TextField = Field<std::string>;
using TimeField = Field<absl::Time>;
using AmountField = Field<std::optional<std::int64_t>>;
using NumberField = Field<std::optional<double>>;
using VersionField = Field<std::int32_t>;

// Decimal places between a field's JSON number and the integer it is kept as.
constexpr int PlacesOf(FieldKind kind) {
  return kind == FieldKind::kUsd || kind == FieldKind::kKwh ? 6 : 0;
}

inline bool IsAbsent(const std::string& value) { return value.empty(); }
inline bool IsAbsent(absl::Time value) { return value == absl::InfinitePast(); }
inline bool IsAbsent(std::optional<std::int64_t> value) { return !value.has_value(); }
inline bool IsAbsent(std::optional<double> value) { return !value.has_value(); }
inline bool IsAbsent(std::int32_t) { return false; }

namespace schema {

inline constexpr TextField kEventId{"event_id", FieldKind::kId, &AnalyticsEvent::event_id};
inline constexpr TextField kEventType{"event_type", FieldKind::kType};
inline constexpr TimeField kTimestamp{"timestamp", FieldKind::kTime, &AnalyticsEvent::time};
inline constexpr TextField kRegion{"region", FieldKind::kRegion, &AnalyticsEvent::region};
inline constexpr TextField kAggregateId{"aggregate_id", FieldKind::kId,
                                        &AnalyticsEvent::aggregate_id};
inline constexpr VersionField kVersion{"version", FieldKind::kVersion, &AnalyticsEvent::version};
inline constexpr std::string_view kProperties = "properties";

inline constexpr TextField kSessionId{"session_id", FieldKind::kId, &AnalyticsEvent::session_id};
inline constexpr TextField kUserId{"user_id", FieldKind::kId, &AnalyticsEvent::user_id};
inline constexpr TextField kHubId{"hub_id", FieldKind::kId, &AnalyticsEvent::hub_id};
inline constexpr TextField kWindowId{"window_id", FieldKind::kId, &AnalyticsEvent::window_id};
inline constexpr TextField kMerchantId{"merchant_id", FieldKind::kId};
inline constexpr TextField kRedemptionId{"redemption_id", FieldKind::kId};
inline constexpr TextField kWindowLabel{"window_label", FieldKind::kText};
inline constexpr TextField kEmail{"email", FieldKind::kText};
inline constexpr TextField kAuthProvider{"auth_provider", FieldKind::kText};
inline constexpr TextField kPassType{"pass_type", FieldKind::kText};
inline constexpr NumberField kPricePerKwh{"price_per_kwh", FieldKind::kNumber};
inline constexpr NumberField kMultiplier{"multiplier", FieldKind::kNumber};
inline constexpr AmountField kEnergy{"kwh_consumed", FieldKind::kKwh, &AnalyticsEvent::energy_mwh};
inline constexpr AmountField kGridReward{"grid_reward_usd", FieldKind::kUsd,
                                         &AnalyticsEvent::grid_reward_microusd};
inline constexpr AmountField kMerchantReward{"merchant_reward_usd", FieldKind::kUsd,
                                             &AnalyticsEvent::merchant_reward_microusd};
inline constexpr AmountField kTotalReward{"total_reward_usd", FieldKind::kUsd,
                                          &AnalyticsEvent::total_reward_microusd};
inline constexpr AmountField kAmount{"amount_cents", FieldKind::kCents,
                                     &AnalyticsEvent::amount_cents};
inline constexpr AmountField kNewBalance{"new_balance_cents", FieldKind::kCents,
                                         &AnalyticsEvent::new_balance_cents};

// When it happened, by the name that the type has for it.
constexpr TimeField Happened(std::string_view name) {
  return {name, FieldKind::kTime, &AnalyticsEvent::time};
}

}  // namespace schema

// `T` or `const T`.
template <typename Event, typename T>
concept Is = std::same_as<std::remove_const_t<Event>, T>;

// The base keys of an event of type `type`.
template <typename Text, typename Header, typename Visit>
requires Is<Header, EventHeader>
void VisitBase(Text& type, Header& header, Visit&& visit) {
  visit(schema::kEventId, header.event_id);
  visit(Required(schema::kEventType), type);
  visit(schema::kTimestamp, header.timestamp);
  visit(schema::kRegion, header.region);
  visit(schema::kAggregateId, header.aggregate_id);
  visit(schema::kVersion, header.version);
}

// The domain fields. A type's usual aggregate is its one required id.
template <typename Event, typename Visit>
requires Is<Event, ChargeStarted>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kSessionId), event.session_id);
  visit(schema::kUserId, event.user_id);
  visit(schema::kHubId, event.hub_id);
  visit(schema::Happened("started_at"), event.started_at);
  visit(schema::kWindowId, event.window_id);
}

template <typename Event, typename Visit>
requires Is<Event, ChargeStopped>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kSessionId), event.session_id);
  visit(schema::kUserId, event.user_id);
  visit(schema::kHubId, event.hub_id);
  visit(schema::Happened("stopped_at"), event.stopped_at);
  visit(schema::kEnergy, event.energy_mwh);
  visit(schema::kWindowId, event.window_id);
  visit(schema::kGridReward, event.grid_reward_microusd);
  visit(schema::kMerchantReward, event.merchant_reward_microusd);
  visit(schema::kTotalReward, event.total_reward_microusd);
}

template <typename Event, typename Visit>
requires Is<Event, WalletCredited>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kUserId), event.user_id);
  visit(Required(schema::kAmount), event.amount_cents);
  visit(schema::kSessionId, event.session_id);
  visit(schema::kNewBalance, event.new_balance_cents);
  visit(schema::Happened("credited_at"), event.credited_at);
}

template <typename Event, typename Visit>
requires Is<Event, IncentiveWindowActivated>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kWindowId), event.window_id);
  visit(schema::kWindowLabel, event.window_label);
  visit(schema::kPricePerKwh, event.price_per_kwh);
  visit(schema::kMultiplier, event.multiplier);
  visit(schema::Happened("activated_at"), event.activated_at);
}

template <typename Event, typename Visit>
requires Is<Event, IncentiveWindowDeactivated>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kWindowId), event.window_id);
  visit(schema::kWindowLabel, event.window_label);
  visit(schema::Happened("deactivated_at"), event.deactivated_at);
}

template <typename Event, typename Visit>
requires Is<Event, DriverSignedUp>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kUserId), event.user_id);
  visit(schema::kEmail, event.email);
  visit(schema::kAuthProvider, event.auth_provider);
  visit(schema::Happened("created_at"), event.created_at);
}

template <typename Event, typename Visit>
requires Is<Event, WalletPassInstalled>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kUserId), event.user_id);
  visit(schema::kPassType, event.pass_type);
  visit(schema::Happened("installed_at"), event.installed_at);
}

template <typename Event, typename Visit>
requires Is<Event, NovaEarned>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kUserId), event.user_id);
  visit(Required(schema::kAmount), event.amount_cents);
  visit(schema::kSessionId, event.session_id);
  visit(schema::kNewBalance, event.new_balance_cents);
  visit(schema::Happened("earned_at"), event.earned_at);
}

template <typename Event, typename Visit>
requires Is<Event, NovaRedeemed>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kUserId), event.user_id);
  visit(Required(schema::kAmount), event.amount_cents);
  visit(schema::kMerchantId, event.merchant_id);
  visit(schema::kRedemptionId, event.redemption_id);
  visit(schema::kNewBalance, event.new_balance_cents);
  visit(schema::Happened("redeemed_at"), event.redeemed_at);
}

template <typename Event, typename Visit>
requires Is<Event, FirstRedemptionCompleted>
void VisitFields(Event& event, Visit&& visit) {
  visit(Required(schema::kUserId), event.user_id);
  visit(schema::kRedemptionId, event.redemption_id);
  visit(schema::kMerchantId, event.merchant_id);
  visit(Required(schema::kAmount), event.amount_cents);
  visit(schema::Happened("completed_at"), event.completed_at);
}

template <typename Event, typename Visit>
requires Is<Event, GenericEvent>
void VisitFields(Event& event, Visit&& visit) {
  visit(schema::kSessionId, event.session_id);
  visit(schema::kUserId, event.user_id);
  visit(schema::kHubId, event.hub_id);
  visit(schema::kWindowId, event.window_id);
}

}  // namespace nerava::analytics
