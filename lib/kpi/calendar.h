// Periods cut by a local calendar.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

// InvalidArgument for a name that is none of the IANA database on this machine.
absl::StatusOr<absl::TimeZone> FindTimeZone(const std::string& name);

// The buckets that have a part in the period, without gaps, oldest first, each whole. A day, week or
// month begins at the first moment of its first day; an hour also ends where the clock is set.
// InvalidArgument when there are more than `most`.
absl::StatusOr<std::vector<Period>> CutByCalendar(const Period& period, Interval interval,
                                                  const absl::TimeZone& zone, std::size_t most);

}  // namespace nerava::analytics
