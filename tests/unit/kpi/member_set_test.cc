#include "lib/kpi/member_set.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "nerava/analytics/user_set.h"

namespace nerava::analytics {
namespace {

using Reference = std::set<std::uint32_t>;

// Users as they are in a store of so many, or anywhere.
class Users {
 public:
  explicit Users(unsigned seed) : random_(seed) {
    constexpr std::uint32_t kMost[] = {100, 5'000, 70'000, 400'000, 4'294'967'295};
    most_ = kMost[random_() % std::size(kMost)];
  }

  std::uint32_t One() { return static_cast<std::uint32_t>(random_() % most_ + 1); }
  // Listed, sorted or as bits.
  std::vector<std::uint32_t> Some() {
    constexpr std::size_t kCounts[] = {1, 50, 300, 3'000, 9'000};
    std::vector<std::uint32_t> some(kCounts[random_() % std::size(kCounts)]);
    std::generate(some.begin(), some.end(), [this] { return One(); });
    return some;
  }
  std::size_t Below(std::size_t limit) { return random_() % limit; }

 private:
  std::mt19937_64 random_;
  std::uint32_t most_;
};

std::string Stored(const std::vector<std::uint32_t>& users) {
  UserSet set;
  for (const std::uint32_t user : users) set.Add(user, 1);
  return set.Serialize();
}

std::vector<std::uint32_t> MembersOf(MemberSet& set) {
  std::vector<std::uint32_t> members;
  set.ForEach([&](std::uint32_t user) { members.push_back(user); });
  return members;
}

TEST_CASE("members added in any way are those of an ordinary set") {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    Users users(seed);
    std::vector<MemberSet> sets(3);
    std::vector<Reference> expected(3);
    for (int step = 0; step < 8; ++step) {
      const std::size_t i = users.Below(3);
      switch (users.Below(4)) {
        case 0:
          for (const std::uint32_t user : users.Some()) {
            sets[i].Add(user);
            expected[i].insert(user);
          }
          break;
        case 1: {
          const std::size_t other = users.Below(3);
          sets[i].Add(sets[other]);
          expected[i].insert(expected[other].begin(), expected[other].end());
          break;
        }
        default: {
          const auto some = users.Some();
          REQUIRE(sets[i].Add(Stored(some)).ok());
          expected[i].insert(some.begin(), some.end());
        }
      }
      if (users.Below(2) == 0) REQUIRE(sets[i].size() == expected[i].size());
    }
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(MembersOf(sets[i]) == std::vector(expected[i].begin(), expected[i].end()));
      const std::uint32_t one = users.One();
      REQUIRE(sets[i].Contains(one) == expected[i].contains(one));
      for (std::size_t k = 0; k < 3; ++k) {
        std::vector<std::uint32_t> common;
        std::set_intersection(expected[i].begin(), expected[i].end(), expected[k].begin(),
                              expected[k].end(), std::back_inserter(common));
        REQUIRE(sets[i].CommonWith(sets[k]) == common.size());
        std::vector<std::uint32_t> alone;
        std::set_difference(expected[i].begin(), expected[i].end(), expected[k].begin(),
                            expected[k].end(), std::back_inserter(alone));
        MemberSet rest = sets[i].Without(sets[k]);
        REQUIRE(MembersOf(rest) == alone);
      }
    }
  }
}

TEST_CASE("a set that is damaged is refused") {
  MemberSet set;
  CHECK(set.Add("").ok());
  const std::string bytes = Stored(std::vector<std::uint32_t>{5, 6});
  CHECK(set.Add(bytes.substr(0, bytes.size() - 1)).code() == absl::StatusCode::kDataLoss);
  CHECK(set.Add("nonsense").code() == absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace nerava::analytics
