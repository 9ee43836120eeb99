// Adds up what makes a KpiSummary: rows of aggregates, and facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/kpi/member_set.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/kpi.h"

namespace nerava::analytics {

class Accumulator {
 public:
  absl::Status Add(const AggregateRow& row);
  // `user` as in AggregateTable::Facts.
  absl::Status Add(const Fact& fact, std::uint32_t user);

  // All that was added.
  absl::StatusOr<KpiSummary> Sum(const AnsweredPeriod& period);
  absl::StatusOr<Totals> Total();
  // The users of what was added; the last call.
  MemberSet TakeUsers();
  // Adds what the other has.
  absl::Status Add(Accumulator& other);

 private:
  absl::Status Settle();
  void SettleUsers();

  Totals totals_;
  MemberSet users_;
  // Facts since Settle, and those of users since SettleUsers, of which one may take back what another
  // one says.
  Totals recent_;
  std::size_t recent_count_ = 0;
  std::vector<std::uint32_t> fact_users_;
  std::vector<std::int64_t> fact_user_sessions_;
};

}  // namespace nerava::analytics
