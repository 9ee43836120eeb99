#include "examples/simulate/random.h"

#include <algorithm>

namespace nerava::examples {

std::string Random::Uuid() {
  const std::uint64_t high = (engine_() & ~std::uint64_t{0xF000}) | 0x4000;
  const std::uint64_t low = (engine_() & ~(std::uint64_t{3} << 62)) | (std::uint64_t{2} << 62);
  std::string text;
  text.reserve(36);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text += '-';
    const std::uint64_t half = digit < 16 ? high : low;
    text += "0123456789abcdef"[half >> (60 - 4 * (digit % 16)) & 0xF];
  }
  return text;
}

SkewedPick::SkewedPick(std::size_t size, std::uint64_t flatness) {
  cumulative_.reserve(size);
  std::uint64_t sum = 0;
  for (std::size_t n = 0; n < size; ++n) {
    sum += 1'000'000'000'000 / (n + flatness);
    cumulative_.push_back(sum);
  }
}

std::size_t SkewedPick::operator()(Random& random) const {
  const std::uint64_t point = random.Below(cumulative_.back());
  return static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), point) -
                                  cumulative_.begin());
}

}  // namespace nerava::examples
