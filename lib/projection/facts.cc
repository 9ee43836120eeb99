#include "lib/projection/facts.h"

#include <algorithm>
#include <tuple>

namespace nerava::analytics {
namespace {

// Ties go to the smaller event_id.
bool Earlier(const AnalyticsEvent* event, const AnalyticsEvent* than) {
  return than == nullptr ||
         std::tie(event->time, event->event_id) < std::tie(than->time, than->event_id);
}

bool Counts(const AnalyticsEvent& event) {
  return event.kind() == EventKind::kWalletCredited && event.amount_cents.value_or(0) > 0;
}

// What is said of the session as a whole: from the start, else from the stop. A credit without
// either speaks for its region only.
Fact Describe(const AnalyticsEvent* start, const AnalyticsEvent* stop,
              const AnalyticsEvent& event) {
  Fact fact;
  fact.time = event.time;
  const AnalyticsEvent* session = start != nullptr ? start : stop;
  if (session != nullptr) {
    fact.region = session->region;
    fact.hub_id = session->hub_id;
    fact.window_id = session->window_id;
  } else {
    fact.region = event.region;
  }
  return fact;
}

// Of a reward, what these events' credits leave. However much they add up to, it cannot overflow.
std::int64_t Owed(std::int64_t reward_microusd, absl::Span<const AnalyticsEvent* const> events) {
  constexpr std::int64_t kMicrosPerCent = 10'000;
  std::int64_t owed = std::max<std::int64_t>(reward_microusd, 0);
  for (const AnalyticsEvent* event : events) {
    if (!Counts(*event)) continue;
    const std::int64_t cents = *event->amount_cents;
    owed = cents > owed / kMicrosPerCent ? 0 : owed - cents * kMicrosPerCent;
  }
  return owed;
}

// The earliest of each that a session has.
struct Firsts {
  explicit Firsts(absl::Span<const AnalyticsEvent* const> events) {
    for (const AnalyticsEvent* event : events) {
      if (event->kind() == EventKind::kChargeStarted && Earlier(event, start)) start = event;
      if (event->kind() == EventKind::kChargeStopped && Earlier(event, stop)) stop = event;
      if (Counts(*event) && Earlier(event, credit)) credit = event;
    }
  }

  std::string_view user() const {
    const AnalyticsEvent* session = start != nullptr ? start : stop;
    return session != nullptr ? std::string_view(session->user_id) : std::string_view();
  }

  const AnalyticsEvent* start = nullptr;
  const AnalyticsEvent* stop = nullptr;
  const AnalyticsEvent* credit = nullptr;
};

}  // namespace

void FindFacts(absl::Span<const AnalyticsEvent* const> events,
               absl::FunctionRef<void(const Fact&)> sink) {
  const Firsts firsts(events);
  const auto [start, stop, credit] = firsts;

  if (start != nullptr) {
    Fact fact = Describe(start, stop, *start);
    fact.totals.sessions_started = 1;
    sink(fact);
    if (stop != nullptr && stop->time >= start->time) {
      fact.totals = {};
      fact.totals.sessions_completed = 1;
      fact.time_to_stop = stop->time - start->time;
      sink(fact);
      if (credit != nullptr) {
        fact.totals = {};
        fact.totals.sessions_credited = 1;
        fact.time_to_credit = credit->time - start->time;
        sink(fact);
      }
    }
  }
  if (stop != nullptr) {
    Fact fact = Describe(start, stop, *stop);
    fact.user_id = firsts.user();
    Totals& totals = fact.totals;
    totals.orphan_stops = start == nullptr ? 1 : 0;
    totals.total_sessions = 1;
    totals.active_window_sessions = fact.window_id.empty() ? 0 : 1;
    fact.user_sessions = fact.user_id.empty() ? 0 : 1;
    totals.sessions_with_user = fact.user_sessions;
    totals.sessions_with_reward = stop->total_reward_microusd.has_value() ? 1 : 0;
    totals.reward_microusd = stop->total_reward_microusd.value_or(0);
    totals.energy_mwh = stop->energy_mwh.value_or(0);
    totals.owed_microusd = Owed(totals.reward_microusd, events);
    sink(fact);
  }
  for (const AnalyticsEvent* event : events) {
    const bool charge =
        event->kind() == EventKind::kChargeStarted || event->kind() == EventKind::kChargeStopped;
    if (charge && event != start && event != stop) {
      Fact fact = Describe(start, stop, *event);
      fact.totals.extra_events = 1;
      sink(fact);
    } else if (Counts(*event)) {
      Fact fact = Describe(start, stop, *event);
      fact.totals.credited_cents = *event->amount_cents;
      sink(fact);
    }
  }
}

std::string_view UserOf(absl::Span<const AnalyticsEvent* const> events) {
  return Firsts(events).user();
}

bool Matches(const KpiFilter& filter, const Fact& fact) {
  return (filter.region.empty() || filter.region == fact.region) &&
         (filter.hub_id.empty() || filter.hub_id == fact.hub_id) &&
         (filter.window_id.empty() || filter.window_id == fact.window_id);
}

void Sessions::Add(const AnalyticsEvent& event) {
  if (event.kind() == EventKind::kOther) return;
  if (event.session_id.empty()) {
    alone_.push_back(&event);
  } else {
    by_id_[event.session_id].push_back(&event);
  }
}

void Sessions::ForEach(
    absl::FunctionRef<void(absl::Span<const AnalyticsEvent* const>)> body) const {
  for (const auto& [id, events] : by_id_) body(events);
  for (const AnalyticsEvent* event : alone_) body(absl::MakeConstSpan(&event, 1));
}

std::vector<std::string_view> Sessions::Ids() const {
  std::vector<std::string_view> ids;
  ids.reserve(by_id_.size());
  for (const auto& [id, events] : by_id_) ids.emplace_back(id.data(), id.size());
  return ids;
}

}  // namespace nerava::analytics
