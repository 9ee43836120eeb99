// Days in a row.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nerava::analytics {

// Of one user, whose active days are added in ascending order, by numbers without gaps.
class Streak {
 public:
  void Add(std::int64_t day) {
    run_ = longest_ > 0 && day == last_ + 1 ? run_ + 1 : 1;
    longest_ = std::max(longest_, run_);
    last_ = day;
  }

  std::int64_t longest() const { return longest_; }
  // `today` is not over: it ends no streak.
  std::int64_t Current(std::int64_t today) const {
    return longest_ > 0 && last_ + 1 >= today ? run_ : 0;
  }

 private:
  std::int64_t last_ = 0;
  std::int64_t run_ = 0;
  std::int64_t longest_ = 0;  // 0: no day was added
};

}  // namespace nerava::analytics
