// A thin, owning layer over the sqlite3 C API: statuses instead of codes, RAII instead of finalize.
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/hash_map.h"
#include "lib/base/mutex.h"

namespace nerava::analytics::sqlite {

// The status for a failed call on `db`: Unavailable for what may pass (locked, full disk, I/O),
// ResourceExhausted when memory ran out, DataLoss for a damaged file (also one whose rows contradict
// a new one: what is wrong with an event is found before), FailedPrecondition for what somebody must
// change, InvalidArgument for values that are too big, else Internal.
absl::Status ErrorOf(sqlite3* db, int code, std::string_view doing);

// A prepared statement. Parameters count from 1, columns from 0. Errors of binding and stepping are
// kept and come back from status(), so that a loop checks once. One thread at a time.
class Statement {
 public:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Handle = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit Statement(Handle statement) : statement_(std::move(statement)) {}

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

  Handle statement_;
  absl::Status status_;
};

// A connection. One thread at a time. In a forked child it does nothing but fail: there SQLite must
// not even close it.
class Database {
 public:
  struct Options {
    std::int64_t cache_bytes;
    int busy_timeout_ms;
    bool read_only = false;
    bool create = false;                          // the file, if it is missing
    const std::atomic<bool>* give_way = nullptr;  // while set, nothing waits for a lock
  };
  // Changes nothing in the file; call Configure once it is known to be ours.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Options options);
  absl::Status Configure(Options options);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or more statements without parameters or results.
  absl::Status Execute(const std::string& sql);

  // The statement for `sql`, prepared once and kept, reset. Valid until TrimStatements.
  absl::StatusOr<Statement*> Prepare(const std::string& sql);

  // Runs a statement that returns no rows, with these values.
  template <typename... Values>
  absl::Status RunWith(const std::string& sql, Values... values) {
    auto statement = Prepare(sql);
    if (!statement.ok()) return statement.status();
    int index = 0;
    ((*statement)->Bind(++index, values), ...);
    return (*statement)->Run();
  }

  // Ends statements that an error left half-way: one that still runs keeps its snapshot.
  void ResetStatements();

  // Frees prepared statements when there are very many: each costs some kilobytes.
  void TrimStatements();

  std::int64_t LastInsertedRow() const { return sqlite3_last_insert_rowid(db_.get()); }

  // The first column of the first row as an integer.
  absl::StatusOr<std::int64_t> QueryInteger(const std::string& sql);

  // Pages in the write-ahead log after the last commit here, 0 after a checkpoint: SQLite does not
  // checkpoint by itself.
  int log_pages() const { return log_pages_; }
  // Copies the log into the file, as far as readers and other checkpoints let it.
  absl::Status Checkpoint();
  // Copies all of it and begins it anew, or fails: Unavailable while somebody reads or writes.
  absl::Status EmptyLog();
  // Makes what is in the log survive a failure of the power.
  absl::Status SyncLog();
  // Whether it failed for `give_way` only, since the last call.
  bool TakeGaveWay() { return std::exchange(gave_way_, false); }
  // Closing is then quick, and leaves the log as it is for the next connection.
  void KeepLogAtClose();

 private:
  absl::Status UseLog();
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  Database(sqlite3* db, std::string path);
  absl::Status CheckProcess() const;
  static int WaitWhileBusy(void* database, int calls);

  const std::string path_;
  const pid_t opened_by_;
  std::chrono::milliseconds busy_timeout_{0};
  SteadyTime busy_until_;
  const std::atomic<bool>* give_way_ = nullptr;
  bool gave_way_ = false;
  int log_pages_ = 0;
  std::unique_ptr<sqlite3, Close> db_;
  HashMap<std::string, std::unique_ptr<Statement>> statements_;
};

}  // namespace nerava::analytics::sqlite
