// The KPI logic, whole: what one session adds to the totals, and when. Everything else (deltas,
// aggregates, answers) is sums of these.
#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/base/hash_map.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics {

// One moment of a session that counts. The views point into the session's events.
struct Contribution {
  absl::Time time;
  std::string_view region;
  std::string_view hub_id;
  std::string_view window_id;
  std::string_view user_id;  // set at the stop of a session with a user, for the user sets
  Totals totals;
};

using ContributionSink = absl::FunctionRef<void(const Contribution&)>;

// `events` are the events of one session, each event_id once, in any order, or one credit without a
// session. Kinds other than start, stop and credit are ignored. A function of the set: order
// changes nothing. See docs/kpis.md for the rules.
void Contribute(absl::Span<const AnalyticsEvent* const> events, ContributionSink sink);

bool Matches(const KpiFilter& filter, const Contribution& contribution);

// Events put together by session; those without one stand alone. Points to the events given.
class Sessions {
 public:
  void Add(const AnalyticsEvent& event);

  // Calls `body` with the events of each session.
  void ForEach(absl::FunctionRef<void(absl::Span<const AnalyticsEvent* const>)> body) const;

  std::vector<std::string_view> Ids() const;

 private:
  HashMap<absl::string_view, std::vector<const AnalyticsEvent*>> by_id_;
  std::vector<const AnalyticsEvent*> alone_;
};

}  // namespace nerava::analytics
