// Who is in one or more stored user sets, without their counts: what KPIs over months spend their time on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace nerava::analytics {

// Few users are listed. Of many there is a bit for everybody up to the largest number: numbers are given out
// from 1 on, and to set bits is several times as quick as to unite Roaring bitmaps. One thread at a time, also to
// read: that puts in order what was added.
class MemberSet {
 public:
  void Add(std::uint32_t user) {
    if (user / 64 < bits_.size()) {
      SetBit(user);
      return;
    }
    listed_.push_back(user);
    settled_ = false;
    if (listed_.size() >= most_listed_) Settle();
  }
  // Every member of a UserSet, serialized; DataLoss when the bytes are none.
  absl::Status Add(std::string_view set);
  void Add(MemberSet& other);

  std::uint64_t size();
  bool Contains(std::uint32_t user);
  // How many are members of both.
  std::uint64_t CommonWith(MemberSet& other);
  // The members that `other` does not have.
  MemberSet Without(MemberSet& other);

  // In ascending order.
  template <typename Sink>
  void ForEach(Sink sink) {
    Settle();
    ForEachFrom(0, sink);
  }

 private:
  static constexpr std::size_t kMostListed = 1024;

  void SetBit(std::uint32_t user) { bits_[user / 64] |= std::uint64_t{1} << user % 64; }
  void AddSorted(std::uint32_t first, const char* values, std::size_t count);
  void AddBits(std::uint32_t first, const char* bits);
  bool MakeRoom(std::size_t words, std::size_t members);
  // Sets the bits of those that are listed, or orders them: for whoever reads.
  void Settle();

  // The users whose bits are set in one word.
  template <typename Sink>
  static void ForEachBit(std::size_t word, std::uint64_t bits, Sink sink) {
    for (; bits != 0; bits &= bits - 1) {
      sink(static_cast<std::uint32_t>(64 * word) +
           static_cast<std::uint32_t>(std::countr_zero(bits)));
    }
  }

  // Of users from 64 * word on.
  template <typename Sink>
  void ForEachFrom(std::size_t word, Sink sink) const {
    for (std::size_t i = word; i < bits_.size(); ++i) ForEachBit(i, bits_[i], sink);
    for (const std::uint32_t user : listed_) {
      if (user / 64 >= word) sink(user);
    }
  }

  std::vector<std::uint64_t> bits_;
  std::vector<std::uint32_t> listed_;  // if settled those beyond the bits, in order, each once
  bool settled_ = true;
  std::size_t most_listed_ = kMostListed;
};

}  // namespace nerava::analytics
