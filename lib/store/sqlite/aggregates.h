// The aggregates and facts of a SQLite file, inside a transaction of one connection.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lib/store/sqlite/cells.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "lib/store/sqlite/facts.h"
#include "lib/store/sqlite/user_number.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

class Aggregates final : public AggregateTable {
 public:
  Aggregates(Database& database, Dictionary& names, Dictionary& users)
      : database_(database),
        names_(names),
        users_(users),
        facts_(database, names, users),
        cells_(database, names, users) {}

  absl::Status Scan(Grain grain, absl::Time from, absl::Time to, const KpiFilter& filter,
                    RowSink sink) override;
  absl::Status Facts(absl::Time from, absl::Time to, const KpiFilter& filter,
                     FactSink sink) override {
    return facts_.Read(from, to, filter, sink);
  }
  absl::StatusOr<std::optional<absl::Time>> First() override;
  absl::StatusOr<FromAndTo> Blocks() override;
  absl::StatusOr<std::uint32_t> UserNumber(std::string_view user_id) override;
  absl::StatusOr<std::string> UserId(std::uint32_t number) override { return users_.Text(number); }
  absl::Status Add(const Changes& changes) override;

  // Makes a user's sessions nobody's: how many that stopped. Of days that are summed up only, too.
  absl::StatusOr<std::int64_t> ForgetUser(std::int64_t number);

 private:
  // An AggregateKey of any grain but kCell, by numbers; 0 is the empty name.
  struct Key {
    std::int64_t grain, bucket, region;
  };
  static void Bind(Statement& statement, const Key& key);

  absl::Status ReadRows(Grain grain, Statement& rows, RowSink sink);
  absl::StatusOr<Key> NumberKey(const AggregateKey& key);
  absl::Status AddOne(const AggregateDelta& delta, const Key& key, Statement& read, Statement& add);
  absl::StatusOr<std::string> ReadUsers(const Key& key, Statement& read);
  struct Active {
    Key key;
    std::int64_t sessions;
    StoredUsers others;
  };
  absl::StatusOr<std::vector<Active>> FindActive(std::uint32_t user, Grain grain, std::int64_t from,
                                                 std::int64_t to);
  absl::StatusOr<std::int64_t> ForgetIn(std::uint32_t user, Grain grain, std::int64_t from,
                                        std::int64_t to, std::set<std::int64_t>* buckets);

  Database& database_;
  Dictionary& names_;
  Dictionary& users_;
  sqlite::Facts facts_;
  Cells cells_;
};

}  // namespace nerava::analytics::sqlite
