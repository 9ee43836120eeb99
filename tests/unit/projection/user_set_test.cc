#include "nerava/analytics/user_set.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace nerava::analytics {
namespace {

TEST_CASE("a user stays a member until as many sessions are taken out as were put in") {
  UserSet set;
  set.Add(7, 1);
  set.Add(7, 2);
  CHECK(set.size() == 1);
  CHECK(set.CountOf(7) == 3);
  set.Add(7, -2);
  CHECK(set.Contains(7));
  set.Add(7, -1);
  CHECK_FALSE(set.Contains(7));
  CHECK(set.empty());
}

TEST_CASE("a count never falls below zero") {
  UserSet set;
  set.Add(7, -5);
  CHECK(set.empty());
  set.Add(7, 1);
  CHECK(set.CountOf(7) == 1);
}

TEST_CASE("any sequence of additions and removals counts like a map, also after it was stored") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    UserSet set;
    std::map<std::uint32_t, std::int64_t> reference;
    for (int step = 0; step < 300; ++step) {
      const auto user = static_cast<std::uint32_t>(random() % 20 * 70'000);
      const std::int64_t sessions = static_cast<std::int64_t>(random() % 9) - 4;
      set.Add(user, sessions);
      reference[user] = std::max<std::int64_t>(0, reference[user] + sessions);
      if (step % 50 == 0) {
        auto back = UserSet::Parse(set.Serialize());
        REQUIRE(back.ok());
        set = *std::move(back);
      }
    }
    std::uint64_t members = 0;
    for (const auto& [user, count] : reference) {
      REQUIRE(set.CountOf(user) == count);
      members += count > 0 ? 1 : 0;
    }
    REQUIRE(set.size() == members);
  }
}

TEST_CASE("a union has every member once") {
  UserSet one;
  one.Add(1, 3);
  one.Add(2, 1);
  UserSet other;
  other.Add(2, 5);
  other.Add(100'000, 1);
  auto members = UserSet::ParseMembers(other.Serialize());
  REQUIRE(members.ok());
  one.UniteMembers(*members);
  CHECK(one.size() == 3);
  CHECK(one.Contains(100'000));
}

TEST_CASE("damaged bytes are refused") {
  UserSet set;
  set.Add(1, 2);
  set.Add(70'000, 1);
  const std::string bytes = set.Serialize();
  CHECK(UserSet::Parse("").ok());
  CHECK(UserSet::Parse("nonsense").status().code() == absl::StatusCode::kDataLoss);
  CHECK(UserSet::Parse(bytes.substr(0, bytes.size() - 1)).status().code() ==
        absl::StatusCode::kDataLoss);
  CHECK(UserSet::Parse(bytes + "x").status().code() == absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace nerava::analytics
