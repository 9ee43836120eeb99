#include "nerava/analytics/watch.h"

#include <cmath>
#include <string_view>

#include "fmt/format.h"
#include "lib/event/fields.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/event/validate.h"
#include "lib/kpi/json.h"
#include "lib/watch/names.h"
#include "lib/watch/readings.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

constexpr TextField kName = Required(TextField{"the watch's name", FieldKind::kId});

constexpr absl::Duration kSecond = absl::Seconds(1);
constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kLongest = absl::Hours(24 * Period::kMaxDays);

absl::Status CheckRange(std::string_view what, absl::Duration value, absl::Duration from,
                        absl::Duration to) {
  if (from <= value && value <= to) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is {}; it must be from {} to {}", what, absl::FormatDuration(value),
                  absl::FormatDuration(from), absl::FormatDuration(to)));
}

absl::Status CheckRange(std::string_view what, double value, double from, double to) {
  if (from <= value && value <= to) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is {}; it must be from {} to {}", what, value, from, to));
}

template <typename Item>
std::string ArrayJson(absl::Span<const Item> items) {
  std::string array = "[";
  for (const Item& item : items) {
    if (array.size() > 1) array += ',';
    array += ToJson(item);
  }
  return array + "]";
}

}  // namespace

absl::Status Watch::Validate() const {
  if (absl::Status valid = CheckText(kName, name); !valid.ok()) return valid;
  if (absl::Status known = CheckKpi(*this); !known.ok()) return known;
  constexpr double kMost = 1e15;
  const auto of = [&](std::string_view what) {
    return fmt::format("{} of watch {}", what, Quoted(name));
  };
  for (const absl::Status& status :
       {CheckRange(of("the threshold"), threshold, -kMost, kMost),
        CheckRange(of("the hysteresis"), hysteresis, 0, kMost),
        CheckRange(of("the period"), period, kSecond, kLongest),
        CheckRange(of("hold_for"), hold_for, absl::ZeroDuration(), kLongest),
        CheckRange(of("min_sample"), static_cast<double>(min_sample), 0, kMost)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status AlertOptions::Validate() const {
  for (const absl::Status& status :
       {CheckRange("alerts.interval", interval == absl::InfiniteDuration() ? kDay : interval,
                   kSecond, kDay),
        CheckRange("alerts.window", window, kSecond, kDay),
        CheckRange("alerts.error_rate", error_rate, 0, 100),
        CheckRange("alerts.error_sample", static_cast<double>(error_sample), 1, 1e15)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string ToJson(const Watch& watch) {
  return ObjectJson([&](JsonObjectWriter& json) {
    const auto text_or_null = [&](std::string_view name, const std::string& text) {
      text.empty() ? json.Json(name, "null") : json.Text(name, ValidText(text));
    };
    json.Text("name", ValidText(watch.name));
    json.Text("kpi", ValidText(watch.kpi));
    json.Text("relation", kWatchRelationNames.at(static_cast<std::size_t>(watch.relation)));
    json.Text("measure", kWatchMeasureNames.at(static_cast<std::size_t>(watch.measure)));
    json.Json("threshold", JsonOf(watch.threshold));
    json.Json("hysteresis", JsonOf(watch.hysteresis));
    json.Json("period_s", JsonOf(absl::ToDoubleSeconds(watch.period)));
    json.Json("hold_for_s", JsonOf(absl::ToDoubleSeconds(watch.hold_for)));
    json.Json("min_sample", JsonOf(watch.min_sample));
    text_or_null("region", watch.filter.region);
    text_or_null("hub", watch.filter.hub_id);
    text_or_null("window", watch.filter.window_id);
    watch.each ? json.Text("each", NameOf(*watch.each)) : json.Json("each", "null");
  });
}

std::string ToJson(absl::Span<const Watch> watches) { return ArrayJson(watches); }

std::string ToJson(const Alert& alert) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("watch", ValidText(alert.watch));
    json.Text("group", ValidText(alert.group));
    json.Text("state", kAlertStateNames.at(static_cast<std::size_t>(alert.state)));
    json.Json("value", alert.value ? JsonOf(*alert.value) : "null");
    json.Json("threshold", JsonOf(alert.threshold));
    json.Json("sample", JsonOf(alert.sample));
    json.Text("since", FormatTimestamp(alert.since));
    json.Text("at", FormatTimestamp(alert.at));
    json.Text("message", ValidText(alert.message));
  });
}

std::string ToJson(absl::Span<const Alert> alerts) { return ArrayJson(alerts); }

}  // namespace nerava::analytics
