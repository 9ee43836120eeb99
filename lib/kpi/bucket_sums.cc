#include "lib/kpi/bucket_sums.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace nerava::analytics {

absl::StatusOr<std::vector<Accumulator>> SumByBucket(Scanner& scanner,
                                                     absl::Span<const absl::Time> bounds,
                                                     const KpiFilter& filter) {
  std::vector<Accumulator> sums(bounds.size() - 1);
  absl::Status read = scanner.Scan(
      bounds, filter, Detail::kRegion,
      [&](std::size_t i, const AggregateRow& row) { return sums[i].Add(row); },
      [&](std::size_t i, const Fact& fact, std::uint32_t user) { return sums[i].Add(fact, user); });
  if (!read.ok()) return read;
  return sums;
}

absl::StatusOr<std::vector<MemberSet>> UsersByBucket(Scanner& scanner,
                                                     absl::Span<const absl::Time> bounds,
                                                     const KpiFilter& filter) {
  auto sums = SumByBucket(scanner, bounds, filter);
  if (!sums.ok()) return sums.status();
  std::vector<MemberSet> users;
  users.reserve(sums->size());
  for (Accumulator& sum : *sums) users.push_back(sum.TakeUsers());
  return users;
}

AnswerGrain CoarsestOf(const Scanner& scanner, absl::Span<const absl::Time> bounds,
                       const KpiFilter& filter) {
  AnswerGrain coarsest = AnswerGrain::kExact;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    coarsest =
        std::max(coarsest, scanner.GrainOf({bounds[i], bounds[i + 1]}, filter, Detail::kRegion));
  }
  return coarsest;
}

}  // namespace nerava::analytics
