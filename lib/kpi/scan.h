// Reads what KPIs are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lib/base/hash_map.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// What parts are told apart by.
enum class Detail : std::uint8_t {
  kRegion,  // hubs and windows may come together, as empty
  kHubAndWindow,
  kSession,  // facts
};

// One state of a store, within a transaction: as facts, which it reads from aggregates where the
// store keeps them, and else finds in the events. The same sums either way. Users go by numbers, of
// which 0 is nobody.
class Scanner {
 public:
  explicit Scanner(ReadTransaction& transaction)
      : transaction_(transaction),
        table_(transaction.aggregates()),
        kept_from_(transaction.kept_from()) {}

  // How exactly what lies in a period can be told, in that detail.
  AnswerGrain GrainOf(const Period& period, const KpiFilter& filter, Detail detail) const;
  AnsweredPeriod Answered(const Period& period, const KpiFilter& filter, Detail detail) const {
    return {period, GrainOf(period, filter, detail)};
  }

  using OnRow = absl::FunctionRef<absl::Status(std::size_t bucket, const AggregateRow& row)>;
  using OnFact =
      absl::FunctionRef<absl::Status(std::size_t bucket, const Fact& fact, std::uint32_t user)>;

  using OnOwnFact = absl::FunctionRef<absl::Status(const Fact& fact)>;

  // Gives each part that matches, once, with the bucket it is in: bucket i is
  // [bounds[i], bounds[i + 1]). Whole days, hours and five minutes of a bucket are rows; what
  // is left where a bound lies inside one, facts. `detail`: kRegion or kHubAndWindow.
  absl::Status Scan(absl::Span<const absl::Time> bounds, const KpiFilter& filter, Detail detail,
                    OnRow on_row, OnFact on_fact);
  // Only facts.
  absl::Status Facts(const Period& period, const KpiFilter& filter,
                     AggregateTable::FactSink on_fact);

  // Those of one user. What a later event took back is there with it, as their sums say. kPartial when
  // there were more.
  absl::StatusOr<AnswerGrain> FactsOfUser(std::string_view user_id, const Period& period,
                                          const KpiFilter& filter, OnOwnFact on_fact);

  // A moment before which there is nothing, at most a day too early; null when there is nothing.
  absl::StatusOr<std::optional<absl::Time>> First();

  absl::StatusOr<std::string> UserId(std::uint32_t number);

 private:
  absl::Status FactsOfEvents(const Period& period, const KpiFilter& filter,
                             AggregateTable::FactSink on_fact);
  absl::StatusOr<bool> WasActive(std::uint32_t user, absl::Time from, absl::Time to,
                                 const KpiFilter& filter);
  absl::Status DescendTo(std::uint32_t user, const Period& period, const KpiFilter& filter,
                         absl::Span<const Grain> grains, OnOwnFact on_fact);

  ReadTransaction& transaction_;
  AggregateTable* const table_;  // null: from the events
  const Horizons kept_from_;
  // Of a store without a table: as they came, from 1.
  HashMap<std::string, std::uint32_t> numbers_;
  std::vector<std::string> user_ids_;
};

// All of it as one.
absl::StatusOr<KpiSummary> Summarize(ReadTransaction& transaction, const KpiQuery& query);

// Within what a period's bounds may slide while its sums stay the same: `from` above the first and up to
// the second of the one pair, `to` of the other.
struct Slide {
  std::pair<absl::Time, absl::Time> from;
  std::pair<absl::Time, absl::Time> to;

  bool Holds(const Period& period) const {
    return from.first < period.from && period.from <= from.second && to.first < period.to &&
           period.to <= to.second;
  }
};
// Null when only this very period will do.
absl::StatusOr<std::optional<Slide>> FindSlide(ReadTransaction& transaction, const KpiQuery& query);

}  // namespace nerava::analytics
