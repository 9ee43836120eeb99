// Sums by region, hub or window, and which of them are shown.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/hash_map.h"
#include "nerava/analytics/report.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics {

// A Group is a sum that has Totals and takes others in: StatusOr<Totals> Total(), Status Add(Group&).
// What later events took back leaves nothing: such a Group is not shown.
template <typename Group>
class Groups {
 public:
  explicit Groups(Dimension dimension) : dimension_(dimension) {}
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;

  // Which one an AggregateRow or a Fact belongs to.
  template <typename Part>
  Group& Of(const Part& part) {
    const std::string_view name = NameIn(part);
    // Most names come from where they came from before, and to compare them there is quicker than to hash.
    Entry*& recent = recent_[reinterpret_cast<std::uintptr_t>(name.data()) / 32 % recent_.size()];
    if (recent == nullptr || recent->first != name) {
      recent = &*groups_.try_emplace(std::string(name)).first;
    }
    return recent->second;
  }

  // What is shown: the `top` ones (0: all) in order, and the rest together.
  struct Shown {
    std::vector<std::pair<std::string, Group*>> rows;
    std::size_t others = 0;
    Group other;
  };
  absl::StatusOr<Shown> Show(std::size_t top) {
    return Show(top, [](const Group&) { return true; });
  }
  // `is_empty`: asked of those whose totals are nothing.
  template <typename IsEmpty>
  absl::StatusOr<Shown> Show(std::size_t top, IsEmpty is_empty) {
    struct Ranked {
      std::string_view name;
      Totals totals;
      Group* group;
    };
    std::vector<Ranked> ranked;
    for (auto& [name, group] : groups_) {
      auto totals = group.Total();
      if (!totals.ok()) return totals.status();
      if (*totals == Totals{} && is_empty(group)) continue;
      ranked.push_back({name, *totals, &group});
    }
    std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
      return std::tie(b.totals.total_sessions, b.totals.sessions_started, a.name) <
             std::tie(a.totals.total_sessions, a.totals.sessions_started, b.name);
    });

    Shown shown;
    for (const Ranked& one : ranked) {
      if (top == 0 || shown.rows.size() < top) {
        shown.rows.emplace_back(one.name, one.group);
        continue;
      }
      ++shown.others;
      if (absl::Status added = shown.other.Add(*one.group); !added.ok()) return added;
    }
    return shown;
  }

 private:
  template <typename Part>
  std::string_view NameIn(const Part& part) const {
    switch (dimension_) {
      case Dimension::kRegion:
        return part.region;
      case Dimension::kHub:
        return part.hub_id;
      case Dimension::kWindow:
        break;
    }
    return part.window_id;
  }

  const Dimension dimension_;
  using Entry = std::pair<const std::string, Group>;
  HashMap<std::string, Group> groups_;
  std::array<Entry*, 512> recent_ = {};  // by where the name lay
};

}  // namespace nerava::analytics
