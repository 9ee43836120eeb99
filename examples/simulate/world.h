// The people and places of a simulation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "examples/simulate/options.h"
#include "examples/simulate/random.h"

namespace nerava::examples {

inline constexpr std::int64_t kSecond = 1'000'000;  // simulated times are microseconds since 1970
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;

// An hour of the local day in which charging earns more.
struct IncentiveWindow {
  std::string_view id;
  std::string_view label;
  std::int64_t begin;  // local time of day
  std::int64_t end;
  std::int64_t cents_per_kwh;  // the grid's reward
  std::string_view price_per_kwh;
  std::string_view multiplier;
};

inline constexpr std::array<IncentiveWindow, 2> kWindows{{
    {"green_hour", "Green Hour", 10 * kHour, 14 * kHour, 12, "0.18", "2.0"},
    {"solar_surplus", "Solar Surplus", 14 * kHour, 16 * kHour, 8, "0.22", "1.5"},
}};
inline constexpr std::size_t kNoWindow = kWindows.size();

// The window open at a local time of day, or kNoWindow.
std::size_t WindowAt(std::int64_t time_of_day);

struct Hub {
  std::string id;
  std::string region;  // may be empty
  std::int64_t watts = 0;
};

struct User {
  std::string id;
  std::size_t home_hub = 0;
  std::int64_t favourite_time = 0;  // local time of day
  unsigned weekdays = 0;            // bit 0 is Sunday
  std::int64_t joined = 0;          // before the first day for most
  std::int64_t balance_cents = 0;
  bool has_redeemed = false;
};

class World {
 public:
  // `begin` and `end`: of the simulated time.
  World(const SimulationOptions& options, std::int64_t begin, std::int64_t end, Random& random);

  // A user who is likely to charge on this day.
  std::size_t PickUser(std::int64_t day_begin, int weekday, Random& random) const;
  // A hub that the user is likely to use.
  std::size_t PickHub(const User& user, Random& random) const;

  std::vector<Hub> hubs;
  std::vector<User> users;

 private:
  SkewedPick pick_hub_;
  SkewedPick pick_user_;
};

}  // namespace nerava::examples
