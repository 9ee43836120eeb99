#include <cstdio>

#include "nerava/analytics/analytics.h"

namespace na = nerava::analytics;

int main() {
  na::Options options;
  options.database_url = "memory:";
  auto pipeline = na::Pipeline::Open(options);
  if (!pipeline.ok()) return 1;
  na::ChargeStarted start;
  start.session_id = "s1";
  na::ChargeStopped stop;
  stop.session_id = "s1";
  if (!(*pipeline)->Publish(start).ok() || !(*pipeline)->Publish(stop).ok()) return 1;
  if ((*pipeline)->Flush() != 0) return 1;
  const na::KpiCalculator& kpis = (*pipeline)->kpis();
  na::KpiQuery query{{absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000)}, {}};
  const auto funnel = kpis.GetConversionFunnel(query);
  if (!funnel.ok()) return 1;
  std::printf("%d session, completion %.0f %%\n", static_cast<int>(funnel->sessions_started),
              funnel->completion_rate);
}
