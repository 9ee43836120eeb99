// Which alerts there are, and how they come and go.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lib/watch/readings.h"
#include "nerava/analytics/watch.h"

namespace nerava::analytics {

// One thread at a time.
class AlertBook {
 public:
  // What a look at `now` showed. Appends those that begin to fire and that resolve to `*changes`.
  void Note(const Watch& watch, const Readings& readings, absl::Time now,
            std::vector<Alert>* changes);
  // The alerts of a watch that is no more, which nobody is told of.
  void Forget(const std::string& watch);

  // Pending and firing, by watch and group.
  std::vector<Alert> List() const;

 private:
  std::map<std::pair<std::string, std::string>, Alert> alerts_;  // by watch and group
};

}  // namespace nerava::analytics
