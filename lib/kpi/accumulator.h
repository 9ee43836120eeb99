// Adds up what makes a KpiSummary: rows of aggregates, and facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/user_set.h"

namespace nerava::analytics {

class Accumulator {
 public:
  absl::Status Add(const AggregateRow& row);
  // `user` as in AggregateTable::Facts.
  absl::Status Add(const Fact& fact, std::uint32_t user);

  // Makes one of the sets that were added so far, to free what they take.
  void UniteSets();

  // All that was added.
  absl::StatusOr<KpiSummary> Sum(const AnsweredPeriod& period);
  absl::StatusOr<Totals> Total();
  // The users of what was added; the last call.
  UserSet TakeUsers();
  // Adds what the other has.
  absl::Status Add(Accumulator& other);

 private:
  absl::Status Settle();
  void SettleUsers();

  Totals totals_;
  UserSet users_;
  std::vector<UserSet> sets_;          // that are to be united with them
  std::vector<std::uint32_t> listed_;  // the same, with repeats
  // Facts since Settle, and those of users since SettleUsers, of which one may take back what another
  // one says.
  Totals recent_;
  std::size_t recent_count_ = 0;
  std::vector<std::uint32_t> fact_users_;
  std::vector<std::int64_t> fact_user_sessions_;
};

}  // namespace nerava::analytics
