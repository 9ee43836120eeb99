#include "nerava/analytics/clock.h"

#include "absl/time/clock.h"

namespace nerava::analytics {
namespace {

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace

const Clock& Clock::System() {
  static const Clock* const clock = new SystemClock;
  return *clock;
}

}  // namespace nerava::analytics
