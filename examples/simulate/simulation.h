// A reproducible stream of Nerava's domain events: drivers with habits plug in, unplug and are
// paid, and the network between them and the backend loses, repeats, delays and reorders a little.
//
// It is an event-driven simulation with two queues: what happens next, by the time it happens, and
// what was sent, by the time it arrives. Lines are written by arrival.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "examples/simulate/options.h"
#include "examples/simulate/random.h"
#include "examples/simulate/world.h"

namespace nerava::examples {

// What was written: duplicates are counted as such and nowhere else.
struct SimulationSummary {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::uint64_t lines = 0;
  std::uint64_t events = 0;  // lines without duplicates
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;          // arrived an hour or more after they happened
  std::uint64_t out_of_order = 0;  // happened before an event written earlier
  std::map<std::string_view, std::uint64_t> by_type;
  // The KPIs that follow, as the simulation knows them.
  std::int64_t sessions_started = 0;
  std::int64_t sessions_completed = 0;
  std::int64_t sessions_credited = 0;
  std::int64_t orphan_stops = 0;
  std::int64_t total_sessions = 0;
  std::int64_t active_window_sessions = 0;
  std::int64_t unique_users = 0;
  std::int64_t total_rewards_cents = 0;
  std::int64_t energy_wh = 0;
  std::int64_t credited_cents = 0;
};

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);

  // Calls `write` with each line, without its line end, and the simulated time at which it arrives.
  void Run(absl::FunctionRef<void(std::string_view line, std::int64_t arrival)> write);

  // Of the lines written so far.
  SimulationSummary summary() const;

 private:
  enum class Step {
    kSignUp,
    kInstallPass,
    kOpenWindow,
    kCloseWindow,
    kStart,
    kStop,
    kCredit,
    kEarnNova,
    kRedeemNova,
  };

  struct Session {
    std::string id;
    std::size_t user = 0;
    std::size_t hub = 0;
    std::size_t window = kNoWindow;
    std::int64_t stop = 0;
    std::int64_t energy_wh = 0;
    std::int64_t grid_cents = 0;
    std::int64_t merchant_cents = 0;
    // Which of its events were written.
    bool started = false;
    bool stopped = false;
    bool credited = false;

    std::int64_t reward_cents() const { return grid_cents + merchant_cents; }
  };

  struct Planned {
    std::int64_t time;
    std::uint64_t order;  // among equal times
    Step step;
    std::size_t subject;  // index of the session, the user or the window: follows from the step
  };

  struct Sent {
    std::int64_t arrival;
    std::uint64_t order;
    std::int64_t time;
    Step step;
    std::size_t subject;
    bool duplicate;
    std::string_view type;
    std::string line;
  };

  void PlanDay(std::int64_t day_begin, std::int64_t sessions);
  void PlanSession(std::int64_t day_begin, int weekday);
  void Plan(std::int64_t time, Step step, std::size_t subject);
  // Lets everything before `until` happen.
  void Advance(std::int64_t until);
  void Perform(const Planned& planned);

  void SignUp(const Planned& planned);
  void InstallPass(const Planned& planned);
  void SwitchWindow(const Planned& planned);
  void Start(const Planned& planned);
  void Stop(const Planned& planned);
  void Credit(const Planned& planned);
  void EarnNova(const Planned& planned);
  void RedeemNova(const Planned& planned);

  // Sends an event; `fields` are its JSON members after the header's, each with a leading comma.
  void Send(const Planned& planned, std::string_view type, std::string_view time_field,
            std::string_view aggregate_id, std::string_view region, std::string_view fields);
  void Count(const Sent& sent);

  // The moment of the 24 hours from `day_begin` at which local clocks show `time_of_day`.
  std::int64_t AtLocalTime(std::int64_t day_begin, std::int64_t time_of_day) const;

  const SimulationOptions options_;
  const std::int64_t end_;
  const std::int64_t begin_;
  Random random_;
  World world_;
  std::vector<Session> sessions_;
  std::uint64_t next_order_ = 0;
  std::vector<Planned> planned_;  // heaps: the earliest is on top
  std::vector<Sent> sent_;
  std::int64_t latest_written_ = 0;
  SimulationSummary summary_;
};

}  // namespace nerava::examples
