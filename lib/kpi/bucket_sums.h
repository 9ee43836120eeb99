// The sums of each of many buckets.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/kpi/accumulator.h"
#include "lib/kpi/member_set.h"
#include "lib/kpi/scan.h"

namespace nerava::analytics {

// Bucket i is [bounds[i], bounds[i + 1]), and may be empty.
absl::StatusOr<std::vector<Accumulator>> SumByBucket(Scanner& scanner,
                                                     absl::Span<const absl::Time> bounds,
                                                     const KpiFilter& filter);

// Only their users.
absl::StatusOr<std::vector<MemberSet>> UsersByBucket(Scanner& scanner,
                                                     absl::Span<const absl::Time> bounds,
                                                     const KpiFilter& filter);

// How exactly they are told, the coarsest of them.
AnswerGrain CoarsestOf(const Scanner& scanner, absl::Span<const absl::Time> bounds,
                       const KpiFilter& filter);

}  // namespace nerava::analytics
