#include "lib/kpi/users_by_bucket.h"

#include <utility>

#include "lib/kpi/accumulator.h"

namespace nerava::analytics {

absl::StatusOr<std::vector<UserSet>> UsersByBucket(Scanner& scanner,
                                                   absl::Span<const absl::Time> bounds,
                                                   const KpiFilter& filter) {
  std::vector<Accumulator> sums(bounds.size() - 1);
  absl::Status read = scanner.Scan(
      bounds, filter, Detail::kRegion,
      [&](std::size_t i, const AggregateRow& row) { return sums[i].Add(row); },
      [&](std::size_t i, const Fact& fact, std::uint32_t user) { return sums[i].Add(fact, user); });
  if (!read.ok()) return read;
  std::vector<UserSet> users;
  users.reserve(sums.size());
  for (Accumulator& sum : sums) users.push_back(sum.TakeUsers());
  return users;
}

}  // namespace nerava::analytics
