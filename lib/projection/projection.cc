#include "lib/projection/projection.h"

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "lib/base/hash_map.h"
#include "lib/projection/contribution.h"

namespace nerava::analytics {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// An AggregateKey that borrows its strings: one is made for each event and grain.
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

struct Change {
  Totals totals;
  HashMap<absl::string_view, std::int64_t> users;
};

class Changes {
 public:
  // Adds (sign 1) or takes back (sign -1) a contribution in every grain.
  void Apply(const Contribution& contribution, int sign) {
    const std::int64_t seconds = absl::ToUnixSeconds(contribution.time);
    for (const Grain grain : {Grain::kMinute, Grain::kHour, Grain::kDay, Grain::kCell}) {
      const std::int64_t width = absl::ToInt64Seconds(BucketWidth(grain));
      KeyView key{grain, seconds - seconds % width, View(contribution.region), {}, {}};
      if (grain == Grain::kCell) {
        key.hub_id = View(contribution.hub_id);
        key.window_id = View(contribution.window_id);
      }
      Change& change = changes_[key];
      if (sign > 0) {
        change.totals += contribution.totals;
      } else {
        change.totals -= contribution.totals;
      }
      if (!contribution.user_id.empty()) change.users[View(contribution.user_id)] += sign;
    }
  }

  std::vector<AggregateDelta> Take() && {
    std::vector<AggregateDelta> deltas;
    deltas.reserve(changes_.size());
    for (const auto& [key, change] : changes_) {
      AggregateDelta delta;
      for (const auto& [user, sessions] : change.users) {
        if (sessions != 0) delta.users.emplace_back(std::string(user), sessions);
      }
      if (change.totals == Totals{} && delta.users.empty()) continue;
      delta.key = {key.grain, key.bucket, std::string(key.region), std::string(key.hub_id),
                   std::string(key.window_id)};
      delta.totals = change.totals;
      deltas.push_back(std::move(delta));
    }
    return deltas;
  }

 private:
  HashMap<KeyView, Change> changes_;
};

}  // namespace

absl::Duration BucketWidth(Grain grain) {
  switch (grain) {
    case Grain::kMinute:
      return absl::Minutes(1);
    case Grain::kHour:
      return absl::Hours(1);
    case Grain::kDay:
    case Grain::kCell:
      break;
  }
  return absl::Hours(24);
}

std::vector<AggregateDelta> Project(absl::Span<const EventPtr> added,
                                    absl::Span<const AnalyticsEvent> earlier) {
  Sessions before;
  Sessions after;
  for (const AnalyticsEvent& event : earlier) {
    before.Add(event);
    after.Add(event);
  }
  for (const EventPtr& event : added) after.Add(*event);

  Changes changes;
  before.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
    Contribute(session, [&](const Contribution& contribution) { changes.Apply(contribution, -1); });
  });
  after.ForEach([&](absl::Span<const AnalyticsEvent* const> session) {
    Contribute(session, [&](const Contribution& contribution) { changes.Apply(contribution, 1); });
  });
  return std::move(changes).Take();
}

}  // namespace nerava::analytics
