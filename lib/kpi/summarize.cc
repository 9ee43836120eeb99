#include "lib/kpi/summarize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lib/base/hash_map.h"
#include "lib/projection/checked_totals.h"
#include "lib/projection/facts.h"

namespace nerava::analytics {
namespace {

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

Plan MakePlan(const KpiQuery& query) {
  Plan plan;
  if (query.filter.hub_id.empty() && query.filter.window_id.empty()) {
    Split(query.period, {Grain::kDay, Grain::kHour, Grain::kQuarter}, &plan);
  } else {
    Split(query.period, {Grain::kCell}, &plan);
  }
  return plan;
}

// From the events alone: the facts of all sessions that have an event in the period.
absl::StatusOr<KpiSummary> SummarizeEvents(ReadTransaction& transaction, const KpiQuery& query) {
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

  KpiSummary summary;
  summary.period = query.period;
  HashSet<std::string> users;
  Sessions sessions;
  for (const AnalyticsEvent& event : events) sessions.Add(event);
  sessions.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
    FindFacts(session, [&](const Fact& fact) {
      const bool inside = query.period.from <= fact.time && fact.time < query.period.to;
      if (!inside || !Matches(query.filter, fact)) return;
      summary.totals += fact.totals;
      if (!fact.user_id.empty()) users.emplace(fact.user_id);
    });
  });
  summary.unique_users = users.size();
  return summary;
}

// Adds up facts; there may be many.
class FactSum {
 public:
  absl::Status Add(const Fact& fact, std::uint32_t user) {
    if (user != 0) {
      users_.push_back(user);
      user_sessions_.push_back(fact.user_sessions);
    }
    recent_ += fact.totals;
    return ++count_ % kMostRecent == 0 ? Settle() : absl::OkStatus();
  }

  absl::Status AddTo(Totals* totals, UserSet* users) && {
    if (absl::Status settled = Settle(); !settled.ok()) return settled;
    // A fact may take back what another one says.
    const bool only_more = std::all_of(user_sessions_.begin(), user_sessions_.end(),
                                       [](std::int64_t sessions) { return sessions > 0; });
    if (!only_more) {
      HashMap<std::uint32_t, std::int64_t> sums;
      for (std::size_t i = 0; i < users_.size(); ++i) sums[users_[i]] += user_sessions_[i];
      std::erase_if(users_, [&](std::uint32_t user) { return sums[user] <= 0; });
    }
    users->UniteMembers(users_);
    return AddChecked(sum_, totals);
  }

 private:
  // To check each would take longer than all the rest; so few cannot overflow, a store's facts stay
  // below 2^60.
  static constexpr std::uint64_t kMostRecent = 4;

  absl::Status Settle() { return AddChecked(std::exchange(recent_, {}), &sum_); }

  Totals recent_;
  Totals sum_;
  std::uint64_t count_ = 0;
  std::vector<std::uint32_t> users_;
  std::vector<std::int64_t> user_sessions_;
};

}  // namespace

absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query) {
  AggregateTable* const table = transaction.aggregates();
  if (table == nullptr) return SummarizeEvents(transaction, query);

  const Plan plan = MakePlan(query);
  KpiSummary summary;
  summary.period = query.period;
  UserSet users;
  for (const Plan::Part& part : plan.aggregates) {
    absl::Status status = table->Sum(part.grain, part.period.from, part.period.to, query.filter,
                                     &summary.totals, &users);
    if (!status.ok()) return status;
  }
  FactSum facts;
  for (const Period& period : plan.facts) {
    absl::Status status =
        table->Facts(period.from, period.to, query.filter,
                     [&](const Fact& fact, std::uint32_t user) { return facts.Add(fact, user); });
    if (!status.ok()) return status;
  }
  if (absl::Status status = std::move(facts).AddTo(&summary.totals, &users); !status.ok()) {
    return status;
  }
  summary.unique_users = users.size();
  return summary;
}

}  // namespace nerava::analytics
