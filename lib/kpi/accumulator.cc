#include "lib/kpi/accumulator.h"

#include <algorithm>
#include <utility>

#include "lib/base/hash_map.h"
#include "lib/projection/checked_totals.h"

namespace nerava::analytics {
namespace {

// To check each sum would take longer than all the rest; so few cannot overflow, since a store's facts
// stay below 2^60.
constexpr std::size_t kMostRecent = 4;

}  // namespace

absl::Status Accumulator::Add(const AggregateRow& row) {
  if (absl::Status read = users_.Add(row.users); !read.ok()) return read;
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

void Accumulator::SettleUsers() {
  const bool only_more = std::all_of(fact_user_sessions_.begin(), fact_user_sessions_.end(),
                                     [](std::int64_t sessions) { return sessions > 0; });
  if (!only_more) {
    HashMap<std::uint32_t, std::int64_t> sums;
    for (std::size_t i = 0; i < fact_users_.size(); ++i) {
      sums[fact_users_[i]] += fact_user_sessions_[i];
    }
    std::erase_if(fact_users_, [&](std::uint32_t user) { return sums[user] <= 0; });
  }
  for (const std::uint32_t user : fact_users_) users_.Add(user);
  fact_users_.clear();
  fact_user_sessions_.clear();
}

absl::StatusOr<Totals> Accumulator::Total() {
  if (absl::Status settled = Settle(); !settled.ok()) return settled;
  return totals_;
}

MemberSet Accumulator::TakeUsers() {
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
  users_.Add(other.users_);
  return AddChecked(other.totals_, &totals_);
}

}  // namespace nerava::analytics
