#include "lib/kpi/weighted_values.h"

#include <algorithm>

namespace nerava::analytics {

void WeightedValues::Add(std::int64_t value, std::int64_t count) {
  if (count == 0) return;
  constexpr std::size_t kFew = 100'000;
  if (counts_.size() >= std::max(2 * sorted_, kFew)) Sorted();
  counts_.emplace_back(value, count);
  count_ += count;
}

void WeightedValues::Add(const WeightedValues& other) {
  for (const auto& [value, count] : other.counts_) Add(value, count);
}

const WeightedValues::Counts& WeightedValues::Sorted() {
  if (sorted_ == counts_.size()) return counts_;
  std::sort(counts_.begin(), counts_.end());
  std::size_t last = 0;  // of those that are settled
  for (std::size_t i = 1; i < counts_.size(); ++i) {
    if (counts_[i].first == counts_[last].first) {
      counts_[last].second += counts_[i].second;
    } else {
      counts_[++last] = counts_[i];
    }
  }
  counts_.resize(last + 1);
  std::erase_if(counts_, [](const auto& value) { return value.second == 0; });
  sorted_ = counts_.size();
  return counts_;
}

std::optional<std::int64_t> WeightedValues::Percentile(int percent) {
  if (count_ <= 0) return std::nullopt;
  const std::int64_t rank = std::max<std::int64_t>((count_ * percent + 99) / 100, 1);
  std::int64_t seen = 0;
  for (const auto& [value, count] : Sorted()) {
    seen += count;
    if (seen >= rank) return value;
  }
  return std::nullopt;
}

}  // namespace nerava::analytics
