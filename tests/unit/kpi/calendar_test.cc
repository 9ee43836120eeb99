// Local calendars, held against a walk through the period minute by minute.
#include "lib/kpi/calendar.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace nerava::analytics {
namespace {

constexpr std::size_t kMost = 100'000;

absl::TimeZone Zone(const std::string& name) {
  auto zone = FindTimeZone(name);
  REQUIRE(zone.ok());
  return *zone;
}

// What all moments of a bucket have in common.
std::string KeyOf(absl::Time time, Interval interval, const absl::TimeZone& zone) {
  const absl::CivilDay day = absl::ToCivilDay(time, zone);
  switch (interval) {
    case Interval::kHour:  // of one setting of the clock
      return absl::FormatTime("%Y-%m-%d %H %Ez", time, zone);
    case Interval::kDay:
      return absl::FormatCivilTime(day);
    case Interval::kWeek: {
      absl::CivilDay monday = day;
      while (absl::GetWeekday(monday) != absl::Weekday::monday) --monday;
      return absl::FormatCivilTime(monday);
    }
    case Interval::kMonth:
      break;
  }
  return absl::FormatTime("%Y-%m", time, zone);
}

void CheckCut(const Period& period, Interval interval, const absl::TimeZone& zone) {
  auto buckets = CutByCalendar(period, interval, zone, kMost);
  REQUIRE(buckets.ok());
  REQUIRE_FALSE(buckets->empty());
  REQUIRE(buckets->front().from <= period.from);
  REQUIRE(period.from < buckets->front().to);
  REQUIRE(buckets->back().from < period.to);
  REQUIRE(period.to <= buckets->back().to);
  auto bucket = buckets->begin();
  for (absl::Time time = buckets->front().from; time < buckets->back().to;
       time += absl::Minutes(1)) {
    if (time >= bucket->to) {
      REQUIRE(time == bucket->to);  // without a gap
      ++bucket;
      REQUIRE(KeyOf(time, interval, zone) != KeyOf((bucket - 1)->from, interval, zone));
    }
    REQUIRE(KeyOf(time, interval, zone) == KeyOf(bucket->from, interval, zone));
  }
  // Each is whole: what lies beside it is another's.
  for (const Period& whole : *buckets) {
    const std::string key = KeyOf(whole.from, interval, zone);
    REQUIRE(KeyOf(whole.from - absl::Microseconds(1), interval, zone) != key);
    REQUIRE(KeyOf(whole.to, interval, zone) != key);
  }
}

struct Place {
  const char* zone;
  absl::CivilDay around;  // when something odd happens
};

TEST_CASE("buckets are those of the local calendar, also where the clock is set") {
  const Place place =
      GENERATE(Place{"UTC", absl::CivilDay(2026, 2, 28)},
               Place{"Europe/Berlin", absl::CivilDay(2026, 3, 29)},
               Place{"Europe/Berlin", absl::CivilDay(2026, 10, 25)},
               Place{"America/Sao_Paulo", absl::CivilDay(2017, 10, 15)},  // there is no midnight
               Place{"America/Sao_Paulo", absl::CivilDay(2018, 2, 18)},   // 23:00 comes twice
               Place{"America/Havana", absl::CivilDay(2025, 11, 2)},      // midnight comes twice
               Place{"Asia/Kathmandu", absl::CivilDay(2026, 1, 1)},       // +05:45
               Place{"Asia/Kathmandu", absl::CivilDay(1986, 1, 1)},       // from +05:30
               Place{"Australia/Lord_Howe", absl::CivilDay(2026, 4, 5)},  // by half an hour
               Place{"Australia/Lord_Howe", absl::CivilDay(2026, 10, 4)},
               Place{"Pacific/Apia", absl::CivilDay(2011, 12, 30)});  // that day was left out
  INFO(place.zone << " " << absl::FormatCivilTime(place.around));
  const absl::TimeZone zone = Zone(place.zone);
  const absl::Time begin = absl::FromCivil(place.around - 2, zone);
  for (const Interval interval :
       {Interval::kHour, Interval::kDay, Interval::kWeek, Interval::kMonth}) {
    for (const absl::Duration off :
         {absl::ZeroDuration(), absl::Minutes(77), absl::Microseconds(-1)}) {
      CheckCut({begin + off, begin + off + absl::Hours(100)}, interval, zone);
      // A short one, all around the odd moment.
      for (int hour = 40; hour < 56; ++hour) {
        const absl::Time from = begin + off + absl::Hours(hour);
        CheckCut({from, from + absl::Minutes(31)}, interval, zone);
      }
    }
  }
}

TEST_CASE("a year has as many days, weeks and months as its calendar says") {
  const absl::TimeZone zone = Zone("Europe/Berlin");
  const Period year{absl::FromCivil(absl::CivilDay(2026, 1, 1), zone),
                    absl::FromCivil(absl::CivilDay(2027, 1, 1), zone)};
  CHECK(CutByCalendar(year, Interval::kDay, zone, kMost)->size() == 365);
  CHECK(CutByCalendar(year, Interval::kWeek, zone, kMost)->size() == 53);
  CHECK(CutByCalendar(year, Interval::kMonth, zone, kMost)->size() == 12);
  CHECK(CutByCalendar(year, Interval::kHour, zone, kMost)->size() == 365 * 24);
}

TEST_CASE("an empty period has no buckets, and too many are refused") {
  const absl::Time noon = absl::FromUnixSeconds(1'772'280'000);
  CHECK(CutByCalendar({noon, noon}, Interval::kDay, absl::UTCTimeZone(), 10)->empty());
  const Period days{noon, noon + absl::Hours(24 * 10)};
  CHECK(CutByCalendar(days, Interval::kDay, absl::UTCTimeZone(), 11)->size() == 11);
  CHECK(absl::IsInvalidArgument(
      CutByCalendar(days, Interval::kDay, absl::UTCTimeZone(), 10).status()));
}

TEST_CASE("what is no time zone is refused by name") {
  for (const char* name : {"", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "Europe",
                           "file:/etc/passwd", "Europe/Berlin\n", "UTC+1"}) {
    const auto zone = FindTimeZone(name);
    INFO(name);
    REQUIRE(absl::IsInvalidArgument(zone.status()));
    CHECK_THAT(zone.status().ToString(), Catch::Contains("Europe/Berlin"));
  }
  CHECK_FALSE(FindTimeZone(std::string(5000, 'x')).ok());
}

}  // namespace
}  // namespace nerava::analytics
