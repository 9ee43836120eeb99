#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/kpi/cache.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "lib/kpi/weighted_values.h"
#include "lib/projection/checked_totals.h"
#include "nerava/analytics/load.h"
#include "nerava/analytics/money.h"

namespace nerava::analytics {
namespace {

// `per_unit` of the values make one of what is shown.
Sizes SizesOf(WeightedValues& values, std::int64_t bin, std::int64_t per_unit) {
  const auto shown = [&](std::int64_t value) { return RoundedRatio(value, per_unit); };
  Sizes sizes;
  sizes.sessions = values.count();
  sizes.p10 = shown(values.Percentile(10).value_or(0));
  sizes.median = shown(values.Percentile(50).value_or(0));
  sizes.p90 = shown(values.Percentile(90).value_or(0));
  sizes.max = shown(values.Percentile(100).value_or(0));
  sizes.bin = static_cast<double>(bin) / static_cast<double>(per_unit);
  for (const auto& [value, count] : values.Sorted()) {
    const auto at = std::min(static_cast<std::size_t>(value / bin), Sizes::kMaxBins - 1);
    if (at >= sizes.bins.size()) sizes.bins.resize(at + 1);
    sizes.bins[at] += count;
  }
  return sizes;
}

}  // namespace

absl::StatusOr<SessionSizes> KpiCalculator::GetSessionSizes(const SizesQuery& query) const {
  constexpr std::int64_t kMicrosPerMinute = 60'000'000;
  constexpr std::int64_t kMwhPerKwh = 1'000'000;
  constexpr std::int64_t kLeastEnergy = 1'000;
  constexpr std::int64_t kMostEnergy = 1'000'000'000;
  auto period = CheckedPeriod(query.period);
  if (!period.ok()) return period.status();
  if (query.length_bin < absl::Seconds(1) || query.length_bin > 7 * absl::Hours(24)) {
    return absl::InvalidArgumentError(
        fmt::format("length_bin is {}; it must be from 1 second to 7 days",
                    absl::FormatDuration(query.length_bin)));
  }
  if (query.energy_bin_mwh < kLeastEnergy || query.energy_bin_mwh > kMostEnergy) {
    return absl::InvalidArgumentError(
        fmt::format("energy_bin_mwh is {}; it must be from {} to {} milliwatt-hours",
                    query.energy_bin_mwh, kLeastEnergy, kMostEnergy));
  }
  return CachedRead<SessionSizes>(
      *cache_, *store_,
      Question("sizes")
          .Add(*period)
          .Add(query.filter)
          .Add(absl::ToInt64Microseconds(query.length_bin))
          .Add(query.energy_bin_mwh),
      [&](ReadTransaction& transaction) -> absl::StatusOr<SessionSizes> {
        WeightedValues lengths;
        WeightedValues energies;
        Totals all;
        Scanner scanner(transaction);
        absl::Status read =
            scanner.Facts(*period, query.filter, [&](const Fact& fact, std::uint32_t) {
              const Totals& totals = fact.totals;
              if (absl::Status added = AddChecked(totals, &all); !added.ok()) return added;
              if (fact.time_to_stop) {
                lengths.Add(absl::ToInt64Microseconds(*fact.time_to_stop),
                            totals.sessions_completed);
              }
              if (totals.total_sessions != 0 && totals.energy_mwh != 0) {
                energies.Add(totals.energy_mwh / totals.total_sessions, totals.total_sessions);
              }
              return absl::OkStatus();
            });
        if (!read.ok()) return read;
        return SessionSizes{
            scanner.Answered(*period, query.filter, Detail::kSession),
            SizesOf(lengths, absl::ToInt64Microseconds(query.length_bin), kMicrosPerMinute),
            SizesOf(energies, query.energy_bin_mwh, kMwhPerKwh)};
      });
}

}  // namespace nerava::analytics
