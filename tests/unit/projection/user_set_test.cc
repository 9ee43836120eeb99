#include "nerava/analytics/user_set.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <utility>

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

// Arrays, a container of bits and digits.
std::string ManyKinds() {
  UserSet set;
  for (std::uint32_t user = 0; user < 10'000; user += 2) set.Add(user, 1);
  for (std::uint32_t user = 70'000; user < 70'020; ++user) set.Add(user, user - 69'999);
  return set.Serialize();
}

TEST_CASE("a set with any byte changed is refused, or is another whole set") {
  const std::string bytes = ManyKinds();
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << i % 8));
    auto set = UserSet::Parse(damaged);
    if (!set.ok()) {
      ++refused;
      CHECK(set.status().code() == absl::StatusCode::kDataLoss);
      continue;
    }
    REQUIRE(set->Serialize() == damaged);
    for (const std::uint32_t user : {0U, 2U, 70'000U, 4'000'000'000U}) {
      const std::int64_t count = set->CountOf(user);
      set->Add(user, 1);
      REQUIRE(set->CountOf(user) == count + 1);
    }
  }
  CHECK(refused > 8192);  // every bit of the bits is in the cardinality
}

TEST_CASE("a set with any part cut off or any number of bytes added is refused") {
  const std::string bytes = ManyKinds();
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto set = UserSet::Parse(bytes.substr(0, size));
    // Between two of its bitmaps it is another set.
    if (set.ok()) REQUIRE(set->Serialize() == bytes.substr(0, size));
  }
  for (std::size_t size = 1; size < 8; ++size) {
    CHECK_FALSE(UserSet::Parse(bytes + std::string(size, '\0')).ok());
  }
}

TEST_CASE("bits that are more than their container says are refused") {
  // Taking one out made an array of 4,096 for the 5,000 that there are.
  std::string bytes = ManyKinds();
  bytes[10] = static_cast<char>(4096 & 0xff);  // the first container's cardinality, less one
  bytes[11] = static_cast<char>(4096 >> 8);
  CHECK(UserSet::Parse(bytes).status().code() == absl::StatusCode::kDataLoss);
  CHECK(UserSet::ParseMembers(bytes).status().code() == absl::StatusCode::kDataLoss);
}

// Too many to be listed.
UserSet Many() {
  UserSet set;
  for (std::uint32_t user = 1; user <= 80; ++user) set.Add(user, 1);
  return set;
}

TEST_CASE("an array that is not sorted is refused, and so are keys that are not") {
  UserSet set = Many();
  set.Add(70'000, 1);
  const std::string bytes = set.Serialize();
  // The header, two keys and cardinalities, two offsets; then 80 members and one.
  REQUIRE(bytes.size() == 8 + 8 + 8 + 160 + 2);
  for (const auto& [at, byte] : {std::pair<std::size_t, char>{24, 2}, {24, 3}, {12, 0}}) {
    INFO(at);
    std::string damaged = bytes;
    damaged[at] = byte;
    CHECK(UserSet::Parse(damaged).status().code() == absl::StatusCode::kDataLoss);
  }
}

TEST_CASE("a few users take a few bytes, and are read as they were") {
  UserSet set;
  for (const std::uint32_t user : {5U, 6U, 300U, 4'294'967'295U}) set.Add(user, user % 7 + 1);
  const std::string bytes = set.Serialize();
  CHECK(bytes.size() == 1 + 2 + 2 + 3 + 6);
  const auto back = UserSet::Parse(bytes);
  REQUIRE(back.ok());
  CHECK(back->size() == 4);
  CHECK(back->CountOf(300) == 300 % 7 + 1);
  CHECK(back->Serialize() == bytes);
  std::int64_t sessions = 0;
  back->ForEachCount([&](std::uint32_t, std::int64_t count) { sessions += count; });
  CHECK(sessions == 6 + 7 + 7 + 4);
  const auto members = UserSet::ParseMembers(bytes);
  REQUIRE(members.ok());
  CHECK(members->size() == 4);
}

TEST_CASE("a list that no set makes is refused") {
  const std::string bytes =
      GENERATE(std::string("\x01\x05"), std::string("\x01\x05\x80"),
               std::string("\x01\x05\0\0\0", 5),                         // the same user again
               std::string("\x01\xff\xff\xff\xff\x0f\0\x01\0", 9),       // above 32 bits
               std::string("\x01\x05\xff\xff\xff\xff\xff\xff\xff\x7f"),  // a count above any
               std::string("\x02"));
  INFO(bytes.size());
  CHECK(UserSet::Parse(bytes).status().code() == absl::StatusCode::kDataLoss);
  CHECK(UserSet::ParseMembers(bytes).status().code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("run containers, which are never written, are refused") {
  // All of 0 to 65,535 in a few bytes: many such would take a lot of memory.
  const std::string bytes("\x3b\x30\0\0\x01\0\0\xff\xff\x01\0\0\0\xff\xff", 15);
  CHECK(UserSet::Parse(bytes).status().code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("a set with more digits than a count can have is refused") {
  std::string bytes = Many().Serialize();
  const std::string empty("\x3a\x30\0\0\0\0\0\0", 8);
  for (int i = 0; i < 30; ++i) bytes += empty;
  CHECK(UserSet::Parse(bytes).ok());
  CHECK(UserSet::Parse(bytes + empty).status().code() == absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace nerava::analytics
