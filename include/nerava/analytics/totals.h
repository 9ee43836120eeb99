// The sums that every KPI is made of. They add up: over sessions, over time, over regions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nerava::analytics {

struct Totals {
  // By the start of a session (the cohort).
  std::int64_t sessions_started = 0;
  std::int64_t sessions_completed = 0;
  std::int64_t sessions_credited = 0;
  // By the stop of a session.
  std::int64_t orphan_stops = 0;
  std::int64_t total_sessions = 0;
  std::int64_t active_window_sessions = 0;
  std::int64_t sessions_with_user = 0;
  std::int64_t sessions_with_reward = 0;  // total reward known, an explicit 0 included
  std::int64_t reward_microusd = 0;
  std::int64_t energy_mwh = 0;
  std::int64_t owed_microusd = 0;  // of the reward, what the session's credits do not cover
  // By the credit's own time.
  std::int64_t credited_cents = 0;
  // By the superfluous event's own time.
  std::int64_t extra_events = 0;

  struct Field {
    std::string_view name;
    std::int64_t Totals::*member;
  };
  // Every member, in a fixed order: the columns that stores keep.
  static constexpr std::array<Field, 13> Fields();

  Totals& operator+=(const Totals& other);
  Totals& operator-=(const Totals& other);
  friend bool operator==(const Totals&, const Totals&) = default;
};

constexpr std::array<Totals::Field, 13> Totals::Fields() {
  return {{{"sessions_started", &Totals::sessions_started},
           {"sessions_completed", &Totals::sessions_completed},
           {"sessions_credited", &Totals::sessions_credited},
           {"orphan_stops", &Totals::orphan_stops},
           {"total_sessions", &Totals::total_sessions},
           {"active_window_sessions", &Totals::active_window_sessions},
           {"sessions_with_user", &Totals::sessions_with_user},
           {"sessions_with_reward", &Totals::sessions_with_reward},
           {"reward_microusd", &Totals::reward_microusd},
           {"energy_mwh", &Totals::energy_mwh},
           {"owed_microusd", &Totals::owed_microusd},
           {"credited_cents", &Totals::credited_cents},
           {"extra_events", &Totals::extra_events}}};
}

inline Totals& Totals::operator+=(const Totals& other) {
  for (const Field& field : Fields()) this->*field.member += other.*field.member;
  return *this;
}

inline Totals& Totals::operator-=(const Totals& other) {
  for (const Field& field : Fields()) this->*field.member -= other.*field.member;
  return *this;
}

}  // namespace nerava::analytics
