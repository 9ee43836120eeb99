// An AnalyticsEvent as a row of a partition.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics::sqlite {

// An id as stored: lower-case UUID text becomes its 16 bytes, any other text stays text.
class StoredId {
 public:
  explicit StoredId(std::string_view id);

  // What is stored, as bytes: the key for filters.
  std::string_view key() const {
    return is_uuid_ ? std::string_view(uuid_.data(), uuid_.size()) : text_;
  }
  // Binds it; this and the id must live until the statement's next Reset.
  void Bind(Statement& statement, int index) const;
  // False when the column holds bytes that are no UUID.
  static bool Read(const Statement& statement, int column, std::string* id);

 private:
  std::array<char, 16> uuid_;
  std::string_view text_;
  bool is_uuid_;
};

// Why the event is none that a partition holds; null when it can be stored. One of a Producer always
// can.
const char* FindFault(const AnalyticsEvent& event);

// Writes and reads rows for one connection; one thread at a time.
class EventRows {
 public:
  EventRows(Dictionary& names, Dictionary& users) : names_(names), users_(users) {}

  // For SELECTs that Read is to understand.
  static std::string_view Columns();
  static std::string InsertSql(std::string_view table);

  // Runs a statement made from InsertSql, for an event without a fault.
  absl::Status Insert(Statement& statement, std::int64_t id, const AnalyticsEvent& event,
                      absl::Time created_at);
  // DataLoss when what it reads has a fault.
  absl::StatusOr<AnalyticsEvent> Read(const Statement& statement);
  // All rows of a statement, which is then reset.
  absl::Status ReadAll(Statement& statement, absl::FunctionRef<void(AnalyticsEvent event)> sink);

 private:
  Dictionary& names_;
  Dictionary& users_;
};

}  // namespace nerava::analytics::sqlite
