// Watches: rules that tell when a KPI is not as it should be, and what the pipeline itself has to say.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

enum class WatchRelation : std::uint8_t { kAbove = 0, kBelow = 1 };
enum class WatchMeasure : std::uint8_t {
  kValue = 0,
  // By how many percent it is above the same of the period before; unknown when that was 0 and the
  // present one is not.
  kChange = 1,
};

// Alerts while a KPI over a rolling period is above, or below, a threshold. Two decimals count, as KPIs
// are shown.
struct Watch {
  std::string name;  // 1..100 bytes; tells it from the pipeline's others
  // A number of KpiSummary's, Funnel's or ActiveUsers' JSON: "completion_rate",
  // "p90_time_to_complete_s", "dau". docs/kpis.md lists them.
  std::string kpi;
  WatchRelation relation = WatchRelation::kAbove;
  WatchMeasure measure = WatchMeasure::kValue;
  double threshold = 0;
  // An alert resolves once the value is so far back behind the threshold, so that it does not come and go.
  double hysteresis = 0;
  absl::Duration period = absl::Hours(24);     // [now - period, now); 1 s..1830 days
  absl::Duration hold_for = absl::Duration();  // at every look for so long, before it fires
  // Of fewer sessions, or whatever a rate or an average is over, nothing is concluded, and an alert
  // resolves. Rates and averages over nothing are unknown anyway.
  std::int64_t min_sample = 0;
  KpiFilter filter = {};
  // Each of these on its own, a hub that has fallen silent among them; not for ActiveUsers.
  std::optional<Dimension> each = {};

  // InvalidArgument naming the first that is out of its range.
  absl::Status Validate() const;
};

enum class AlertState : std::uint8_t {
  kPending = 0,  // the threshold is passed, but not for hold_for
  kFiring = 1,
  kResolved = 2,
};

struct Alert {
  std::string watch;  // its name; or of an alert about the pipeline, see AlertOptions
  std::string group;  // which hub, region or window; empty: all, or none
  AlertState state = AlertState::kFiring;
  std::optional<double> value = {};  // absent: unknown by now
  double threshold = 0;
  std::int64_t sample = 0;
  absl::Time since;  // the first look at which the threshold was passed
  absl::Time at;     // of the last look
  std::string message;
};

struct AlertOptions {
  // Told about every alert that begins to fire, and that resolves: on a thread of the pipeline's, or
  // on that of CheckWatches. One call at a time. It must not close the pipeline, nor check watches.
  // What it throws is swallowed. Default: none.
  std::function<void(const Alert& alert)> on_alert = {};
  // How often watches are looked at without a commit. After commits they are too, but not so often
  // that it takes more than a tenth of a thread. Default 30 s; 1 s..1 day, or infinite: only
  // CheckWatches looks, and there is no thread.
  absl::Duration interval = absl::Seconds(30);
  // Alerts about the pipeline itself, without a watch:
  //   error_rate         of at least `error_sample` events that were settled within the last `window`
  //                      more than `error_rate` percent were refused, dropped or became dead letters
  //   nothing_written    an accepted event waits for `window` longer than flush_interval
  //   kpi_failures       a KPI could not be computed within the last `window`
  //   store_unreachable  the store cannot be read
  absl::Duration window = absl::Minutes(5);  // 1 s..1 day
  double error_rate = 5;                     // 0..100
  std::int64_t error_sample = 20;            // from 1

  absl::Status Validate() const;
};

std::string ToJson(const Watch& watch);
std::string ToJson(absl::Span<const Watch> watches);  // an array
std::string ToJson(const Alert& alert);
std::string ToJson(absl::Span<const Alert> alerts);  // an array

}  // namespace nerava::analytics
