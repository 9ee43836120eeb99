#include "lib/kpi/accumulator.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "lib/base/hash_map.h"
#include "lib/projection/checked_totals.h"

namespace nerava::analytics {
namespace {

// To check each sum would take longer than all the rest; so few cannot overflow, since a store's facts
// stay below 2^60.
constexpr std::size_t kMostRecent = 4;

// Of a day with very many users a set has 8 KiB and more.
constexpr std::size_t kMostSets = 128;
constexpr std::size_t kMostListed = 16'384;

// Sorts them, and leaves each once.
void Order(std::vector<std::uint32_t>* users) {
  if (users->empty()) return;
  const std::uint32_t most = *std::max_element(users->begin(), users->end());
  if (most / 64 > 4 * users->size()) {
    std::sort(users->begin(), users->end());
    users->erase(std::unique(users->begin(), users->end()), users->end());
    return;
  }
  // As bits, since numbers are given out from 1 on: many times quicker.
  std::vector<std::uint64_t> bits(most / 64 + 1);
  for (const std::uint32_t user : *users) bits[user / 64] |= std::uint64_t{1} << user % 64;
  users->clear();
  for (std::size_t i = 0; i < bits.size(); ++i) {
    for (std::uint64_t left = bits[i]; left != 0; left &= left - 1) {
      users->push_back(static_cast<std::uint32_t>(64 * i) +
                       static_cast<std::uint32_t>(std::countr_zero(left)));
    }
  }
}

}  // namespace

absl::Status Accumulator::Add(const AggregateRow& row) {
  auto listed = UserSet::AppendListed(row.users, &listed_);
  if (!listed.ok()) return listed.status();
  if (!*listed) {
    auto members = UserSet::ParseMembers(row.users);
    if (!members.ok()) return members.status();
    sets_.push_back(*std::move(members));
  }
  if (sets_.size() >= kMostSets || listed_.size() >= kMostListed) UniteSets();
  return AddChecked(row.totals, &totals_);
}

absl::Status Accumulator::Add(const Fact& fact, std::uint32_t user) {
  if (user != 0) {
    fact_users_.push_back(user);
    fact_user_sessions_.push_back(fact.user_sessions);
  }
  recent_ += fact.totals;
  return ++recent_count_ == kMostRecent ? Settle() : absl::OkStatus();
}

absl::Status Accumulator::Settle() {
  recent_count_ = 0;
  return AddChecked(std::exchange(recent_, {}), &totals_);
}

void Accumulator::UniteSets() {
  if (!sets_.empty()) users_.UniteMembers(sets_);
  sets_.clear();
  Order(&listed_);  // so that they are appended, not inserted
  users_.UniteMembers(listed_);
  listed_.clear();
}

void Accumulator::SettleUsers() {
  UniteSets();
  const bool only_more = std::all_of(fact_user_sessions_.begin(), fact_user_sessions_.end(),
                                     [](std::int64_t sessions) { return sessions > 0; });
  if (!only_more) {
    HashMap<std::uint32_t, std::int64_t> sums;
    for (std::size_t i = 0; i < fact_users_.size(); ++i) {
      sums[fact_users_[i]] += fact_user_sessions_[i];
    }
    std::erase_if(fact_users_, [&](std::uint32_t user) { return sums[user] <= 0; });
  }
  users_.UniteMembers(fact_users_);
  fact_users_.clear();
  fact_user_sessions_.clear();
}

absl::StatusOr<Totals> Accumulator::Total() {
  if (absl::Status settled = Settle(); !settled.ok()) return settled;
  return totals_;
}

UserSet Accumulator::TakeUsers() {
  SettleUsers();
  return std::move(users_);
}

absl::StatusOr<KpiSummary> Accumulator::Sum(const AnsweredPeriod& period) {
  if (absl::Status settled = Settle(); !settled.ok()) return settled;
  SettleUsers();
  KpiSummary summary;
  summary.period = period;
  summary.totals = totals_;
  summary.unique_users = users_.size();
  return summary;
}

absl::Status Accumulator::Add(Accumulator& other) {
  if (absl::Status settled = other.Settle(); !settled.ok()) return settled;
  other.SettleUsers();
  users_.UniteMembers(other.users_);
  return AddChecked(other.totals_, &totals_);
}

}  // namespace nerava::analytics
