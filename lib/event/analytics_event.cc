#include "nerava/analytics/analytics_event.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "lib/event/event_type.h"
#include "lib/event/fields.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kHighRewardMicroUsd = 5'000'000;
constexpr std::int64_t kMediumRewardMicroUsd = 2'000'000;
constexpr std::int64_t kHighAmountCents = 500;
constexpr std::int64_t kMediumAmountCents = 200;

std::string_view Tier(std::int64_t value, std::int64_t high, std::int64_t medium) {
  if (value >= high) return "high";
  return value >= medium ? "medium" : "low";
}

// The same JSON may be written in more than one way; nearly always it is not.
bool SameJson(const std::string& a, const std::string& b) {
  using nlohmann::json;
  const auto parse = [](const std::string& text) { return json::parse(text, nullptr, false); };
  return a == b || parse(a) == parse(b);  // what is no JSON equals nothing
}

}  // namespace

EventType::EventType(Tag, std::string_view name) {
  static const auto& known = *new std::vector<Known>(KnownTypes<Known>());  // see made_at_start
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const Known& type) { return type.name == name; });
  if (found != known.end()) {
    known_ = &*found;
  } else {
    other_ = name;
  }
}

const std::string& AnalyticsEvent::AggregateId() const {
  if (!aggregate_id.empty()) return aggregate_id;
  if (!session_id.empty() && event_type.kind() != EventKind::kWalletCredited) return session_id;
  return !user_id.empty() ? user_id : event_id;
}

namespace {
[[maybe_unused]] const EventKind made_at_start = EventType("").kind();
}  // namespace

bool AnalyticsEvent::SamePayload(const AnalyticsEvent& other) const {
  return event_id == other.event_id && event_type == other.event_type && version == other.version &&
         region == other.region && AggregateId() == other.AggregateId() &&
         session_id == other.session_id && user_id == other.user_id && hub_id == other.hub_id &&
         window_id == other.window_id && energy_mwh == other.energy_mwh &&
         grid_reward_microusd == other.grid_reward_microusd &&
         merchant_reward_microusd == other.merchant_reward_microusd &&
         total_reward_microusd == other.total_reward_microusd &&
         amount_cents == other.amount_cents && new_balance_cents == other.new_balance_cents &&
         SameJson(fields, other.fields) && SameJson(properties, other.properties);
}

std::string AnalyticsType(std::string_view domain_type) {
  std::string type;
  if (!domain_type.starts_with(kAnalyticsPrefix)) type = kAnalyticsPrefix;
  return type.append(domain_type);
}

std::string_view TimeFieldOf(std::string_view event_type) {
  std::string_view name;
  const auto keep_time = [&name](const auto& field, const auto&) {
    if (field.kind == FieldKind::kTime) name = field.name;
  };
  std::visit([&](const auto& event) { VisitFields(event, keep_time); }, MakeEvent(event_type));
  return name;
}

std::string_view RewardTier(std::optional<std::int64_t> total_reward_microusd) {
  return Tier(total_reward_microusd.value_or(0), kHighRewardMicroUsd, kMediumRewardMicroUsd);
}

std::string_view AmountTier(std::optional<std::int64_t> amount_cents) {
  return Tier(amount_cents.value_or(0), kHighAmountCents, kMediumAmountCents);
}

}  // namespace nerava::analytics
