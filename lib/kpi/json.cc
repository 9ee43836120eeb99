#include "lib/kpi/json.h"

#include <cstddef>

#include "lib/kpi/calendar.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {

void AddNumbers(const Numbers& numbers, JsonObjectWriter* json) {
  for (const Number& number : numbers) {
    std::visit([&](auto value) { json->Json(number.name, JsonOf(value)); }, number.value);
  }
}

void AddGrain(AnswerGrain grain, JsonObjectWriter* json) {
  json->Text("grain", kGrainNames[static_cast<std::size_t>(grain)]);
}

void AddPeriod(const AnsweredPeriod& period, JsonObjectWriter* json) {
  json->Text("from", FormatTimestamp(period.from));
  json->Text("to", FormatTimestamp(period.to));
  // A whole number of days is written as one: clients compare it to the days they asked for.
  const double days = period.days();
  const auto whole = static_cast<std::int64_t>(days);
  json->Json("period_days", static_cast<double>(whole) == days ? JsonOf(whole) : JsonOf(days));
  AddGrain(period.grain, json);
}

std::string LocalTimestamp(absl::Time time, const absl::TimeZone& zone) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%S%Ez", time, zone);
}

absl::TimeZone ZoneOrUtc(const std::string& name) {
  const auto zone = FindTimeZone(name);
  return zone.ok() ? *zone : absl::UTCTimeZone();
}

std::string_view NameOf(Interval interval) {
  return kIntervalNames.at(static_cast<std::size_t>(interval));
}

std::string_view NameOf(Dimension dimension) {
  return kDimensionNames.at(static_cast<std::size_t>(dimension));
}

}  // namespace nerava::analytics
