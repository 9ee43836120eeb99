// Ids for events that come without one.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace nerava::analytics {

// A UUIDv7 (RFC 9562) of `time`: 48 bits of milliseconds, 12 bits of their fraction, 62 random
// bits. Ids made one after another on one thread ascend, as long as `time` does not go back.
// Thread-safe; a forked child makes other ids than its parent.
std::string MakeUuidV7(absl::Time time);

}  // namespace nerava::analytics
