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

  // What the other has, too; it is used up.
  absl::Status Merge(Accumulator other);

  const Totals& totals() const { return totals_; }

  absl::StatusOr<KpiSummary> Finish(const Period& period) &&;

 private:
  absl::Status Settle();

  Totals totals_;
  UserSet users_;
  // Facts since Settle.
  Totals recent_;
  std::size_t recent_count_ = 0;
  // Of facts: one may take back what another one says.
  std::vector<std::uint32_t> fact_users_;
  std::vector<std::int64_t> fact_user_sessions_;
};

}  // namespace nerava::analytics
