// Randomness that is the same on every machine: std::mt19937_64, whose output the C++ standard
// fixes, and integer arithmetic only. The distributions of <random> and of Abseil differ between
// implementations, and floating point between compilers.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace nerava::examples {

// A probability in millionths.
using PerMillion = std::uint32_t;

// Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // 0 .. bound - 1; `bound` > 0. The modulo's bias is below 2^-32 for the bounds used here.
  std::uint64_t Below(std::uint64_t bound) { return engine_() % bound; }

  // low .. high, both included.
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(high - low) + 1));
  }

  // The same, bell-shaped: the mean of three.
  std::int64_t Bell(std::int64_t low, std::int64_t high) {
    return (Between(low, high) + Between(low, high) + Between(low, high)) / 3;
  }

  bool Chance(PerMillion probability) { return Below(1'000'000) < probability; }

  // UUIDv4 text.
  std::string Uuid();

 private:
  std::mt19937_64 engine_;
};

// 0 .. size - 1 with a long tail: the n-th is picked in proportion to 1 / (n + `flatness`).
class SkewedPick {
 public:
  SkewedPick(std::size_t size, std::uint64_t flatness);
  std::size_t operator()(Random& random) const;

 private:
  std::vector<std::uint64_t> cumulative_;
};

}  // namespace nerava::examples
