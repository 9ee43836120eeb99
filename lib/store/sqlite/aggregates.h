// The aggregates of a SQLite file, inside a transaction of one connection.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

class Aggregates final : public AggregateTable {
 public:
  Aggregates(Database& database, Dictionary& names, Dictionary& users)
      : database_(database), names_(names), users_(users) {}

  absl::Status Sum(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                   Totals* totals, UserSet* users) override;
  absl::StatusOr<std::vector<std::optional<std::uint32_t>>> UserNumbers(
      absl::Span<const std::string_view> user_ids) override;
  absl::Status Add(absl::Span<const AggregateDelta> deltas) override;

 private:
  // An AggregateKey by numbers; 0 is the empty name.
  struct Key {
    std::int64_t grain, bucket, region, hub, window;
  };
  static void Bind(Statement& statement, const Key& key);

  absl::StatusOr<Key> NumberKey(const AggregateKey& key);
  absl::Status AddOne(const AggregateDelta& delta, Statement& read, Statement& add);
  absl::StatusOr<UserSet> ReadUsers(const Key& key, Statement& read);

  Database& database_;
  Dictionary& names_;
  Dictionary& users_;
};

}  // namespace nerava::analytics::sqlite
