// Numbers for strings that repeat (types, regions, hubs, windows; users), kept in a table and
// remembered here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/hash_map.h"
#include "lib/store/sqlite/database.h"

namespace nerava::analytics::sqlite {

// Belongs to one connection, which must outlive it; one thread at a time. Numbers begin at 1 and
// never change once committed, so what is remembered holds until a rollback (then: Forget).
class Dictionary {
 public:
  // The table must have the columns `number` (primary key) and `text` (unique).
  Dictionary(Database& database, std::string_view table);

  absl::StatusOr<std::optional<std::int64_t>> Find(std::string_view text);
  // Find, else adds it; write transactions only.
  absl::StatusOr<std::int64_t> FindOrAdd(std::string_view text);
  absl::StatusOr<std::string> Text(std::int64_t number);

  void Forget();

 private:
  void Remember(std::string_view text, std::int64_t number);

  Database& database_;
  const std::string find_, add_, text_;
  HashMap<std::string, std::int64_t> numbers_;
  HashMap<std::int64_t, std::string> texts_;
};

// Names by their numbers, those of one read at hand: it asks for the same few again and again.
class NamesAtHand {
 public:
  explicit NamesAtHand(Dictionary& names) : names_(names) {}

  // 0 is the empty name. Valid until the next call.
  absl::StatusOr<std::string_view> Find(std::int64_t number);

 private:
  Dictionary& names_;
  std::vector<std::string> texts_;
  std::string other_;
};

}  // namespace nerava::analytics::sqlite
