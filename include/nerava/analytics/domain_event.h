// The events of the Nerava backend, as it publishes them: something that happened. A Producer
// validates a domain event and makes an AnalyticsEvent of it.
//
// All are plain values. An empty string is "absent"; which fields must be there is said per field:
// (required) fields are refused when empty. Ids are 1..100 bytes of UTF-8 without NUL; see limits.h
// for the rest. Times left at absl::InfinitePast() are absent and taken from `header.timestamp`,
// and that, when absent too, from the producer's clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/time/time.h"

namespace nerava::analytics {

struct EventHeader {
  std::string event_id;      // made when empty: a UUIDv7
  std::string aggregate_id;  // the type's usual one when empty: see each type
  std::string region;        // the producer's when empty
  absl::Time timestamp = absl::InfinitePast();
  std::int32_t version = 1;
  // Further fields and properties, each the text of a JSON object or empty. `fields` are domain
  // fields this library has no name for; `properties` are what the caller adds to the analytics
  // event's `properties`.
  std::string fields;
  std::string properties;
};

// A driver plugged in. Aggregate: the session.
struct ChargeStarted {
  static constexpr std::string_view kType = "charge_started";
  EventHeader header;
  std::string session_id;  // required
  std::string user_id;
  std::string hub_id;
  std::string window_id;  // "green_hour", "solar_surplus", another, or absent
  absl::Time started_at = absl::InfinitePast();
};

// The session ended. Aggregate: the session. Rewards that are absent are unknown, which differs
// from an explicit 0: only known ones count in averages.
struct ChargeStopped {
  static constexpr std::string_view kType = "charge_stopped";
  EventHeader header;
  std::string session_id;  // required
  std::string user_id;
  std::string hub_id;
  std::string window_id;
  absl::Time stopped_at = absl::InfinitePast();
  std::optional<std::int64_t> energy_mwh;  // kwh_consumed, in milliwatt-hours
  std::optional<std::int64_t> grid_reward_microusd;
  std::optional<std::int64_t> merchant_reward_microusd;
  std::optional<std::int64_t> total_reward_microusd;
};

// Money reached a driver's wallet. Aggregate: the user.
struct WalletCredited {
  static constexpr std::string_view kType = "wallet_credited";
  EventHeader header;
  std::string user_id;                       // required
  std::string session_id;                    // absent: counts in the money totals only
  std::optional<std::int64_t> amount_cents;  // required, >= 0; a credit of 0 is stored, not counted
  std::optional<std::int64_t> new_balance_cents;
  absl::Time credited_at = absl::InfinitePast();
};

// Aggregate: the window.
struct IncentiveWindowActivated {
  static constexpr std::string_view kType = "incentive_window_activated";
  EventHeader header;
  std::string window_id;  // required
  std::string window_label;
  std::optional<double> price_per_kwh;  // USD
  std::optional<double> multiplier;
  absl::Time activated_at = absl::InfinitePast();
};

// Aggregate: the window.
struct IncentiveWindowDeactivated {
  static constexpr std::string_view kType = "incentive_window_deactivated";
  EventHeader header;
  std::string window_id;  // required
  std::string window_label;
  absl::Time deactivated_at = absl::InfinitePast();
};

// Aggregate: the user.
struct DriverSignedUp {
  static constexpr std::string_view kType = "driver_signed_up";
  EventHeader header;
  std::string user_id;  // required
  std::string email;
  std::string auth_provider;
  absl::Time created_at = absl::InfinitePast();
};

// Aggregate: the user.
struct WalletPassInstalled {
  static constexpr std::string_view kType = "wallet_pass_installed";
  EventHeader header;
  std::string user_id;  // required
  std::string pass_type;
  absl::Time installed_at = absl::InfinitePast();
};

// Aggregate: the user.
struct NovaEarned {
  static constexpr std::string_view kType = "nova_earned";
  EventHeader header;
  std::string user_id;                       // required
  std::optional<std::int64_t> amount_cents;  // required, >= 0
  std::string session_id;
  std::optional<std::int64_t> new_balance_cents;
  absl::Time earned_at = absl::InfinitePast();
};

// Aggregate: the user.
struct NovaRedeemed {
  static constexpr std::string_view kType = "nova_redeemed";
  EventHeader header;
  std::string user_id;                       // required
  std::optional<std::int64_t> amount_cents;  // required, >= 0
  std::string merchant_id;
  std::string redemption_id;
  std::optional<std::int64_t> new_balance_cents;
  absl::Time redeemed_at = absl::InfinitePast();
};

// Aggregate: the user.
struct FirstRedemptionCompleted {
  static constexpr std::string_view kType = "first_redemption_completed";
  EventHeader header;
  std::string user_id;  // required
  std::string redemption_id;
  std::string merchant_id;
  std::optional<std::int64_t> amount_cents;  // required, >= 0
  absl::Time completed_at = absl::InfinitePast();
};

// Any other type. Its fields are in `header.fields`; ids among them that the library knows
// (session_id, user_id, hub_id, window_id) may be given here. Aggregate: the session, else the
// user, else the event itself.
struct GenericEvent {
  EventHeader header;
  std::string event_type;  // required
  std::string session_id;
  std::string user_id;
  std::string hub_id;
  std::string window_id;
};

using DomainEvent =
    std::variant<ChargeStarted, ChargeStopped, WalletCredited, IncentiveWindowActivated,
                 IncentiveWindowDeactivated, DriverSignedUp, WalletPassInstalled, NovaEarned,
                 NovaRedeemed, FirstRedemptionCompleted, GenericEvent>;

}  // namespace nerava::analytics
