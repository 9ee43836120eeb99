#include "lib/watch/operation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace nerava::analytics {
namespace {

constexpr std::array<std::string_view, 4> kNames{"error_rate", "nothing_written", "kpi_failures",
                                                 "store_unreachable"};

Watch Above(std::string_view name, std::string_view what, double threshold) {
  Watch watch;
  watch.name = name;
  watch.kpi = what;
  watch.threshold = threshold;
  return watch;
}

}  // namespace

bool Operation::IsName(const std::string& name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::vector<std::pair<Watch, Readings>> Operation::Look(const OperationCounts& counts,
                                                        absl::Time now) {
  // A clock that was set back begins anew. So does who looks too seldom to tell what is new.
  const absl::Duration oldest =
      2 * std::max(options_.window, options_.interval < absl::InfiniteDuration()
                                        ? options_.interval
                                        : absl::ZeroDuration());
  if (looks_.empty() || looks_.back().first > now || looks_.back().first < now - oldest) {
    Begin(counts, now);
  }
  while (looks_.size() > 1 && looks_[1].first <= now - options_.window) looks_.pop_front();
  const OperationCounts& before = looks_.front().second;
  const auto since = [&](std::uint64_t OperationCounts::*count) {
    return static_cast<std::int64_t>(counts.*count) - static_cast<std::int64_t>(before.*count);
  };
  const std::int64_t events = since(&OperationCounts::events);
  Reading errors{{}, events, counts.last_error};
  if (events > 0) {
    const double share =
        static_cast<double>(since(&OperationCounts::lost)) / static_cast<double>(events);
    errors.value = std::round(share * 1e4) / 100;
  }
  const auto failures = static_cast<double>(since(&OperationCounts::kpi_failures));
  // There may be hundreds a second: the last one stands for those shortly before.
  constexpr int kLooksAWindow = 300;
  if (looks_.size() > 1 &&
      now - looks_[looks_.size() - 2].first < options_.window / kLooksAWindow) {
    looks_.pop_back();
  }
  looks_.emplace_back(now, counts);

  Watch error_rate = Above(kNames[0], "percent of events not stored", options_.error_rate);
  error_rate.min_sample = options_.error_sample;
  const double patience = absl::ToDoubleSeconds(options_.window + flush_interval_);
  return {{error_rate, {{"", errors}}},
          {Above(kNames[1], "seconds an accepted event waits", patience),
           {{"", {absl::ToDoubleSeconds(counts.oldest_pending), 1, counts.last_error}}}},
          {Above(kNames[2], "KPIs not computed", 0), {{"", {failures, 1}}}}};
}

std::pair<Watch, Readings> Operation::LookAtStore(const absl::Status& readable) {
  return {Above(kNames[3], "store cannot be read", 0),
          {{"", {readable.ok() ? 0.0 : 1.0, 1, std::string(readable.message())}}}};
}

}  // namespace nerava::analytics
