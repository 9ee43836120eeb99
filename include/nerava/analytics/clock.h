// The wall clock, injectable for tests and simulations. Intervals (flush_interval, deadlines) run
// by the steady clock and do not go through here.
#pragma once

#include "absl/time/time.h"

namespace nerava::analytics {

class Clock {
 public:
  virtual ~Clock() = default;
  // The time now. Thread-safe.
  virtual absl::Time Now() const = 0;

  // The system's clock; never destroyed.
  static const Clock& System();
};

}  // namespace nerava::analytics
