// What the JSON of all KPIs is made of.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

struct Number {
  std::string_view name;
  std::variant<std::int64_t, double> value;
};
using Numbers = std::vector<Number>;

void AddNumbers(const Numbers& numbers, JsonObjectWriter* json);
void AddGrain(AnswerGrain grain, JsonObjectWriter* json);
void AddPeriod(const AnsweredPeriod& period, JsonObjectWriter* json);

// "2025-03-03T00:00:00+01:00".
std::string LocalTimestamp(absl::Time time, const absl::TimeZone& zone);
// UTC for an unknown name.
absl::TimeZone ZoneOrUtc(const std::string& name);

// By value.
inline constexpr std::array<std::string_view, 4> kIntervalNames{"hour", "day", "week", "month"};
inline constexpr std::array<std::string_view, 3> kDimensionNames{"region", "hub", "window"};
inline constexpr std::array<std::string_view, 3> kGrainNames{"exact", "day", "partial"};
std::string_view NameOf(Interval interval);
std::string_view NameOf(Dimension dimension);

// The text of an array of what `json_of` makes of each.
template <typename Items, typename JsonOfItem>
std::string ArrayJson(const Items& items, JsonOfItem json_of) {
  std::string text = "[";
  for (const auto& item : items) {
    if (text.size() > 1) text += ',';
    text += json_of(item);
  }
  return text + "]";
}

// Of a Breakdown or one like it, whose rows have the numbers in `kpi`; `add(numbers, writer)` adds
// these.
template <typename AnyBreakdown, typename Row, typename Kpi, typename Add>
std::string BreakdownJson(const AnyBreakdown& breakdown, Kpi Row::*kpi, Add add) {
  const std::string_view dimension = NameOf(breakdown.dimension);
  const auto row_json = [&](const Row& row) {
    return ObjectJson([&](JsonObjectWriter& json) {
      row.name.empty() ? json.Json(dimension, "null") : json.Text(dimension, ValidText(row.name));
      add(row.*kpi, &json);
    });
  };
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("breakdown", dimension);
    AddPeriod(breakdown.period, &json);
    json.Json("rows", ArrayJson(breakdown.rows, row_json));
    json.Json("others", JsonOf(breakdown.others));
    json.Json("other", breakdown.others == 0 ? "null" : ObjectJson([&](JsonObjectWriter& other) {
                add(breakdown.other, &other);
              }));
  });
}

}  // namespace nerava::analytics
