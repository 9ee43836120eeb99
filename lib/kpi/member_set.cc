#include "lib/kpi/member_set.h"

#include <algorithm>
#include <utility>

#include "lib/base/bits.h"
#include "lib/projection/user_set_format.h"

namespace nerava::analytics {

using roaring_format::Load;

absl::Status MemberSet::Add(std::string_view set) {
  if (set.empty()) return absl::OkStatus();
  if (set.front() == kListed) {
    return ReadList(set, [&](std::uint32_t user, std::int64_t) { Add(user); });
  }
  return ReadContainers(
      set,
      [&](std::uint32_t first, const char* values, std::size_t count) {
        AddSorted(first, values, count);
      },
      [&](std::uint32_t first, const char* bits) { AddBits(first, bits); });
}

void MemberSet::Add(MemberSet& other) {
  if (&other == this) return;
  other.Settle();
  if (MakeRoom(other.bits_.size(), other.bits_.size())) {
    for (std::size_t i = 0; i < other.bits_.size(); ++i) bits_[i] |= other.bits_[i];
    other.ForEachFrom(other.bits_.size(), [&](std::uint32_t user) { Add(user); });
  } else {
    other.ForEachFrom(0, [&](std::uint32_t user) { Add(user); });
  }
}

void MemberSet::AddSorted(std::uint32_t first, const char* values, std::size_t count) {
  const std::uint32_t last = first + Load<std::uint16_t>(values + 2 * (count - 1));
  if (!MakeRoom(last / 64 + 1, listed_.size() + count)) {
    for (std::size_t i = 0; i < count; ++i) Add(first + Load<std::uint16_t>(values + 2 * i));
    return;
  }
  std::uint64_t* const words = bits_.data() + first / 64;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = Load<std::uint16_t>(values + 2 * i);
    words[value / 64] |= std::uint64_t{1} << value % 64;
  }
}

// Of 65,536 users.
void MemberSet::AddBits(std::uint32_t first, const char* bits) {
  constexpr std::size_t kWords = roaring_format::kBitsBytes / sizeof(std::uint64_t);
  const std::size_t begin = first / 64;
  const auto word = [&](std::size_t i) {
    return Load<std::uint64_t>(bits + sizeof(std::uint64_t) * i);
  };
  if (MakeRoom(begin + kWords, listed_.size() + roaring_format::kMaxSorted)) {
    std::uint64_t* const words = bits_.data() + begin;
    for (std::size_t i = 0; i < kWords; ++i) words[i] |= word(i);
  } else {
    for (std::size_t i = 0; i < kWords; ++i) {
      ForEachBit(begin + i, word(i), [&](std::uint32_t user) { Add(user); });
    }
  }
}

// Whether there are so many words of bits; they are made if that is worth it for so many members.
bool MemberSet::MakeRoom(std::size_t words, std::size_t members) {
  if (words <= bits_.size()) return true;
  if (words > 2 * (bits_.size() + members)) return false;
  bits_.resize(words);
  settled_ = listed_.empty();
  return true;
}

void MemberSet::Settle() {
  if (settled_ || listed_.empty()) return;
  MakeRoom(*std::max_element(listed_.begin(), listed_.end()) / 64 + 1, listed_.size());
  std::erase_if(listed_, [&](std::uint32_t user) {
    const bool has_bit = user / 64 < bits_.size();
    if (has_bit) SetBit(user);
    return has_bit;
  });
  std::sort(listed_.begin(), listed_.end());
  listed_.erase(std::unique(listed_.begin(), listed_.end()), listed_.end());
  most_listed_ = std::max(kMostListed, 2 * listed_.size());
  settled_ = true;
}

std::uint64_t MemberSet::size() {
  Settle();
  return listed_.size() + CountBits(bits_.size(), [&](std::size_t i) { return bits_[i]; });
}

bool MemberSet::Contains(std::uint32_t user) {
  Settle();
  if (user / 64 < bits_.size()) return (bits_[user / 64] >> user % 64 & 1) != 0;
  return std::binary_search(listed_.begin(), listed_.end(), user);
}

std::uint64_t MemberSet::CommonWith(MemberSet& other) {
  Settle();
  other.Settle();
  const std::size_t words = std::min(bits_.size(), other.bits_.size());
  std::uint64_t common = CountBits(words, [&](std::size_t i) { return bits_[i] & other.bits_[i]; });
  const bool is_narrow = bits_.size() < other.bits_.size();
  MemberSet& narrow = is_narrow ? *this : other;
  MemberSet& wide = is_narrow ? other : *this;
  narrow.ForEachFrom(words, [&](std::uint32_t user) { common += wide.Contains(user) ? 1 : 0; });
  return common;
}

MemberSet MemberSet::Without(MemberSet& other) {
  Settle();
  other.Settle();
  MemberSet rest;
  const std::size_t words = std::min(bits_.size(), other.bits_.size());
  for (std::size_t i = 0; i < words; ++i) {
    ForEachBit(i, bits_[i] & ~other.bits_[i], [&](std::uint32_t user) { rest.Add(user); });
  }
  ForEachFrom(words, [&](std::uint32_t user) {
    if (!other.Contains(user)) rest.Add(user);
  });
  return rest;
}

}  // namespace nerava::analytics
