// Points in time as the backend writes them. Inside the library every time is an absl::Time that
// holds whole microseconds, UTC.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace nerava::analytics {

// Parses ISO 8601: "2026-11-22T09:30:00Z", a space for the "T", an offset ("+01:00", "+0100",
// "+01"), none (UTC), seconds with 0 to 9 fraction digits (digits beyond microseconds are cut off),
// or a date alone (midnight). InvalidArgument otherwise, or when the time is before 1970 or after
// 9999. Thread-safe.
absl::StatusOr<absl::Time> ParseTimestamp(std::string_view text);

// "2026-11-22T09:30:00.000000+00:00": fixed width, sorts as text, read by every ISO 8601 parser
// (Python's datetime.fromisoformat of 3.9 included).
std::string FormatTimestamp(absl::Time time);

// "2026-11-22 09:30:00.000000": how the analytics_events view and SQL show it.
std::string FormatSqlTimestamp(absl::Time time);

}  // namespace nerava::analytics
