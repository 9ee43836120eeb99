// Values, each as often as it came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace nerava::analytics {

// Few different values take little memory, however often they come.
class WeightedValues {
 public:
  // `count` may be negative, to take back what was added before or will be later.
  void Add(std::int64_t value, std::int64_t count);
  void Add(const WeightedValues& other);

  std::int64_t count() const { return count_; }

  // The values that are there, ascending, with how often.
  using Counts = std::vector<std::pair<std::int64_t, std::int64_t>>;
  const Counts& Sorted();

  // The smallest value that at least so many percent do not exceed (nearest rank); null over nothing.
  std::optional<std::int64_t> Percentile(int percent);

 private:
  Counts counts_;
  std::size_t sorted_ = 0;  // so many are sorted, and each value is there once
  std::int64_t count_ = 0;
};

}  // namespace nerava::analytics
