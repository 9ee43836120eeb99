// Answers "was this key ever added?": no is certain, yes is wrong about once in a thousand times. A
// split-block Bloom filter, as in Parquet: one cache line a question.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nerava::analytics::sqlite {

// The hash that filters are asked with. Stored filters depend on it: it must never change.
std::uint64_t FilterHash(std::string_view key);

// A plain value.
class BloomFilter {
 public:
  // Holds `capacity` keys well: 2 bytes each.
  explicit BloomFilter(std::size_t capacity);

  void Add(std::uint64_t hash);
  bool MayContain(std::uint64_t hash) const;

  std::size_t capacity() const;
  std::size_t keys() const { return keys_; }  // calls of Add

  std::string Serialize() const;
  // Nothing for bytes that are no filter, or one with more keys than it holds well.
  static std::optional<BloomFilter> Parse(std::string_view bytes);

 private:
  static constexpr std::size_t kLanes = 8;
  using Block = std::array<std::uint32_t, kLanes>;
  static std::uint32_t BitOf(std::uint32_t key, std::size_t lane);

  BloomFilter() = default;
  std::size_t BlockOf(std::uint64_t hash) const;

  std::size_t keys_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace nerava::analytics::sqlite
