// The definitions of docs/kpis.md once more, as SQL over the analytics_events view: what an analyst
// would write by hand. The slow reference that the library is held against.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "nerava/analytics/kpi.h"

namespace nerava::analytics::testing {

// Reads the file as it is when this is made. Throws std::runtime_error when SQLite fails.
class SqlKpis {
 public:
  explicit SqlKpis(const std::string& file);
  KpiSummary Summarize(const KpiQuery& query);

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3, Close> db_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

}  // namespace nerava::analytics::testing
