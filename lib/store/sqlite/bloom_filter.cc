#include "lib/store/sqlite/bloom_filter.h"

#include <algorithm>
#include <cstring>

namespace nerava::analytics::sqlite {
namespace {

// The finalizer of splitmix64.
std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr std::size_t kKeysPerBlock = 16;

}  // namespace

std::uint64_t FilterHash(std::string_view key) {
  std::uint64_t hash = Mix(key.size() + 0x9e3779b97f4a7c15);
  while (!key.empty()) {
    std::uint64_t word = 0;
    const std::size_t taken = std::min(key.size(), sizeof word);
    for (std::size_t i = 0; i < taken; ++i) {
      word |= std::uint64_t{static_cast<unsigned char>(key[i])} << (8 * i);
    }
    hash = Mix(hash ^ word) + 0x9e3779b97f4a7c15;
    key.remove_prefix(taken);
  }
  return Mix(hash);
}

BloomFilter::BloomFilter(std::size_t capacity)
    : blocks_(std::max<std::size_t>(1, (capacity + kKeysPerBlock - 1) / kKeysPerBlock)) {}

// The salts are those of the Parquet specification.
std::uint32_t BloomFilter::BitOf(std::uint32_t key, std::size_t lane) {
  static constexpr std::array<std::uint32_t, kLanes> kSalts = {0x47b6137b, 0x44974d91, 0x8824ad5b,
                                                               0xa2b7289d, 0x705495c7, 0x2df1424b,
                                                               0x9efc4947, 0x5c6bfb31};
  return std::uint32_t{1} << ((key * kSalts[lane]) >> 27);
}

std::size_t BloomFilter::BlockOf(std::uint64_t hash) const {
  return static_cast<std::size_t>(((hash >> 32) * blocks_.size()) >> 32);
}

void BloomFilter::Add(std::uint64_t hash) {
  Block& block = blocks_[BlockOf(hash)];
  for (std::size_t i = 0; i < kLanes; ++i) {
    block[i] |= BitOf(static_cast<std::uint32_t>(hash), i);
  }
  ++keys_;
}

bool BloomFilter::MayContain(std::uint64_t hash) const {
  const Block& block = blocks_[BlockOf(hash)];
  for (std::size_t i = 0; i < kLanes; ++i) {
    if ((block[i] & BitOf(static_cast<std::uint32_t>(hash), i)) == 0) return false;
  }
  return true;
}

std::size_t BloomFilter::capacity() const { return blocks_.size() * kKeysPerBlock; }

std::string BloomFilter::Serialize() const {
  std::string bytes;
  bytes.reserve(8 + blocks_.size() * sizeof(Block));
  const auto append = [&bytes](std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  };
  append(keys_, 8);
  for (const Block& block : blocks_) {
    for (const std::uint32_t lane : block) append(lane, 4);
  }
  return bytes;
}

std::optional<BloomFilter> BloomFilter::Parse(std::string_view bytes) {
  const auto take = [&bytes](std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    bytes.remove_prefix(size);
    return value;
  };
  if (bytes.size() < 8 + sizeof(Block) || (bytes.size() - 8) % sizeof(Block) != 0) {
    return std::nullopt;
  }
  BloomFilter filter;
  filter.keys_ = take(8);
  filter.blocks_.resize(bytes.size() / sizeof(Block));
  if (filter.keys_ > filter.capacity()) return std::nullopt;
  for (Block& block : filter.blocks_) {
    for (std::uint32_t& lane : block) lane = static_cast<std::uint32_t>(take(4));
  }
  return filter;
}

}  // namespace nerava::analytics::sqlite
