#include "tests/support/random_events.h"

#include <algorithm>
#include <memory>

#include "fmt/format.h"

namespace nerava::analytics::testing {
absl::Time RandomEvents::Moment() {
  switch (Below(4)) {
    case 0:  // an edge of an hour or day, or a microsecond beside it
      return begin_ + absl::Hours(OneIn(2) ? Below(days_ * 24) : 24 * Below(days_)) +
             absl::Microseconds(Below(3) - 1);
    case 1:  // few moments, so that times are equal
      return begin_ + absl::Hours(6 * Below(days_ * 4));
    default:
      return begin_ + absl::Seconds(Below(days_ * 86400)) + absl::Microseconds(Below(1'000'000));
  }
}

std::string RandomEvents::Id() {
  const auto part = [this] { return static_cast<std::uint32_t>(random_()); };
  if (OneIn(5)) return fmt::format("event '{}\" ü", part());
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:08x}{:04x}", part(), part() & 0xffff,
                     part() & 0xfff, part() & 0xfff, part(), part() & 0xffff);
}

std::vector<EventPtr> RandomEvents::Distinct(int count) {
  const int sessions = 1 + count / 3;
  std::vector<EventPtr> events;
  for (int i = 0; i < count; ++i) {
    AnalyticsEvent event;
    event.event_id = Id();
    event.time = Moment();
    event.region = fmt::format("region{}", Below(2));
    // A user for most sessions, but not always the same: the start speaks for the session.
    const int session = Below(sessions);
    event.session_id = OneIn(4) ? fmt::format("session {}", session)
                                : fmt::format("00000000-0000-4000-8000-{:012x}", session);
    event.user_id = OneIn(6) ? "" : fmt::format("user{}", OneIn(4) ? Below(5) : session % 5);
    event.hub_id = OneIn(8) ? "" : fmt::format("hub{}", OneIn(4) ? Below(3) : session % 3);
    if (OneIn(2)) event.window_id = OneIn(3) ? "solar_surplus" : "green_hour";
    const int kind = Below(10);
    if (kind < 3) {
      event.event_type = "analytics_charge_started";
    } else if (kind < 6) {
      event.event_type = "analytics_charge_stopped";
      if (!OneIn(4)) event.energy_mwh = Below(50'000'000);
      if (!OneIn(4)) event.total_reward_microusd = OneIn(5) ? 0 : Below(9'000'000);
    } else if (kind < 9) {
      event.event_type = "analytics_wallet_credited";
      event.hub_id = event.window_id = "";
      if (OneIn(4)) event.session_id = "";
      if (event.user_id.empty()) event.user_id = "user0";
      event.amount_cents = OneIn(4) ? 0 : Below(900);
    } else {
      event.event_type = "analytics_nova_earned";
      event.amount_cents = Below(900);
      event.fields = R"({"note":"it's \"quoted\""})";
      event.properties = R"({"campaign":"spring","nested":{"a":[1,2.5,null]}})";
    }
    event.aggregate_id = event.kind() == EventKind::kWalletCredited || event.session_id.empty()
                             ? (event.user_id.empty() ? "someone" : event.user_id)
                             : event.session_id;
    events.push_back(std::make_shared<const AnalyticsEvent>(std::move(event)));
  }
  return events;
}

std::vector<EventPtr> RandomEvents::WithRepeats(std::vector<EventPtr> events) {
  const std::size_t distinct = events.size();
  for (std::size_t i = 0; i < distinct; ++i) {
    if (!OneIn(3)) continue;
    AnalyticsEvent again = *events[i];
    if (OneIn(2)) again.time = Moment();
    if (OneIn(3)) {
      again.user_id = "somebody else";
      again.total_reward_microusd = 1;
    }
    events.push_back(std::make_shared<const AnalyticsEvent>(std::move(again)));
  }
  return Shuffled(std::move(events));
}

std::vector<EventPtr> RandomEvents::Shuffled(std::vector<EventPtr> events) {
  std::shuffle(events.begin(), events.end(), random_);
  return events;
}

std::vector<std::vector<EventPtr>> RandomEvents::Batches(const std::vector<EventPtr>& events) {
  std::vector<std::vector<EventPtr>> batches;
  for (std::size_t i = 0; i < events.size();) {
    const std::size_t size =
        std::min(events.size() - i, static_cast<std::size_t>(1 + Below(OneIn(2) ? 3 : 40)));
    batches.emplace_back(events.begin() + static_cast<std::ptrdiff_t>(i),
                         events.begin() + static_cast<std::ptrdiff_t>(i + size));
    i += size;
  }
  return batches;
}

KpiQuery RandomEvents::Query(const std::vector<EventPtr>& events) {
  const auto moment = [&] {
    return OneIn(3) ? events[static_cast<std::size_t>(Below(static_cast<int>(events.size())))]->time
                    : Moment();
  };
  KpiQuery query;
  query.period = {moment(), moment()};
  if (OneIn(4)) query.period = {begin_ - absl::Hours(24), begin_ + absl::Hours(24 * (days_ + 1))};
  if (query.period.from > query.period.to) std::swap(query.period.from, query.period.to);
  if (OneIn(3)) query.filter.region = fmt::format("region{}", Below(3));
  if (OneIn(4)) query.filter.hub_id = fmt::format("hub{}", Below(4));
  if (OneIn(4)) query.filter.window_id = OneIn(2) ? "green_hour" : "solar_surplus";
  return query;
}

}  // namespace nerava::analytics::testing
