// How full a journal is.
#pragma once

#include <algorithm>

#include "nerava/analytics/journal.h"

namespace nerava::analytics {

// From 0 to about 1, where events wait or are refused. Two segments are always there, and count for
// nothing.
inline double JournalFill(const JournalStats& stats, const JournalOptions& options) {
  const auto spare = static_cast<double>(2 * options.segment_bytes);
  const double room = static_cast<double>(options.max_bytes) - spare;
  return room > 0 ? std::max(0.0, (static_cast<double>(stats.bytes) - spare) / room) : 0;
}

}  // namespace nerava::analytics
