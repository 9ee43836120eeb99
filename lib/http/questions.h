// The parameters that many questions share, and what is asked with them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/http/parameters.h"
#include "lib/http/routes.h"
#include "lib/kpi/json.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/people.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics::http {

inline constexpr std::array<std::string_view, 1> kComparisons{"previous"};

using Kind = Parameter::Kind;
inline constexpr Parameter kDays{"days", Kind::kInteger,
                                 "The last so many times 24 hours. Not together with `from`.", 1,
                                 Period::kMaxDays};
inline constexpr Parameter kFrom{
    "from", Kind::kTime,
    "Begin of the period: a date or an ISO 8601 time; without an offset, in `tz`."};
inline constexpr Parameter kTo{
    "to", Kind::kTime, "End of the period, which it does not contain, as `from`. Default: now."};
inline constexpr Parameter kTimeZone{"tz", Kind::kText,
                                     "Time zone of the IANA database. Default: UTC."};
inline constexpr Parameter kRegion{"region", Kind::kText, "Only this region."};
inline constexpr Parameter kHub{"hub", Kind::kText, "Only this hub."};
inline constexpr Parameter kWindow{"window", Kind::kText, "Only this window."};
inline constexpr Parameter kCompare{
    "compare", Kind::kChoice, "Adds `comparison`, with the period as long right before.", 0, 0,
    0,         kComparisons};
inline constexpr Parameter kBreakdown{
    "breakdown", Kind::kChoice, "Adds `breakdown`, by this.", 0, 0, 0, kDimensionNames};
inline constexpr Parameter kTop{"top", Kind::kInteger,
                                "Rows of a breakdown, the rest together; 0: all. Default: 10.", 0,
                                100'000};
inline constexpr Parameter kInterval{
    "interval", Kind::kChoice, "Adds `trend`, by this of the calendar of `tz`.", 0, 0,
    0,          kIntervalNames};
inline constexpr Parameter kAt{"at", Kind::kTime,
                               "Nothing from then on counts, as `from`. Default: now."};

// From kDays, kFrom, kTo, kTimeZone, kRegion, kHub and kWindow.
struct Question {
  KpiQuery query;
  std::string time_zone;
};
Question TakeQuestion(Call* call);
// From kAt, kTimeZone, kRegion, kHub and kWindow.
PeopleQuery TakePeopleQuery(Call* call);

struct Split {
  Dimension dimension;
  std::size_t top;
};
// From kBreakdown and kTop.
std::optional<Split> TakeSplit(Call* call);
std::optional<Interval> TakeInterval(Call* call);

}  // namespace nerava::analytics::http
