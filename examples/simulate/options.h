// What is simulated. The same options give the same bytes, on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "examples/simulate/random.h"

namespace nerava::examples {

struct SimulationOptions {
  std::uint64_t seed = 1;
  int days = 90;
  std::int64_t users = 2000;
  std::int64_t hubs = 40;
  std::int64_t sessions_per_day = 500;  // on average
  std::int64_t sessions = 0;            // in total, instead of sessions_per_day, when not 0
  absl::Time end;                       // nothing happens or arrives at or after it
  int utc_offset_hours = -6;            // of the hubs' local time
  std::vector<std::string> regions;     // hubs belong to these in turn; none: events name no region

  PerMillion unfinished = 30'000;
  PerMillion lost_starts = 2'000;
  PerMillion uncredited = 50'000;
  PerMillion duplicates = 10'000;
  PerMillion late = 20'000;
  PerMillion out_of_order = 50'000;

  std::int64_t TotalSessions() const { return sessions != 0 ? sessions : sessions_per_day * days; }
};

}  // namespace nerava::examples
