#include "examples/simulate/world.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace nerava::examples {
namespace {

// Commuters, week-end drivers, and everyone else.
constexpr unsigned kWorkdays = 0b0111110;
constexpr unsigned kWeekend = 0b1000001;
constexpr unsigned kEveryDay = 0b1111111;

// When people plug in: on arrival at work, around noon, after work.
std::int64_t FavouriteTime(Random& random) {
  const std::uint64_t kind = random.Below(100);
  if (kind < 40) return random.Bell(7 * kHour, 10 * kHour);
  if (kind < 70) return random.Bell(10 * kHour, 15 * kHour);
  return random.Bell(15 * kHour, 22 * kHour);
}

}  // namespace

std::size_t WindowAt(std::int64_t time_of_day) {
  const auto* const window =
      std::find_if(kWindows.begin(), kWindows.end(), [&](const IncentiveWindow& candidate) {
        return candidate.begin <= time_of_day && time_of_day < candidate.end;
      });
  return static_cast<std::size_t>(std::distance(kWindows.begin(), window));
}

World::World(const SimulationOptions& options, std::int64_t begin, std::int64_t end, Random& random)
    : pick_hub_(static_cast<std::size_t>(options.hubs), 3),
      pick_user_(static_cast<std::size_t>(options.users), 20) {
  constexpr std::array<std::int64_t, 4> kPowers{7'200, 7'200, 11'000, 50'000};
  for (std::int64_t n = 0; n < options.hubs; ++n) {
    Hub& hub = hubs.emplace_back();
    hub.id = fmt::format("hub_{:03}", n + 1);
    if (!options.regions.empty()) {
      hub.region = options.regions[static_cast<std::size_t>(n) % options.regions.size()];
    }
    hub.watts = kPowers[random.Below(kPowers.size())];
  }
  for (std::int64_t n = 0; n < options.users; ++n) {
    User& user = users.emplace_back();
    user.id = random.Uuid();
    user.home_hub = pick_hub_(random);
    user.favourite_time = FavouriteTime(random);
    const std::uint64_t kind = random.Below(10);
    user.weekdays = kind < 6 ? kWorkdays : kind < 8 ? kWeekend : kEveryDay;
    // The first user is always there, so that there is one.
    const bool joins_later = random.Chance(300'000) && n != 0;
    user.joined = joins_later ? random.Between(begin, end - 1) : begin - 1;
  }
}

std::size_t World::PickUser(std::int64_t day_begin, int weekday, Random& random) const {
  std::size_t fallback = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::size_t user = pick_user_(random);
    if (users[user].joined >= day_begin) continue;
    const bool usual_day = (users[user].weekdays >> weekday & 1U) != 0;
    if (usual_day || random.Chance(200'000)) return user;
    fallback = user;
  }
  return fallback;
}

std::size_t World::PickHub(const User& user, Random& random) const {
  return random.Chance(750'000) ? user.home_hub : pick_hub_(random);
}

}  // namespace nerava::examples
