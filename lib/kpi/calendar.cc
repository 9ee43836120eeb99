#include "lib/kpi/calendar.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "fmt/format.h"
#include "lib/base/environment.h"
#include "lib/event/text.h"

namespace nerava::analytics {
namespace {

// The first moment of a local day: midnight, unless the clock is set over it.
absl::Time BeginOf(absl::CivilDay day, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(day));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

absl::CivilDay FirstDay(Interval interval, absl::CivilDay day) {
  switch (interval) {
    case Interval::kWeek:
      return absl::PrevWeekday(day + 1, absl::Weekday::monday);
    case Interval::kMonth:
      return absl::CivilDay(absl::CivilMonth(day));
    case Interval::kHour:
    case Interval::kDay:
      break;
  }
  return day;
}

absl::CivilDay NextFirstDay(Interval interval, absl::CivilDay day) {
  switch (interval) {
    case Interval::kWeek:
      return day + 7;
    case Interval::kMonth:
      return absl::CivilDay(absl::CivilMonth(day) + 1);
    case Interval::kHour:
    case Interval::kDay:
      break;
  }
  return day + 1;
}

// When the clock is set.
absl::Time MomentOf(const absl::TimeZone::CivilTransition& set, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo to = zone.At(set.to);
  return to.kind == absl::TimeZone::TimeInfo::REPEATED ? to.trans : to.pre;
}

absl::Duration SinceFullHour(absl::Time time, const absl::TimeZone& zone) {
  const absl::TimeZone::CivilInfo local = zone.At(time);
  return absl::Minutes(local.cs.minute()) + absl::Seconds(local.cs.second()) + local.subsecond;
}

absl::Time BeginOfHour(absl::Time time, const absl::TimeZone& zone) {
  const absl::Time full = time - SinceFullHour(time, zone);
  absl::TimeZone::CivilTransition set;
  const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(time));
  if (!zone.PrevTransition(second + absl::Seconds(1), &set)) return full;  // up to this second
  return std::max(full, MomentOf(set, zone));
}

absl::Time EndOfHour(absl::Time begin, const absl::TimeZone& zone) {
  const absl::Time full = begin + absl::Hours(1) - SinceFullHour(begin, zone);
  absl::TimeZone::CivilTransition set;
  if (!zone.NextTransition(begin, &set)) return full;
  return std::min(full, MomentOf(set, zone));
}

absl::Status TooMany(std::size_t most) {
  return absl::InvalidArgumentError(fmt::format(
      "the period has more than {} such intervals; ask for a shorter period or a longer interval",
      most));
}

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(const std::string& name) {
  if (name == "UTC") return absl::UTCTimeZone();
  // Only names of the database's files: the library that loads them takes paths, and remembers every
  // name that it was ever asked for.
  const bool plain =
      !name.empty() && name.size() <= 64 && name.find("..") == name.npos && name.front() != '/' &&
      name.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == name.npos;
  absl::TimeZone zone;
  if (plain) {
    const std::string folder = EnvironmentVariable("TZDIR");
    const auto path = std::filesystem::path(folder.empty() ? "/usr/share/zoneinfo" : folder) / name;
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error) && absl::LoadTimeZone(name, &zone)) {
      return zone;
    }
  }
  return absl::InvalidArgumentError(
      fmt::format("{} is no time zone that this machine knows; use an IANA name such as "
                  "\"Europe/Berlin\" (its data are in the package tzdata)",
                  Quoted(name)));
}

absl::StatusOr<std::vector<Period>> CutByCalendar(const Period& period, Interval interval,
                                                  const absl::TimeZone& zone, std::size_t most) {
  std::vector<Period> buckets;
  if (period.from >= period.to) return buckets;
  if (interval == Interval::kHour) {
    // None is longer, so that there are at least so many.
    if ((period.to - period.from) / absl::Hours(1) > static_cast<std::int64_t>(most)) {
      return TooMany(most);
    }
    absl::Time begin = BeginOfHour(period.from, zone);
    while (begin < period.to) {
      if (buckets.size() == most) return TooMany(most);
      const absl::Time end = EndOfHour(begin, zone);
      buckets.push_back({begin, end});
      begin = end;
    }
    return buckets;
  }
  absl::CivilDay day = FirstDay(interval, absl::ToCivilDay(period.from, zone));
  absl::Time begin = BeginOf(day, zone);
  while (begin < period.to) {
    day = NextFirstDay(interval, day);
    const absl::Time end = BeginOf(day, zone);
    // Islands that moved across the date line lack a day.
    if (begin < end && period.from < end) {
      if (buckets.size() == most) return TooMany(most);
      buckets.push_back({begin, end});
    }
    begin = end;
  }
  return buckets;
}

}  // namespace nerava::analytics
