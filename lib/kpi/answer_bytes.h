// About how much memory an answer takes, for the bound of the cache.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nerava/analytics/funnel.h"
#include "nerava/analytics/load.h"
#include "nerava/analytics/people.h"
#include "nerava/analytics/report.h"

namespace nerava::analytics {

template <typename Item>
std::size_t BytesOf(const std::vector<Item>& items) {
  return items.capacity() * sizeof(Item);
}
// Of rows that have a name, with room for it.
template <typename Row>
std::size_t BytesOfNamed(const std::vector<Row>& rows, std::string Row::*name) {
  std::size_t bytes = BytesOf(rows);
  for (const Row& row : rows) bytes += (row.*name).capacity();
  return bytes;
}

inline std::size_t BytesOf(const Trend& trend) { return sizeof(trend) + BytesOf(trend.buckets); }
inline std::size_t BytesOf(const Breakdown& breakdown) {
  return sizeof(breakdown) + BytesOfNamed(breakdown.rows, &BreakdownRow::name);
}
inline std::size_t BytesOf(const Comparison& comparison) { return sizeof(comparison); }
inline std::size_t BytesOf(const Funnel& funnel) { return sizeof(funnel); }
inline std::size_t BytesOf(const FunnelBreakdown& breakdown) {
  return sizeof(breakdown) + BytesOfNamed(breakdown.rows, &FunnelRow::name);
}
inline std::size_t BytesOf(const Load& load) { return sizeof(load); }
inline std::size_t BytesOf(const LoadBreakdown& breakdown) {
  return sizeof(breakdown) + BytesOfNamed(breakdown.rows, &LoadRow::name);
}
inline std::size_t BytesOf(const SessionSizes& sizes) {
  return sizeof(sizes) + BytesOf(sizes.length_minutes.bins) + BytesOf(sizes.energy_kwh.bins);
}
inline std::size_t BytesOf(const ActiveUsers& users) { return sizeof(users); }
inline std::size_t BytesOf(const Streaks& streaks) {
  return sizeof(streaks) + BytesOf(streaks.counts) +
         BytesOfNamed(streaks.leaders, &StreakLeader::user_id);
}
inline std::size_t BytesOf(const Retention& retention) {
  std::size_t bytes = sizeof(retention) + BytesOf(retention.buckets);
  for (const RetentionBucket& bucket : retention.buckets) bytes += BytesOf(bucket.retained);
  return bytes;
}
inline std::size_t BytesOf(const SessionsPerUser& users) {
  return sizeof(users) + BytesOf(users.counts);
}
inline std::size_t BytesOf(const UserSummary& user) {
  return sizeof(user) + BytesOfNamed(user.hubs, &UserSummary::Hub::hub_id);
}

}  // namespace nerava::analytics
