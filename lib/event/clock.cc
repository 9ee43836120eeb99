#include "nerava/analytics/clock.h"

#include <ctime>

namespace nerava::analytics {
namespace {

// Not absl::Now(): it now and then takes a lock that a forked child may find taken for ever.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override {
    std::timespec now;
    std::timespec_get(&now, TIME_UTC);
    return absl::TimeFromTimespec(now);
  }
};

const SystemClock& Get() {
  static const SystemClock& clock = *new SystemClock;
  return clock;
}
[[maybe_unused]] const SystemClock& made_at_start = Get();

}  // namespace

const Clock& Clock::System() { return Get(); }

}  // namespace nerava::analytics
