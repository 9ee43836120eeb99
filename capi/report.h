// Rows of whatever kind.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "capi/boundary.h"
#include "capi/nerava_analytics.h"
#include "nerava/analytics/funnel.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/load.h"
#include "nerava/analytics/people.h"

struct nva_report {
  using Content =
      std::variant<nerava::analytics::KpiSummary, nerava::analytics::Funnel,
                   std::shared_ptr<const nerava::analytics::Load>, nerava::analytics::StreakCount,
                   nerava::analytics::StreakLeader, nerava::analytics::SessionsPerUser::Count,
                   nerava::analytics::RetentionBucket>;
  struct Row {
    nerava::analytics::Period period;
    bool complete;
    std::string name;
    std::uint64_t others;
    nerava::analytics::AnswerGrain grain;
    Content content;
  };
  std::vector<Row> rows;
};

namespace nerava::analytics::capi {

const nva_report::Row& RowAt(const nva_report* report, std::uint64_t index);

// The content of a row that must be of this kind.
template <typename Content>
const Content& ContentAt(const nva_report* report, std::uint64_t index) {
  const auto* content = std::get_if<Content>(&RowAt(report, index).content);
  if (content == nullptr) Fail("the report has rows of another kind");
  return *content;
}

// Load is many times larger than the others.
inline nva_report::Content Hold(Load load) { return std::make_shared<const Load>(load); }
template <typename Content>
nva_report::Content Hold(Content content) {
  return content;
}

// A row for each name, and one for the others together.
template <typename AnyBreakdown, typename Row, typename Content>
nva_report* NewReport(AnyBreakdown breakdown, Content Row::*content) {
  auto report = std::make_unique<nva_report>();
  for (Row& row : breakdown.rows) {
    report->rows.push_back({breakdown.period, true, std::move(row.name), 0, breakdown.period.grain,
                            Hold(std::move(row.*content))});
  }
  if (breakdown.others > 0) {
    report->rows.push_back({breakdown.period,
                            true,
                            {},
                            breakdown.others,
                            breakdown.period.grain,
                            Hold(std::move(breakdown.other))});
  }
  return report.release();
}

Interval ToInterval(nva_interval interval);
Dimension ToDimension(nva_dimension dimension);
std::string ToTimeZone(nva_string time_zone);
// An option of which 0 is the default.
absl::Duration ToDuration(std::int64_t ms, absl::Duration by_default);

}  // namespace nerava::analytics::capi
