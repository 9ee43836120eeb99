#include "lib/store/sqlite/database.h"

#include <utility>

#include "fmt/format.h"

namespace nerava::analytics::sqlite {

absl::Status ErrorOf(sqlite3* db, int code, std::string_view doing) {
  const std::string message =
      fmt::format("SQLite: {}: {} ({})", doing, db != nullptr ? sqlite3_errmsg(db) : "no memory",
                  sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
      return absl::UnavailableError(message);
    case SQLITE_CORRUPT:
      return absl::DataLossError(message);
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return absl::InvalidArgumentError(message);
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::FailedPreconditionError(message);
    default:
      return absl::InternalError(message);
  }
}

void Statement::Note(int code, std::string_view doing) {
  if (status_.ok()) status_ = ErrorOf(sqlite3_db_handle(statement_.get()), code, doing);
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  status_ = absl::OkStatus();
}

void Statement::Bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_.get(), index, value); code != SQLITE_OK) {
    Note(code, "bind");
  }
}

void Statement::BindNull(int index) {
  if (const int code = sqlite3_bind_null(statement_.get(), index); code != SQLITE_OK) {
    Note(code, "bind");
  }
}

void Statement::BindText(int index, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() != nullptr ? text.data() : "";
  const int code =
      sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) Note(code, "bind");
}

void Statement::BindBlob(int index, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  const int code = sqlite3_bind_blob64(statement_.get(), index, data, bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) Note(code, "bind");
}

bool Statement::Step() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    Note(code, sqlite3_sql(statement_.get()));
  }
  return code == SQLITE_ROW;
}

absl::Status Statement::Run() {
  Step();
  absl::Status status = status_;
  Reset();
  return status;
}

std::string_view Statement::Bytes(int column) const {
  // The pointer first: asking for it may convert, and with that change the size.
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Options options) {
  sqlite3* db = nullptr;
  // A reader never makes a file: the one it is to read may have been moved away.
  const int create = options.read_only ? 0 : SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &db,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create, nullptr);
  std::unique_ptr<Database> database(new Database(db));
  if (code == SQLITE_CANTOPEN) {
    return absl::FailedPreconditionError(fmt::format(
        "cannot open the SQLite file \"{}\": does its folder exist, and may this process write "
        "there?",
        path));
  }
  if (code != SQLITE_OK) return ErrorOf(db, code, fmt::format("open \"{}\"", path));
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, options.busy_timeout_ms);
  return database;
}

absl::Status Database::Configure(Options options) {
  // WAL: readers see a snapshot and never wait for the writer. With synchronous=NORMAL a commit
  // survives the process; the file stays consistent when the power goes.
  absl::Status status = Execute(fmt::format(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{}; "
      "PRAGMA wal_autocheckpoint=16384; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;",
      options.cache_bytes / 1024));
  if (status.ok() && options.read_only) status = Execute("PRAGMA query_only=1");
  return status;
}

absl::Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_.get(), code, sql.substr(0, 200));
}

absl::StatusOr<Statement*> Database::Prepare(const std::string& sql) {
  std::unique_ptr<Statement>& statement = statements_[sql];
  if (statement == nullptr) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) {
      statements_.erase(sql);
      return ErrorOf(db_.get(), code, sql);
    }
    statement = std::make_unique<Statement>(prepared);
  }
  statement->Reset();
  return statement.get();
}

void Database::ResetStatements() {
  for (auto& [sql, statement] : statements_) statement->Reset();
}

void Database::TrimStatements() {
  constexpr std::size_t kMany = 1000;
  if (statements_.size() > kMany) statements_.clear();
}

absl::StatusOr<std::int64_t> Database::QueryInteger(const std::string& sql) {
  auto statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  if (!(*statement)->Step()) {
    return (*statement)->status().ok() ? absl::InternalError(fmt::format("SQLite: {}: no row", sql))
                                       : (*statement)->status();
  }
  const std::int64_t value = (*statement)->Integer(0);
  (*statement)->Reset();
  return value;
}

}  // namespace nerava::analytics::sqlite
