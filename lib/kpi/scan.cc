#include "lib/kpi/scan.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lib/base/hash_map.h"
#include "lib/projection/facts.h"

namespace nerava::analytics {
namespace {

using Choose = absl::FunctionRef<Accumulator&(std::string_view region, std::string_view hub_id,
                                              std::string_view window_id)>;

// How a period is answered: aggregates of some grains for its inside, facts for the rest.
struct Plan {
  struct Part {
    Grain grain;
    Period period;
  };
  std::vector<Part> aggregates;
  std::vector<Period> facts;  // disjoint
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
    plan->facts.push_back(period);
    return;
  }
  const absl::Duration width = BucketWidth(grains.front());
  const Period inside{Ceil(period.from, width), Floor(period.to, width)};
  if (inside.from >= inside.to) return Split(period, grains.subspan(1), plan);
  plan->aggregates.push_back({grains.front(), inside});
  Split({period.from, inside.from}, grains.subspan(1), plan);
  Split({inside.to, period.to}, grains.subspan(1), plan);
}

Plan MakePlan(const Period& period, Detail detail) {
  Plan plan;
  if (detail == Detail::kRegion) {
    Split(period, {Grain::kDay, Grain::kHour, Grain::kQuarter}, &plan);
  } else {
    Split(period, {Grain::kCell}, &plan);
  }
  return plan;
}

// The facts of all sessions that have an event in the period.
absl::Status ScanEvents(ReadTransaction& transaction, const KpiQuery& query, Choose choose) {
  // All events of those, wherever they are. Credits without a session stand for themselves.
  std::deque<AnalyticsEvent> events;
  HashSet<std::string> session_ids;
  absl::Status read =
      transaction.EventsBetween(query.period.from, query.period.to, [&](AnalyticsEvent event) {
        if (event.kind() == EventKind::kOther) return;
        if (event.session_id.empty()) {
          events.push_back(std::move(event));
        } else {
          session_ids.insert(std::move(event.session_id));
        }
      });
  if (!read.ok()) return read;
  const std::vector<std::string_view> ids(session_ids.begin(), session_ids.end());
  read = transaction.EventsOfSessions(
      ids, [&](AnalyticsEvent event) { events.push_back(std::move(event)); });
  if (!read.ok()) return read;

  HashMap<std::string, std::uint32_t> users;  // their numbers, from 1
  Sessions sessions;
  for (const AnalyticsEvent& event : events) sessions.Add(event);
  absl::Status status;
  sessions.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
    FindFacts(session, [&](const Fact& fact) {
      const bool inside = query.period.from <= fact.time && fact.time < query.period.to;
      if (!status.ok() || !inside || !Matches(query.filter, fact)) return;
      std::uint32_t user = 0;
      if (!fact.user_id.empty()) {
        const auto next = static_cast<std::uint32_t>(users.size() + 1);
        user = users.try_emplace(std::string(fact.user_id), next).first->second;
      }
      status = choose(fact.region, fact.hub_id, fact.window_id).Add(fact, user);
    });
  });
  return status;
}

}  // namespace

absl::Status ScanPeriod(ReadTransaction& transaction, const KpiQuery& query, Detail detail,
                        Choose choose) {
  AggregateTable* const table = transaction.aggregates();
  if (table == nullptr) return ScanEvents(transaction, query, choose);

  if (!query.filter.hub_id.empty() || !query.filter.window_id.empty()) {
    detail = Detail::kHubAndWindow;
  }
  const Plan plan = MakePlan(query.period, detail);
  for (const Plan::Part& part : plan.aggregates) {
    absl::Status status = table->Scan(
        part.grain, part.period.from, part.period.to, query.filter, [&](const AggregateRow& row) {
          return choose(row.region, row.hub_id, row.window_id).Add(row);
        });
    if (!status.ok()) return status;
  }
  for (const Period& period : plan.facts) {
    absl::Status status = table->Facts(
        period.from, period.to, query.filter, [&](const Fact& fact, std::uint32_t user) {
          return choose(fact.region, fact.hub_id, fact.window_id).Add(fact, user);
        });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query) {
  Accumulator all;
  absl::Status status = ScanPeriod(
      transaction, query, Detail::kRegion,
      [&](std::string_view, std::string_view, std::string_view) -> Accumulator& { return all; });
  if (!status.ok()) return status;
  return all.Sum(query.period);
}

}  // namespace nerava::analytics
