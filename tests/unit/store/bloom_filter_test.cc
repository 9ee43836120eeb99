#include "lib/store/sqlite/bloom_filter.h"

#include <catch2/catch.hpp>
#include <string>

namespace nerava::analytics::sqlite {
namespace {

std::uint64_t Key(int i) { return FilterHash("key " + std::to_string(i)); }

TEST_CASE("a filter never denies a key it holds, and seldom affirms another") {
  constexpr int kKeys = 10'000;
  BloomFilter filter(kKeys);
  for (int i = 0; i < kKeys; ++i) filter.Add(Key(i));
  int wrong = 0;
  for (int i = 0; i < kKeys; ++i) {
    REQUIRE(filter.MayContain(Key(i)));
    wrong += filter.MayContain(Key(kKeys + i)) ? 1 : 0;
  }
  CHECK(wrong < kKeys / 300);
}

TEST_CASE("a filter is the same after it was stored") {
  BloomFilter filter(100);
  for (int i = 0; i < 100; ++i) filter.Add(Key(i));
  const auto back = BloomFilter::Parse(filter.Serialize());
  REQUIRE(back.has_value());
  CHECK(back->keys() == 100);
  CHECK(back->capacity() == filter.capacity());
  CHECK(back->Serialize() == filter.Serialize());
}

TEST_CASE("bytes of a wrong size are no filter") {
  const std::string bytes = BloomFilter(1).Serialize();
  CHECK_FALSE(BloomFilter::Parse("").has_value());
  CHECK_FALSE(BloomFilter::Parse(bytes.substr(0, bytes.size() - 1)).has_value());
  CHECK_FALSE(BloomFilter::Parse(bytes + "x").has_value());
}

TEST_CASE("hashes are those of stored filters") {
  // Files hold filters made with these: a change of the hash would deny keys that are there.

  CHECK(FilterHash("0123456789abcdef") == 0x8406935844cc5723);
  CHECK(FilterHash("session") == 0x1a8bde73f227b21a);
}

}  // namespace
}  // namespace nerava::analytics::sqlite
