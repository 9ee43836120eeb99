// A thin, owning layer over the sqlite3 C API: statuses instead of codes, RAII instead of finalize.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nerava::analytics::sqlite {

// The status for a failed call on `db`: Unavailable for what may pass (locked, full disk, I/O),
// DataLoss for a damaged file, FailedPrecondition for what somebody must change, InvalidArgument for
// values the tables do not take, else Internal.
absl::Status ErrorOf(sqlite3* db, int code, std::string_view doing);

// A prepared statement. Parameters count from 1, columns from 0. Errors of binding and stepping are
// kept and come back from status(), so that a loop checks once. One thread at a time.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // Forgets bindings and results, ready to be used again.
  void Reset();

  void Bind(int index, std::int64_t value);
  void BindNull(int index);
  // Text and blobs are not copied: they must live until the next Reset.
  void BindText(int index, std::string_view text);
  void BindBlob(int index, std::string_view bytes);

  // True when there is a row; false at the end or on an error.
  bool Step();
  // Steps a statement that returns no rows, and resets it.
  absl::Status Run();
  const absl::Status& status() const { return status_; }

  int ColumnType(int column) const { return sqlite3_column_type(statement_.get(), column); }
  bool IsNull(int column) const { return ColumnType(column) == SQLITE_NULL; }
  std::int64_t Integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  // Text or blob; valid until the next Step or Reset.
  std::string_view Bytes(int column) const;

 private:
  void Note(int code, std::string_view doing);
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  absl::Status status_;
};

// A connection. One thread at a time.
class Database {
 public:
  struct Options {
    std::int64_t cache_bytes;
    int busy_timeout_ms;
    bool read_only;
  };
  // Changes nothing in the file; call Configure once it is known to be ours.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Options options);
  absl::Status Configure(Options options);

  // One or more statements without parameters or results.
  absl::Status Execute(const std::string& sql);

  // The statement for `sql`, prepared once and kept, reset. Valid until TrimStatements.
  absl::StatusOr<Statement*> Prepare(const std::string& sql);

  // Ends statements that an error left half-way: one that still runs keeps its snapshot.
  void ResetStatements();

  // Frees prepared statements when there are very many: each costs some kilobytes.
  void TrimStatements();

  std::int64_t LastInsertedRow() const { return sqlite3_last_insert_rowid(db_.get()); }

  // The first column of the first row as an integer.
  absl::StatusOr<std::int64_t> QueryInteger(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  explicit Database(sqlite3* db) : db_(db) {}

  std::unique_ptr<sqlite3, Close> db_;
  absl::flat_hash_map<std::string, std::unique_ptr<Statement>> statements_;
};

}  // namespace nerava::analytics::sqlite
