// The KPI logic, whole: the facts of one session. Everything else (deltas, aggregates, answers) is
// sums of these.
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

// `events` are the events of one session, each event_id once, in any order, or one credit without a
// session. Kinds other than start, stop and credit are ignored. A function of the set: order
// changes nothing. See docs/kpis.md for the rules. The facts' views point into the events.
void FindFacts(absl::Span<const AnalyticsEvent* const> events,
               absl::FunctionRef<void(const Fact&)> sink);

// Whose session it is: the user of its start, without one of its stop; empty: nobody's. `events` as
// above.
std::string_view UserOf(absl::Span<const AnalyticsEvent* const> events);

bool Matches(const KpiFilter& filter, const Fact& fact);

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
