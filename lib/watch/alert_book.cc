#include "lib/watch/alert_book.h"

#include <cmath>
#include <optional>

#include "fmt/format.h"
#include "lib/event/text.h"
#include "lib/kpi/json.h"

namespace nerava::analytics {
namespace {

// Whether the threshold is passed; `firing`: or not yet far enough back.
bool Passes(const Watch& watch, const Reading& reading, bool firing) {
  if (!reading.value || reading.sample < watch.min_sample) return false;
  const double slack = firing ? watch.hysteresis : 0;
  const auto limit = [](double value) {
    return std::round(value * 1e6) / 1e6;
  };  // 0.3 - 0.1 is 0.2
  return watch.relation == WatchRelation::kAbove ? *reading.value > limit(watch.threshold - slack)
                                                 : *reading.value < limit(watch.threshold + slack);
}

std::string Describe(const Watch& watch, const std::string& group, const Reading& reading) {
  const std::string what =
      watch.each ? fmt::format("{} of {} {}", watch.kpi, NameOf(*watch.each), Quoted(group))
                 : watch.kpi;
  std::string text = fmt::format("{}: ", watch.name);
  if (!reading.value) {
    text += fmt::format("{} is unknown, over nothing", what);
  } else if (watch.measure == WatchMeasure::kChange) {
    text += fmt::format("{} changed by {} %", what, JsonOf(*reading.value));
  } else {
    text += fmt::format("{} is {}", what, JsonOf(*reading.value));
  }
  text += fmt::format(", the threshold is {} {}{}",
                      watch.relation == WatchRelation::kAbove ? "above" : "below",
                      JsonOf(watch.threshold), watch.measure == WatchMeasure::kChange ? " %" : "");
  return reading.detail.empty() ? text : text + ": " + reading.detail;
}

}  // namespace

void AlertBook::Note(const Watch& watch, const Readings& readings, absl::Time now,
                     std::vector<Alert>* changes) {
  const auto note = [&](const std::string& group, const Reading& reading) {
    const auto known = alerts_.find({watch.name, group});
    const bool firing = known != alerts_.end() && known->second.state == AlertState::kFiring;
    const bool passes = Passes(watch, reading, firing);
    if (!passes && known == alerts_.end()) return;
    // A clock that was set back begins anew.
    const bool goes_on = known != alerts_.end() && known->second.since < now;
    Alert alert{.watch = watch.name,
                .group = group,
                .state = AlertState::kPending,
                .value = reading.value,
                .threshold = watch.threshold,
                .sample = reading.sample,
                .since = goes_on ? known->second.since : now,
                .at = now,
                .message = Describe(watch, group, reading)};
    if (!passes) {
      alerts_.erase(known);
      alert.state = AlertState::kResolved;
      if (firing) changes->push_back(std::move(alert));
      return;
    }
    if (firing || now - alert.since >= watch.hold_for) alert.state = AlertState::kFiring;
    if (!firing && alert.state == AlertState::kFiring) changes->push_back(alert);
    alerts_.insert_or_assign({watch.name, group}, std::move(alert));
  };
  for (const auto& [group, reading] : readings) note(group, reading);
  // Groups of which there is nothing any more.
  std::vector<std::string> gone;
  for (auto alert = alerts_.lower_bound({watch.name, ""});
       alert != alerts_.end() && alert->first.first == watch.name; ++alert) {
    if (!readings.contains(alert->first.second)) gone.push_back(alert->first.second);
  }
  for (const std::string& group : gone) note(group, {});
}

void AlertBook::Forget(const std::string& watch) {
  std::erase_if(alerts_, [&](const auto& alert) { return alert.first.first == watch; });
}

std::vector<Alert> AlertBook::List() const {
  std::vector<Alert> alerts;
  for (const auto& [name, alert] : alerts_) alerts.push_back(alert);
  return alerts;
}

}  // namespace nerava::analytics
