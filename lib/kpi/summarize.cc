#include "lib/kpi/summarize.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "lib/base/hash_map.h"
#include "lib/projection/contribution.h"

namespace nerava::analytics {
namespace {

// How a period is answered: aggregates of some grains for its inside, events for the rest.
struct Plan {
  struct Part {
    Grain grain;
    Period period;
  };
  std::vector<Part> aggregates;
  std::vector<Period> events;  // disjoint
};

absl::Time Floor(absl::Time time, absl::Duration width) {
  return absl::UnixEpoch() + absl::Floor(time - absl::UnixEpoch(), width);
}
absl::Time Ceil(absl::Time time, absl::Duration width) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), width);
}

// Takes the whole buckets of `grains.front()` out of `period`, and gives what is left at either end
// to the finer grains.
void Split(const Period& period, absl::Span<const Grain> grains, Plan* plan) {
  if (period.from >= period.to) return;
  if (grains.empty()) {
    plan->events.push_back(period);
    return;
  }
  const absl::Duration width = BucketWidth(grains.front());
  const Period inside{Ceil(period.from, width), Floor(period.to, width)};
  if (inside.from >= inside.to) return Split(period, grains.subspan(1), plan);
  plan->aggregates.push_back({grains.front(), inside});
  Split({period.from, inside.from}, grains.subspan(1), plan);
  Split({inside.to, period.to}, grains.subspan(1), plan);
}

Plan MakePlan(const KpiQuery& query, bool has_aggregates) {
  Plan plan;
  if (!has_aggregates) {
    Split(query.period, {}, &plan);
  } else if (query.filter.hub_id.empty() && query.filter.window_id.empty()) {
    Split(query.period, {Grain::kDay, Grain::kHour, Grain::kMinute}, &plan);
  } else {
    Split(query.period, {Grain::kCell}, &plan);  // nothing finer is kept by hub and window
  }
  return plan;
}

// Adds up what the sessions contribute inside `periods`.
absl::Status SumEvents(ReadTransaction& transaction, const std::vector<Period>& periods,
                       const KpiFilter& filter, Totals* totals, HashSet<std::string>* users) {
  // The sessions that have an event there; then all events of those, wherever they are. Credits
  // without a session stand for themselves.
  std::deque<AnalyticsEvent> events;
  HashSet<std::string> session_ids;
  for (const Period& period : periods) {
    absl::Status read =
        transaction.EventsBetween(period.from, period.to, [&](AnalyticsEvent event) {
          if (event.kind() == EventKind::kOther) return;
          if (event.session_id.empty()) {
            events.push_back(std::move(event));
          } else {
            session_ids.insert(std::move(event.session_id));
          }
        });
    if (!read.ok()) return read;
  }
  const std::vector<std::string_view> ids(session_ids.begin(), session_ids.end());
  absl::Status read = transaction.EventsOfSessions(
      ids, [&](AnalyticsEvent event) { events.push_back(std::move(event)); });
  if (!read.ok()) return read;

  Sessions sessions;
  for (const AnalyticsEvent& event : events) sessions.Add(event);
  sessions.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
    Contribute(session, [&](const Contribution& contribution) {
      const bool inside = std::any_of(periods.begin(), periods.end(), [&](const Period& period) {
        return period.from <= contribution.time && contribution.time < period.to;
      });
      if (!inside || !Matches(filter, contribution)) return;
      *totals += contribution.totals;
      if (!contribution.user_id.empty()) users->emplace(contribution.user_id);
    });
  });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query) {
  AggregateTable* const aggregates = transaction.aggregates();
  const Plan plan = MakePlan(query, aggregates != nullptr);

  KpiSummary summary;
  summary.period = query.period;
  HashSet<std::string> event_users;
  if (!plan.events.empty()) {
    absl::Status status =
        SumEvents(transaction, plan.events, query.filter, &summary.totals, &event_users);
    if (!status.ok()) return status;
  }
  if (plan.aggregates.empty()) {
    summary.unique_users = event_users.size();
    return summary;
  }

  UserSet users;
  for (const Plan::Part& part : plan.aggregates) {
    absl::Status status = aggregates->Sum(part.grain, part.period.from, part.period.to,
                                          query.filter, &summary.totals, &users);
    if (!status.ok()) return status;
  }
  const std::vector<std::string_view> ids(event_users.begin(), event_users.end());
  auto numbers = aggregates->UserNumbers(ids);
  if (!numbers.ok()) return numbers.status();
  for (const auto& number : *numbers) {
    if (!number.has_value()) return absl::DataLossError("a user with sessions has no number");
    users.Add(*number, 1);
  }
  summary.unique_users = users.size();
  return summary;
}

}  // namespace nerava::analytics
