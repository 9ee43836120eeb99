#include "lib/pipeline/housekeeping.h"

#include "lib/kpi/cache.h"

namespace nerava::analytics {

absl::Duration Housekeeping::Run(absl::Time now, Report report) {
  if (!warm_days_.empty()) Warm(now);
  watcher_->Nudge();
  return retention_->Run(now, report);
}

// What fails here is computed, or fails, when somebody asks.
void Housekeeping::Warm(absl::Time now) {
  const auto version = VersionOf(*store_);
  if (!version || version == warmed_) return;
  warmed_ = version;
  for (const int days : warm_days_) {
    const auto period = Period::LastDays(days, now);
    if (!period.ok()) continue;
    const auto checked = CheckedPeriod(*period);
    if (!checked.ok()) continue;  // it would begin before 1970
    CachedSummary(*cache_, *store_, {*checked, {}}, AnswerCache::Purpose::kWarm)
        .status()
        .IgnoreError();
  }
}

}  // namespace nerava::analytics
