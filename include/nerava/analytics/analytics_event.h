// The event that travels through the pipeline and is stored: a validated domain event in one flat,
// typed shape. Everything the KPIs need is a member; everything else is kept as JSON text.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace nerava::analytics {

// The kinds that the projection looks at. All other events are stored and counted only.
enum class EventKind : std::uint8_t { kOther = 0, kChargeStarted, kChargeStopped, kWalletCredited };

// The name of an event's type, and what follows from it. A plain value; the types that the backend
// has cost no memory.
class EventType {
 public:
  EventType() = default;  // the empty name
  // "analytics_charge_started", or any other text.
  template <typename Text>
  requires std::convertible_to<const Text&, std::string_view> EventType(const Text& name)
      : EventType(Tag(), name) {}  // NOLINT: a name is a type

  const std::string& name() const { return known_ != nullptr ? known_->name : other_; }
  operator const std::string&() const { return name(); }  // NOLINT: and a type has one
  EventKind kind() const { return known_ != nullptr ? known_->kind : EventKind::kOther; }

  friend bool operator==(const EventType& a, const EventType& b) { return a.name() == b.name(); }
  template <typename Text>
  requires std::convertible_to<const Text&, std::string_view>
  friend bool operator==(const EventType& a, const Text& b) { return a.name() == b; }

 private:
  struct Tag {};
  struct Known {
    std::string name;
    EventKind kind;
  };
  EventType(Tag, std::string_view name);

  const Known* known_ = nullptr;  // never freed
  std::string other_;
};

struct AnalyticsEvent {
  std::string event_id;
  EventType event_type;
  std::int32_t version = 1;
  absl::Time time;  // when it happened, whole microseconds; shown as `started_at` etc. too
  std::string region;
  std::string aggregate_id;  // empty: the usual one, see AggregateId

  // Empty = absent.
  std::string session_id;
  std::string user_id;
  std::string hub_id;
  std::string window_id;

  std::optional<std::int64_t> energy_mwh;
  std::optional<std::int64_t> grid_reward_microusd;
  std::optional<std::int64_t> merchant_reward_microusd;
  std::optional<std::int64_t> total_reward_microusd;
  std::optional<std::int64_t> amount_cents;
  std::optional<std::int64_t> new_balance_cents;

  // The text of a JSON object each, or empty: domain fields without a member above, and properties
  // that the caller added. Properties that follow from the event (session_type, has_active_window,
  // reward_tier, credit_type, amount_tier) are never kept, they are written out anew.
  std::string fields;
  std::string properties;

  EventKind kind() const { return event_type.kind(); }

  // What the event is about: aggregate_id or, where that is empty, the user of a wallet credit, and of
  // other events the session, else the user, else the event itself.
  const std::string& AggregateId() const;

  // Whether the two say the same happened. `time` is left out: a retry may have been stamped anew.
  // `fields` and `properties` are compared as JSON: the order of names does not matter.
  bool SamePayload(const AnalyticsEvent& other) const;
};

// Events are immutable once accepted, and shared by the bus, the writer and the subscribers.
using EventPtr = std::shared_ptr<const AnalyticsEvent>;

// "charge_started" -> "analytics_charge_started"; a type that has the prefix stays as it is.
std::string AnalyticsType(std::string_view domain_type);

// The JSON name of the field that holds the event's time ("started_at", ...); "" for types that
// have only `timestamp`.
std::string_view TimeFieldOf(std::string_view event_type);

// Tiers by the backend's bounds: rewards high >= 5.00 USD, medium >= 2.00, else low (also when
// unknown); amounts high >= 500 cents, medium >= 200, else low.
std::string_view RewardTier(std::optional<std::int64_t> total_reward_microusd);
std::string_view AmountTier(std::optional<std::int64_t> amount_cents);

}  // namespace nerava::analytics
