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

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

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

  std::uint64_t size() const;
  bool empty() const { return size() == 0; }
  bool Contains(std::uint32_t user) const;
  std::int64_t CountOf(std::uint32_t user) const;

  // In ascending order.
  void ForEach(absl::FunctionRef<void(std::uint32_t user)> sink) const;
  void ForEachCount(absl::FunctionRef<void(std::uint32_t user, std::int64_t sessions)> sink) const;

  std::string Serialize() const;
  // DataLoss when the bytes are no UserSet.
  static absl::StatusOr<UserSet> Parse(std::string_view bytes);
  // Only the members, without reading the counts of many.
  static absl::StatusOr<UserSet> ParseMembers(std::string_view bytes);

 private:
  struct Bitmaps;
  std::unique_ptr<Bitmaps> bitmaps_;
};

}  // namespace nerava::analytics
