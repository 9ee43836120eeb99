#include "lib/projection/projection.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "lib/base/hash_map.h"
#include "lib/projection/facts.h"

namespace nerava::analytics {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// What facts that can be added up have in common.
struct Moment {
  std::int64_t micros;
  absl::string_view region;
  absl::string_view hub_id;
  absl::string_view window_id;
  absl::string_view user_id;

  friend bool operator==(const Moment&, const Moment&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Moment& moment) {
    return H::combine(std::move(state), moment.micros, moment.region, moment.hub_id,
                      moment.window_id, moment.user_id);
  }
};

// A sum of facts of one moment that differ in nothing but their totals.
struct Part {
  Fact fact;
  std::optional<std::int64_t> energy_mwh;  // of each session that stopped

  // In the order in which they join.
  friend bool operator<(const Part& a, const Part& b) {
    return std::tie(a.energy_mwh, a.fact.time_to_stop, a.fact.time_to_credit) <
           std::tie(b.energy_mwh, b.fact.time_to_stop, b.fact.time_to_credit);
  }
  bool IsLike(const Part& other) const {
    return energy_mwh == other.energy_mwh && fact.time_to_stop == other.fact.time_to_stop &&
           fact.time_to_credit == other.fact.time_to_credit;
  }
  bool SaysNothing() const { return fact.totals == Totals{} && fact.user_sessions == 0; }

  // Whether another one, of those after it, can be told as part of this one.
  bool CanTake(const Part& other) const {
    return (!energy_mwh || !other.energy_mwh) &&
           (!fact.time_to_stop || fact.time_to_stop == other.fact.time_to_stop) &&
           (!fact.time_to_credit || fact.time_to_credit == other.fact.time_to_credit);
  }
  void Take(const Part& other) {
    fact.totals += other.fact.totals;
    fact.user_sessions += other.fact.user_sessions;
    fact.time_to_stop = other.fact.time_to_stop;
    fact.time_to_credit = other.fact.time_to_credit;
    if (other.energy_mwh) energy_mwh = other.energy_mwh;
  }
};

// Facts after less facts before. Nearly all of those before come again and cancel out.
class Difference {
 public:
  void Add(const Sessions& sessions, int sign) {
    sessions.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
      FindFacts(session, [&](const Fact& fact) { Add(fact, sign); });
    });
  }

  std::vector<Fact> Take() && {
    std::vector<Fact> facts;
    facts.reserve(parts_.size());
    for (auto& [moment, parts] : parts_) {
      std::sort(parts.begin(), parts.end());
      Part* last = nullptr;
      for (Part& part : parts) {
        if (part.SaysNothing()) continue;
        if (last != nullptr && last->CanTake(part)) {
          last->Take(part);
          facts.back() = last->fact;
        } else {
          facts.push_back(part.fact);
          last = &part;
        }
      }
    }
    return facts;
  }

 private:
  void Add(const Fact& fact, int sign) {
    const Moment moment{absl::ToUnixMicros(fact.time), View(fact.region), View(fact.hub_id),
                        View(fact.window_id), View(fact.user_id)};
    Part added{fact, {}};
    if (fact.totals.total_sessions != 0) added.energy_mwh = fact.totals.energy_mwh;
    auto& parts = parts_[moment];
    auto sum = std::find_if(parts.begin(), parts.end(),
                            [&](const Part& part) { return part.IsLike(added); });
    if (sum == parts.end()) {
      parts.push_back(added);
      sum = parts.end() - 1;
      sum->fact.totals = {};
      sum->fact.user_sessions = 0;
    }
    sum->fact.user_sessions += sign * fact.user_sessions;
    if (sign > 0) {
      sum->fact.totals += fact.totals;
    } else {
      sum->fact.totals -= fact.totals;
    }
  }

  HashMap<Moment, absl::InlinedVector<Part, 1>> parts_;
};

// An AggregateKey that borrows its strings: one is made for each fact and grain.
struct KeyView {
  Grain grain;
  std::int64_t bucket;
  absl::string_view region;
  absl::string_view hub_id;
  absl::string_view window_id;

  friend bool operator==(const KeyView&, const KeyView&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const KeyView& key) {
    return H::combine(std::move(state), key.grain, key.bucket, key.region, key.hub_id,
                      key.window_id);
  }
};

struct Sum {
  Totals totals;
  HashMap<absl::string_view, std::int64_t> users;
};

std::vector<AggregateDelta> SumByBucket(const std::vector<Fact>& facts) {
  HashMap<KeyView, Sum> sums;
  for (const Fact& fact : facts) {
    const std::int64_t seconds = absl::ToUnixSeconds(fact.time);
    for (const Grain grain : {Grain::kFiveMinutes, Grain::kHour, Grain::kDay, Grain::kCell}) {
      const std::int64_t width = absl::ToInt64Seconds(BucketWidth(grain));
      KeyView key{grain, seconds - seconds % width, View(fact.region), {}, {}};
      if (grain == Grain::kCell) {
        key.hub_id = View(fact.hub_id);
        key.window_id = View(fact.window_id);
      }
      Sum& sum = sums[key];
      sum.totals += fact.totals;
      if (!fact.user_id.empty()) sum.users[View(fact.user_id)] += fact.user_sessions;
    }
  }

  std::vector<AggregateDelta> deltas;
  deltas.reserve(sums.size());
  for (const auto& [key, sum] : sums) {
    AggregateDelta delta;
    for (const auto& [user, sessions] : sum.users) {
      if (sessions != 0) delta.users.emplace_back(std::string(user), sessions);
    }
    if (sum.totals == Totals{} && delta.users.empty()) continue;
    delta.key = {key.grain, key.bucket, std::string(key.region), std::string(key.hub_id),
                 std::string(key.window_id)};
    delta.totals = sum.totals;
    deltas.push_back(std::move(delta));
  }
  return deltas;
}

Changes ChangesFrom(const Sessions& before, const Sessions& after) {
  Difference difference;
  difference.Add(before, -1);
  difference.Add(after, 1);
  Changes changes;
  changes.facts = std::move(difference).Take();
  changes.aggregates = SumByBucket(changes.facts);
  return changes;
}

}  // namespace

absl::Duration BucketWidth(Grain grain) {
  switch (grain) {
    case Grain::kFiveMinutes:
      return absl::Minutes(5);
    case Grain::kHour:
      return absl::Hours(1);
    case Grain::kBlock:
    case Grain::kCellBlock:
      return absl::Hours(16 * 24);
    case Grain::kDay:
    case Grain::kCell:
      break;
  }
  return absl::Hours(24);
}

Changes Project(absl::Span<const EventPtr> added, absl::Span<const AnalyticsEvent> earlier) {
  Sessions before;
  Sessions after;
  for (const AnalyticsEvent& event : earlier) {
    before.Add(event);
    after.Add(event);
  }
  for (const EventPtr& event : added) after.Add(*event);

  return ChangesFrom(before, after);
}

Changes ProjectRemoval(absl::Span<const AnalyticsEvent> removed) {
  Sessions before;
  for (const AnalyticsEvent& event : removed) before.Add(event);
  return ChangesFrom(before, Sessions());
}

}  // namespace nerava::analytics
