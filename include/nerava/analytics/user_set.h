// An exact set of users, by their numbers in a store, from which sessions can also be taken out
// again: it counts, for each user, how many sessions put it there.
//
// Stored form: see docs/storage.md. Few users are listed. Of many, users with one session cost about
// what a Roaring bitmap costs; counts above one live in further, mostly empty bitmaps, one a binary
// digit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace nerava::analytics {

// A plain value. Concurrent reads are safe.
class UserSet {
 public:
  UserSet();
  UserSet(const UserSet&);
  UserSet(UserSet&&) noexcept;
  UserSet& operator=(const UserSet&);
  UserSet& operator=(UserSet&&) noexcept;
  ~UserSet();

  // Adds `sessions` to the user's count, or takes them away when negative. A count that would fall
  // below zero becomes zero: the user is then no member.
  void Add(std::uint32_t user, std::int64_t sessions);

  // Makes each of them a member, as UniteMembers does; in any order.
  void UniteMembers(absl::Span<const std::uint32_t> users);
  // Makes every member of `other`, or of any of `others`, a member; large sets are united much quicker
  // many at once. Counts are not taken over: the result answers size() and Contains(), further Add()s
  // on it mean nothing.
  void UniteMembers(const UserSet& other);
  void UniteMembers(absl::Span<const UserSet> others);

  std::uint64_t size() const;
  bool empty() const { return size() == 0; }
  bool Contains(std::uint32_t user) const;
  std::int64_t CountOf(std::uint32_t user) const;

  // How many are members of both.
  std::uint64_t CommonWith(const UserSet& other) const;
  // The members that `other` does not have, each counted once.
  UserSet Without(const UserSet& other) const;

  // In ascending order.
  void ForEach(absl::FunctionRef<void(std::uint32_t user)> sink) const;
  void ForEachCount(absl::FunctionRef<void(std::uint32_t user, std::int64_t sessions)> sink) const;

  std::string Serialize() const;
  // DataLoss when the bytes are no UserSet.
  static absl::StatusOr<UserSet> Parse(std::string_view bytes);
  // Only the members, without reading the counts: for UniteMembers.
  static absl::StatusOr<UserSet> ParseMembers(std::string_view bytes);
  // Appends the members of a set that is stored as a list, and nothing, with false, of one that is
  // not: quicker than to make a set of a few.
  static absl::StatusOr<bool> AppendListed(std::string_view bytes,
                                           std::vector<std::uint32_t>* users);

 private:
  struct Bitmaps;
  std::unique_ptr<Bitmaps> bitmaps_;
};

}  // namespace nerava::analytics
