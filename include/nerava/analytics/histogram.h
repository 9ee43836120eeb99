// Counts values by powers of two: the distribution of batch sizes, latencies and the like.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace nerava::analytics {

// A plain value. `buckets[0]` counts zeros, `buckets[i]` values in [2^(i-1), 2^i); the last one all
// that are larger.
struct Histogram {
  static constexpr std::size_t kBuckets = 40;

  void Add(std::uint64_t value) {
    const auto width = static_cast<std::size_t>(std::bit_width(value));
    ++buckets[width < kBuckets ? width : kBuckets - 1];
    ++count;
    sum += value;
  }

  std::array<std::uint64_t, kBuckets> buckets{};
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
};

}  // namespace nerava::analytics
