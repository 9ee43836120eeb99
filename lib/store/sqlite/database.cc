#include "lib/store/sqlite/database.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "lib/store/sqlite/inherited_files.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr int kMaxValueBytes = 256 << 20;

}  // namespace

absl::Status ErrorOf(sqlite3* db, int code, std::string_view doing) {
  if ((code & 0xff) == SQLITE_NOTADB) {
    return absl::FailedPreconditionError(
        "SQLite: the file is no database, or is damaged: name another one, or restore a backup");
  }
  const std::string message =
      fmt::format("SQLite: {}: {} ({})", doing, db != nullptr ? sqlite3_errmsg(db) : "no memory",
                  sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
      return absl::UnavailableError(message);
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
      return absl::DataLossError(message);
    case SQLITE_TOOBIG:
      return absl::InvalidArgumentError(message);
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

Database::Database(sqlite3* db, std::string path)
    : path_(std::move(path)), opened_by_(getpid()), db_(db) {}

Database::~Database() {
  if (CheckProcess().ok()) return;
  // The parent's: left as they are.
  for (auto& [sql, statement] : statements_) static_cast<void>(statement.release());
  static_cast<void>(db_.release());
}

absl::Status Database::CheckProcess() const {
  return getpid() == opened_by_ ? absl::OkStatus() : Inherited(path_);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Options options) {
  sqlite3* db = nullptr;
  const int create = options.create ? SQLITE_OPEN_CREATE : 0;
  const int code = sqlite3_open_v2(path.c_str(), &db,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create, nullptr);
  std::unique_ptr<Database> database(new Database(db, path));
  if (code == SQLITE_CANTOPEN) {
    return absl::FailedPreconditionError(fmt::format(
        "cannot open the SQLite file \"{}\": does its folder exist, and may this process write "
        "there?",
        path));
  }
  if (code != SQLITE_OK) return ErrorOf(db, code, fmt::format("open \"{}\"", path));
  sqlite3_extended_result_codes(db, 1);
  database->busy_timeout_ = std::chrono::milliseconds(options.busy_timeout_ms);
  database->give_way_ = options.give_way;
  sqlite3_busy_handler(db, WaitWhileBusy, database.get());
  // A file from elsewhere may hold anything: nothing in it is run, and no value grows without bounds.
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  // Takes the place of the hook that checkpoints.
  const auto note_pages = [](void* log_pages, sqlite3*, const char*, int pages) {
    *static_cast<int*>(log_pages) = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(db, note_pages, &database->log_pages_);
  return database;
}

// SQLite's own handler sleeps up to 100 ms at a time, and so comes off badly beside a process that
// writes a lot.
int Database::WaitWhileBusy(void* database, int calls) {
  auto& self = *static_cast<Database*>(database);
  const SteadyTime now = SteadyNow();
  if (calls == 0) self.busy_until_ = now + self.busy_timeout_;
  if (now >= self.busy_until_) return 0;
  if (self.give_way_ != nullptr && *self.give_way_) {
    self.gave_way_ = true;
    return 0;
  }
  sqlite3_sleep(std::min(calls, 4) + 1);
  return 1;
}

absl::Status Database::UseLog() {
  auto mode = Prepare("PRAGMA journal_mode=WAL");
  if (!mode.ok()) return mode.status();
  const bool wal = (*mode)->Step() && (*mode)->Bytes(0) == "wal";
  if (!(*mode)->status().ok()) return (*mode)->status();
  (*mode)->Reset();
  if (!wal) {
    return absl::FailedPreconditionError(fmt::format(
        "the SQLite file \"{}\" cannot have a write-ahead log; keep it on a local disk", path_));
  }
  return absl::OkStatus();
}

absl::Status Database::Configure(Options options) {
  // WAL: readers see a snapshot and never wait for the writer. With synchronous=NORMAL a commit
  // survives the process; the file stays consistent when the power goes.
  // SQLite does not call the busy handler here, and two processes may open a new file at once.
  absl::Status status = UseLog();
  for (const SteadyTime deadline = SteadyNow() + busy_timeout_;
       absl::IsUnavailable(status) && SteadyNow() < deadline; status = UseLog()) {
    sqlite3_sleep(1);
  }
  if (!status.ok()) return status;
  // What is dropped is overwritten: it may be about persons.
  status = Execute(
      fmt::format("PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{}; PRAGMA temp_store=MEMORY; "
                  "PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON;",
                  options.cache_bytes / 1024));
  if (status.ok() && options.read_only) status = Execute("PRAGMA query_only=1");
  return status;
}

absl::Status Database::Execute(const std::string& sql) {
  if (absl::Status usable = CheckProcess(); !usable.ok()) return usable;
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_.get(), code, sql.substr(0, 200));
}

absl::StatusOr<Statement*> Database::Prepare(const std::string& sql) {
  if (absl::Status usable = CheckProcess(); !usable.ok()) return usable;
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    Statement::Handle handle(prepared);
    if (code != SQLITE_OK) return ErrorOf(db_.get(), code, sql);
    known = statements_.emplace(sql, std::make_unique<Statement>(std::move(handle))).first;
  }
  known->second->Reset();
  return known->second.get();
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

absl::Status Database::Checkpoint() {
  log_pages_ = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(db_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  return code == SQLITE_OK || code == SQLITE_BUSY ? absl::OkStatus()
                                                  : ErrorOf(db_.get(), code, "checkpoint");
}

absl::Status Database::EmptyLog() {
  log_pages_ = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(db_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_.get(), code, "checkpoint");
}

absl::Status Database::SyncLog() {
  sqlite3_file* log = nullptr;
  const auto find = [&] {
    return sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  };
  int code = find();
  if (code == SQLITE_OK && log->pMethods == nullptr) {  // it is opened by the first question
    sqlite3_exec(db_.get(), "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
    code = find();
  }
  if (code == SQLITE_OK && log->pMethods == nullptr) code = SQLITE_CANTOPEN;  // no log
  if (code == SQLITE_OK) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("SQLite: sync of \"{}-wal\": {}; does its disk work, and has it space?", path_,
                  sqlite3_errstr(code)));
}

void Database::KeepLogAtClose() {
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace nerava::analytics::sqlite
