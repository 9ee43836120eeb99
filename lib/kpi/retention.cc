#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "lib/kpi/bucket_sums.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/calendar.h"
#include "lib/kpi/member_set.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "nerava/analytics/people.h"

namespace nerava::analytics {
namespace {

// The buckets, and the one before them.
struct Buckets {
  Period before;
  std::vector<Period> all;
};

absl::StatusOr<Buckets> CutWithOneBefore(const Period& period, Interval interval,
                                         const absl::TimeZone& zone) {
  auto buckets = CutByCalendar(period, interval, zone, Retention::kMaxBuckets);
  if (!buckets.ok()) return buckets.status();
  Buckets result{period, *std::move(buckets)};
  if (result.all.empty()) return result;
  const absl::Time begin = result.all.front().from;
  auto before = CutByCalendar({begin - absl::Microseconds(1), begin}, interval, zone, 1);
  if (!before.ok()) return before.status();
  result.before = before->front();
  return result;
}

absl::StatusOr<Retention> Retain(ReadTransaction& transaction, const RetentionQuery& query,
                                 const Period& period, const Buckets& buckets) {
  Retention retention{{period}, query.interval, query.time_zone, {}};
  if (buckets.all.empty()) return retention;
  Scanner scanner(transaction);
  auto first = scanner.First();
  if (!first.ok()) return first.status();

  // Everything before, the bucket before, and the buckets.
  const absl::Time begin = buckets.before.from;
  std::vector<absl::Time> bounds{std::min(first->value_or(begin), begin), begin,
                                 buckets.all.front().from};
  for (const Period& bucket : buckets.all) bounds.push_back(std::min(bucket.to, period.to));
  auto active = UsersByBucket(scanner, bounds, query.filter);
  if (!active.ok()) return active.status();
  retention.period.grain = CoarsestOf(scanner, bounds, query.filter);

  MemberSet& known = (*active)[0];
  known.Add((*active)[1]);
  std::vector<MemberSet> cohorts;
  for (std::size_t i = 0; i < buckets.all.size(); ++i) {
    MemberSet& users = (*active)[i + 2];
    MemberSet& users_before = (*active)[i + 1];
    cohorts.push_back(users.Without(known));
    RetentionBucket bucket;
    bucket.bucket = buckets.all[i];
    bucket.complete = bucket.bucket.to <= period.to;
    bucket.new_users = cohorts.back().size();
    bucket.returning_users = users.size() - bucket.new_users;
    bucket.lapsed_users = users_before.size() - users_before.CommonWith(users);
    known.Add(users);
    retention.buckets.push_back(std::move(bucket));
  }
  for (std::size_t i = 0; i < cohorts.size(); ++i) {
    for (std::size_t k = i; k < cohorts.size(); ++k) {
      retention.buckets[i].retained.push_back(cohorts[i].CommonWith((*active)[k + 2]));
    }
  }
  return retention;
}

}  // namespace

absl::StatusOr<Retention> KpiCalculator::GetRetention(const RetentionQuery& query) const {
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  if (query.interval == Interval::kHour) {
    return absl::InvalidArgumentError("retention is by day, week or month, not by hour");
  }
  auto zone = FindTimeZone(query.time_zone);
  if (!zone.ok()) return zone.status();
  auto buckets = CutWithOneBefore(*period, query.interval, *zone);
  if (!buckets.ok()) return buckets.status();
  return CachedRead<Retention>(
      *cache_, *store_,
      Question("retention")
          .Add(*period)
          .Add(query.filter)
          .Add(static_cast<std::int64_t>(query.interval))
          .Add(query.time_zone),
      [&](ReadTransaction& transaction) { return Retain(transaction, query, *period, *buckets); });
}

}  // namespace nerava::analytics
