// Bits in words.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace nerava::analytics {

// How many are set in `count` words, `word(i)`.
template <typename Word>
std::uint64_t CountBitsPortably(std::size_t count, Word word) {
  std::uint64_t set = 0;
  for (std::size_t i = 0; i < count; ++i) set += static_cast<std::uint64_t>(std::popcount(word(i)));
  return set;
}

#ifdef __x86_64__
// By the processor's instruction, which all have since 2008, and which compilers may not use without asking:
// several times as quick.
template <typename Word>
[[gnu::target("popcnt")]] std::uint64_t CountBitsByInstruction(std::size_t count, Word word) {
  std::uint64_t set = 0;
  for (std::size_t i = 0; i < count; ++i) {
    set += static_cast<std::uint64_t>(__builtin_popcountll(word(i)));
  }
  return set;
}

template <typename Word>
std::uint64_t CountBits(std::size_t count, Word word) {
  return __builtin_cpu_supports("popcnt") != 0 ? CountBitsByInstruction(count, word)
                                               : CountBitsPortably(count, word);
}
#else
template <typename Word>
std::uint64_t CountBits(std::size_t count, Word word) {
  return CountBitsPortably(count, word);
}
#endif

}  // namespace nerava::analytics
