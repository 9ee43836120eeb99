#include "lib/kpi/scan.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

#include "absl/strings/string_view.h"
#include "lib/kpi/accumulator.h"
#include "lib/projection/facts.h"

namespace nerava::analytics {
namespace {

// How buckets are answered: aggregates of some grains for their insides, facts for the rest.
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

// Adds a period after others, to the last one if they meet.
void Append(const Period& period, std::vector<Period>* periods) {
  if (period.from >= period.to) return;
  if (!periods->empty() && periods->back().to == period.from) {
    periods->back().to = period.to;
  } else {
    periods->push_back(period);
  }
}

// The first bound after `time`, which lies before the last one.
const absl::Time* NextBound(absl::Span<const absl::Time> bounds, absl::Time time) {
  return std::upper_bound(bounds.data(), bounds.data() + bounds.size(), time);
}

// Takes the cells of `grains.front()` in which no bound lies out of `periods`, and gives what is left
// to the finer grains.
// Blocks are taken only between those times.
void Split(std::vector<Period> periods, absl::Span<const absl::Time> bounds,
           absl::Span<const Grain> grains, const Period& blocks, Plan* plan) {
  for (; !grains.empty(); grains.remove_prefix(1)) {
    const absl::Duration width = BucketWidth(grains.front());
    const bool is_block = grains.front() == Grain::kBlock || grains.front() == Grain::kCellBlock;
    std::vector<Period> inside;
    std::vector<Period> left;
    for (const Period& period : periods) {
      const absl::Time* bound = NextBound(bounds, period.from);
      for (absl::Time from = period.from; from < period.to; ++bound) {
        const absl::Time to = std::min(*bound, period.to);  // of one bucket
        const absl::Time begin = is_block ? std::max(from, blocks.from) : from;
        const absl::Time end = is_block ? std::min(to, blocks.to) : to;
        const absl::Time first = std::min(Ceil(begin, width), to);
        const absl::Time last = std::max(Floor(end, width), first);
        Append({from, first}, &left);
        Append({first, last}, &inside);
        Append({last, to}, &left);
        from = to;
      }
    }
    for (const Period& period : inside) plan->aggregates.push_back({grains.front(), period});
    periods = std::move(left);
  }
  plan->facts = std::move(periods);
}

// Whole days only before kept_from.aggregates, where no bound lies within one.
Plan MakePlan(absl::Span<const absl::Time> bounds, Detail detail, const Horizons& kept_from,
              const Period& blocks) {
  Plan plan;
  const absl::Time from = std::max(bounds.front(), kept_from.days);
  const absl::Time exact = std::max(from, kept_from.aggregates);
  const std::vector<Period> old{{from, std::min(exact, bounds.back())}};
  const std::vector<Period> rest{{exact, bounds.back()}};
  if (detail == Detail::kRegion) {
    Split(old, bounds, {Grain::kBlock, Grain::kDay}, blocks, &plan);
    Split(rest, bounds, {Grain::kBlock, Grain::kDay, Grain::kHour, Grain::kFiveMinutes}, blocks,
          &plan);
  } else {
    Split(rest, bounds, {Grain::kCellBlock, Grain::kCell}, blocks, &plan);
  }
  return plan;
}

constexpr absl::Duration kDay = absl::Hours(24);

bool NeedsHubs(const KpiFilter& filter) {
  return !filter.hub_id.empty() || !filter.window_id.empty();
}

// To midnight, UTC; noon to the next one.
absl::Time NearestDay(absl::Time time) { return Floor(time + kDay / 2, kDay); }

std::size_t BucketOf(absl::Span<const absl::Time> bounds, absl::Time time) {
  return static_cast<std::size_t>(NextBound(bounds, time) - bounds.data()) - 1;
}

}  // namespace

AnswerGrain Scanner::GrainOf(const Period& period, const KpiFilter& filter, Detail detail) const {
  if (period.from >= period.to) return AnswerGrain::kExact;
  if (period.from < kept_from_.days) return AnswerGrain::kPartial;
  if (period.from >= kept_from_.aggregates) return AnswerGrain::kExact;
  if (detail != Detail::kRegion || NeedsHubs(filter)) return AnswerGrain::kPartial;
  const auto is_exact = [&](absl::Time bound) {
    return bound >= kept_from_.aggregates || bound == NearestDay(bound);
  };
  return is_exact(period.from) && is_exact(period.to) ? AnswerGrain::kExact : AnswerGrain::kDay;
}

absl::Status Scanner::Scan(absl::Span<const absl::Time> bounds, const KpiFilter& filter,
                           Detail detail, OnRow on_row, OnFact on_fact) {
  if (bounds.empty() || bounds.front() >= bounds.back()) return absl::OkStatus();
  const auto fact_in_bucket = [&](const Fact& fact, std::uint32_t user) {
    return on_fact(BucketOf(bounds, fact.time), fact, user);
  };
  if (table_ == nullptr) {
    return FactsOfEvents({bounds.front(), bounds.back()}, filter, fact_in_bucket);
  }

  if (NeedsHubs(filter)) detail = Detail::kHubAndWindow;
  std::vector<absl::Time> moved;
  if (bounds.front() < kept_from_.aggregates) {
    moved.assign(bounds.begin(), bounds.end());
    for (absl::Time& bound : moved) {
      if (bound < kept_from_.aggregates) bound = NearestDay(bound);
    }
    bounds = moved;
  }
  auto blocks = table_->Blocks();
  if (!blocks.ok()) return blocks.status();
  const Plan plan = MakePlan(bounds, detail, kept_from_, {blocks->first, blocks->second});
  for (const Plan::Part& part : plan.aggregates) {
    absl::Status status = table_->Scan(
        part.grain, part.period.from, part.period.to, filter,
        [&](const AggregateRow& row) { return on_row(BucketOf(bounds, row.begin), row); });
    if (!status.ok()) return status;
  }
  for (const Period& period : plan.facts) {
    absl::Status status = table_->Facts(period.from, period.to, filter, fact_in_bucket);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Scanner::Facts(const Period& period, const KpiFilter& filter,
                            AggregateTable::FactSink on_fact) {
  if (table_ == nullptr) return FactsOfEvents(period, filter, on_fact);
  return table_->Facts(std::max(period.from, kept_from_.aggregates), period.to, filter, on_fact);
}

// Those of all sessions that have an event in the period.
absl::Status Scanner::FactsOfEvents(const Period& period, const KpiFilter& filter,
                                    AggregateTable::FactSink on_fact) {
  // All events of those, wherever they are. Credits without a session stand for themselves.
  std::deque<AnalyticsEvent> events;
  HashSet<std::string> session_ids;
  absl::Status read = transaction_.EventsBetween(period.from, period.to, [&](AnalyticsEvent event) {
    if (event.kind() == EventKind::kOther) return;
    if (event.session_id.empty()) {
      events.push_back(std::move(event));
    } else {
      session_ids.insert(std::move(event.session_id));
    }
  });
  if (!read.ok()) return read;
  const std::vector<std::string_view> ids(session_ids.begin(), session_ids.end());
  read = transaction_.EventsOfSessions(
      ids, [&](AnalyticsEvent event) { events.push_back(std::move(event)); });
  if (!read.ok()) return read;

  Sessions sessions;
  for (const AnalyticsEvent& event : events) sessions.Add(event);
  absl::Status status;
  sessions.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
    FindFacts(session, [&](const Fact& fact) {
      const bool inside = period.from <= fact.time && fact.time < period.to;
      if (!status.ok() || !inside || !Matches(filter, fact)) return;
      std::uint32_t user = 0;
      if (!fact.user_id.empty()) {
        const auto next = static_cast<std::uint32_t>(user_ids_.size() + 1);
        const auto [known, is_new] = numbers_.try_emplace(std::string(fact.user_id), next);
        if (is_new) user_ids_.push_back(known->first);
        user = known->second;
      }
      status = on_fact(fact, user);
    });
  });
  return status;
}

absl::StatusOr<AnswerGrain> Scanner::FactsOfUser(std::string_view user_id, const Period& period,
                                                 const KpiFilter& filter, OnOwnFact on_fact) {
  if (table_ == nullptr) {
    absl::Status read = FactsOfEvents(period, filter, [&](const Fact& fact, std::uint32_t) {
      return fact.user_id == user_id ? on_fact(fact) : absl::OkStatus();
    });
    if (!read.ok()) return read;
    return AnswerGrain::kExact;
  }
  auto user = table_->UserNumber(user_id);
  if (!user.ok()) return user.status();
  auto first = First();
  if (!first.ok()) return first.status();
  if (*user == 0 || !first->has_value()) return AnswerGrain::kExact;
  const absl::Time from = std::max(**first, period.from);
  const absl::Time exact = std::max(from, kept_from_.aggregates);
  auto more = WasActive(*user, from, std::min(exact, period.to), filter);
  if (!more.ok()) return more.status();
  absl::Status read = DescendTo(*user, {exact, period.to}, filter,
                                {Grain::kDay, Grain::kHour, Grain::kFiveMinutes}, on_fact);
  if (!read.ok()) return read;
  return *more ? AnswerGrain::kPartial : AnswerGrain::kExact;
}

// On days of which only that is known.
absl::StatusOr<bool> Scanner::WasActive(std::uint32_t user, absl::Time from, absl::Time to,
                                        const KpiFilter& filter) {
  if (from >= to) return false;
  bool active = false;
  absl::Status read = table_->Scan(Grain::kDay, Floor(from, kDay), Ceil(to, kDay), filter,
                                   [&](const AggregateRow& row) {
                                     auto users = UserSet::ParseMembers(row.users);
                                     if (!users.ok()) return users.status();
                                     active = active || users->Contains(user);
                                     return absl::OkStatus();
                                   });
  if (!read.ok()) return read;
  return active;
}

// Looks for the user in every bucket that has a part in the period, and goes on in those that have
// them.
absl::Status Scanner::DescendTo(std::uint32_t user, const Period& period, const KpiFilter& filter,
                                absl::Span<const Grain> grains, OnOwnFact on_fact) {
  if (period.from >= period.to) return absl::OkStatus();
  if (grains.empty()) {
    return table_->Facts(period.from, period.to, filter,
                         [&](const Fact& fact, std::uint32_t of_user) {
                           return of_user == user ? on_fact(fact) : absl::OkStatus();
                         });
  }
  const absl::Duration width = BucketWidth(grains.front());
  std::vector<absl::Time> buckets;
  absl::Status read = table_->Scan(grains.front(), Floor(period.from, width),
                                   Ceil(period.to, width), filter, [&](const AggregateRow& row) {
                                     auto users = UserSet::ParseMembers(row.users);
                                     if (!users.ok()) return users.status();
                                     if (users->Contains(user)) buckets.push_back(row.begin);
                                     return absl::OkStatus();
                                   });
  if (!read.ok()) return read;
  std::sort(buckets.begin(), buckets.end());  // of several regions
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
  for (const absl::Time begin : buckets) {
    const Period inside{std::max(begin, period.from), std::min(begin + width, period.to)};
    read = DescendTo(user, inside, filter, grains.subspan(1), on_fact);
    if (!read.ok()) return read;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<absl::Time>> Scanner::First() {
  if (table_ != nullptr) return table_->First();
  std::optional<absl::Time> first;
  absl::Status read = transaction_.EventsBetween(
      absl::UnixEpoch(), absl::InfiniteFuture(), [&](const AnalyticsEvent& event) {
        first = first ? std::min(*first, event.time) : event.time;
      });
  if (!read.ok()) return read;
  return first;
}

absl::StatusOr<std::string> Scanner::UserId(std::uint32_t number) {
  if (table_ != nullptr) return table_->UserId(number);
  return user_ids_.at(number - 1);
}

absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query) {
  Accumulator all;
  Scanner scanner(transaction);
  const absl::Time bounds[] = {query.period.from, query.period.to};
  absl::Status status = scanner.Scan(
      bounds, query.filter, Detail::kRegion,
      [&](std::size_t, const AggregateRow& row) { return all.Add(row); },
      [&](std::size_t, const Fact& fact, std::uint32_t user) { return all.Add(fact, user); });
  if (!status.ok()) return status;
  return all.Sum(scanner.Answered(query.period, query.filter, Detail::kRegion));
}

absl::StatusOr<std::optional<Slide>> FindSlide(ReadTransaction& transaction,
                                               const KpiQuery& query) {
  Scanner scanner(transaction);
  const bool is_quick = transaction.aggregates() != nullptr;
  // Facts of sessions and of hubs are there from the same day on.
  if (!is_quick ||
      scanner.GrainOf(query.period, query.filter, Detail::kSession) != AnswerGrain::kExact) {
    return std::nullopt;
  }
  // Between the facts before and after it, but at most within these few minutes.
  const auto around = [&](absl::Time bound) -> absl::StatusOr<std::pair<absl::Time, absl::Time>> {
    const absl::Duration width = BucketWidth(Grain::kFiveMinutes);
    const Period slot{Floor(bound, width), Floor(bound, width) + width};
    std::pair<absl::Time, absl::Time> room{slot.from - absl::Microseconds(1), slot.to};
    absl::Status read = scanner.Facts(slot, query.filter, [&](const Fact& fact, std::uint32_t) {
      if (fact.time < bound) {
        room.first = std::max(room.first, fact.time);
      } else {
        room.second = std::min(room.second, fact.time);
      }
      return absl::OkStatus();
    });
    if (!read.ok()) return read;
    return room;
  };
  auto from = around(query.period.from);
  if (!from.ok()) return from.status();
  auto to = around(query.period.to);
  if (!to.ok()) return to.status();
  return Slide{*from, *to};
}

}  // namespace nerava::analytics
