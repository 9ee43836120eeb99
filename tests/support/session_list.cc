#include "tests/support/session_list.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace nerava::analytics::testing {

std::int64_t Session::OwedMicrousd() const {
  return std::max<std::int64_t>(0, reward_microusd - credited_cents * 10'000);
}

std::vector<Session> SessionsOf(const std::vector<EventPtr>& events) {
  std::vector<EventPtr> ordered = events;
  std::sort(ordered.begin(), ordered.end(), [](const EventPtr& a, const EventPtr& b) {
    return std::pair(a->time, a->event_id) < std::pair(b->time, b->event_id);
  });
  std::map<std::string, Session> sessions;
  std::map<std::string, EventPtr> starts;
  std::map<std::string, EventPtr> stops;
  for (const EventPtr& event : ordered) {
    if (event->session_id.empty()) continue;
    if (event->kind() == EventKind::kChargeStarted) {
      starts.emplace(event->session_id, event);
    } else if (event->kind() == EventKind::kChargeStopped) {
      stops.emplace(event->session_id, event);
    } else if (event->kind() == EventKind::kWalletCredited && event->amount_cents.value_or(0) > 0) {
      Session& session = sessions[event->session_id];
      if (!session.credit) session.credit = event->time;
      session.credited_cents += *event->amount_cents;
    }
  }
  for (const auto& [id, stop] : stops) {
    Session& session = sessions[id];
    session.stop = stop->time;
    session.reward_microusd = stop->total_reward_microusd.value_or(0);
    session.energy_mwh = stop->energy_mwh.value_or(0);
  }
  for (const auto& [id, start] : starts) sessions[id].start = start->time;

  std::vector<Session> result;
  for (auto& [id, session] : sessions) {
    const bool started = starts.contains(id);
    if (!started && !stops.contains(id)) continue;
    const AnalyticsEvent& speaks = started ? *starts[id] : *stops[id];
    session.region = speaks.region;
    session.hub_id = speaks.hub_id;
    session.window_id = speaks.window_id;
    session.user_id = speaks.user_id;
    result.push_back(session);
  }
  return result;
}

std::vector<Session> Filtered(const std::vector<Session>& sessions, const KpiFilter& filter) {
  std::vector<Session> matching;
  for (const Session& session : sessions) {
    if ((filter.region.empty() || filter.region == session.region) &&
        (filter.hub_id.empty() || filter.hub_id == session.hub_id) &&
        (filter.window_id.empty() || filter.window_id == session.window_id)) {
      matching.push_back(session);
    }
  }
  return matching;
}

std::int64_t LocalDay(absl::Time time, const absl::TimeZone& zone) {
  return absl::ToCivilDay(time, zone) - absl::CivilDay(1970, 1, 1);
}

std::int64_t NearestRank(std::vector<std::int64_t> values, int percent) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(static_cast<double>(values.size()) * percent / 100.0);
  return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace nerava::analytics::testing
