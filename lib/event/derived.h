// The properties that follow from an event: written out with it, never kept.
#pragma once

#include <string_view>

#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

// Calls visit(name, value), the value a std::string_view or a bool.
template <typename Visit>
void VisitDerivedProperties(const AnalyticsEvent& event, Visit&& visit) {
  const bool started = event.kind() == EventKind::kChargeStarted;
  const bool stopped = event.kind() == EventKind::kChargeStopped;
  if (started || stopped) {
    visit("session_type", std::string_view("charging"));
    visit("has_active_window", !event.window_id.empty());
  }
  if (stopped) visit("reward_tier", RewardTier(event.total_reward_microusd));
  if (event.kind() == EventKind::kWalletCredited) {
    visit("credit_type", std::string_view("charging_reward"));
    visit("amount_tier", AmountTier(event.amount_cents));
  }
}

}  // namespace nerava::analytics
