#include "lib/store/sqlite/sqlite_store.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/base/mutex.h"
#include "lib/store/sqlite/connection.h"
#include "lib/store/sqlite/open_files.h"
#include "lib/store/sqlite/partitions.h"
#include "lib/store/sqlite/schema.h"
#include "lib/store/sqlite/transaction.h"
#include "lib/store/validate.h"

namespace nerava::analytics {
namespace sqlite {
namespace {

// There may be many readers, and a KPI reads few pages.
constexpr std::int64_t kReaderCacheBytes = 8 << 20;

Database::Options DatabaseOptions(const StoreOptions& options, bool read_only) {
  return {read_only ? std::min(kReaderCacheBytes, options.sqlite_cache_bytes)
                    : options.sqlite_cache_bytes,
          static_cast<int>(absl::ToInt64Milliseconds(options.sqlite_busy_timeout)), read_only};
}

// Rolls back unless Commit was called, also when an exception passes.
class Transacting {
 public:
  explicit Transacting(Connection& connection) : connection_(connection) {}
  ~Transacting() {
    if (committed_) return;
    connection_.database->ResetStatements();
    connection_.database->Execute("ROLLBACK").IgnoreError();
    // They may remember numbers that the rollback took back.
    connection_.names.Forget();
    connection_.users.Forget();
  }
  Transacting(const Transacting&) = delete;
  Transacting& operator=(const Transacting&) = delete;

  absl::Status Commit() {
    absl::Status status = connection_.database->Execute("COMMIT");
    committed_ = status.ok();
    return status;
  }

 private:
  Connection& connection_;
  bool committed_ = false;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, StoreOptions options, std::unique_ptr<OpenFile> file,
              std::unique_ptr<Database> writer)
      : path_(std::move(path)),
        options_(options),
        file_(std::move(file)),
        writer_(std::make_unique<Connection>(std::move(writer))) {}

  ~SqliteStore() override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (file_->inherited()) {
      // To close the parent's connections here would remove its write-ahead log.
      static_cast<void>(writer_.release());
      for (auto& reader : readers_) static_cast<void>(reader.release());
      return;
    }
    // The next open then need not scan rows for the filters; if it fails, it does.
    SaveFilters().IgnoreError();
  }

  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    if (absl::Status usable = file_->Check(); !usable.ok()) return usable;
    MutexLock lock(writer_mutex_);
    Database& database = *writer_->database;
    database.TrimStatements();
    if (absl::Status begin = database.Execute("BEGIN IMMEDIATE"); !begin.ok()) return begin;
    Transacting transacting(*writer_);
    Transaction transaction(*writer_, partitions_, options_.sqlite_partition_rows);
    absl::Status status = transaction.Begin();
    if (status.ok()) status = body(transaction);
    if (status.ok()) status = transaction.BeforeCommit();
    if (status.ok()) status = transacting.Commit();
    if (status.ok()) transaction.Committed();
    return status;
  }

  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    if (absl::Status usable = file_->Check(); !usable.ok()) return usable;
    auto reader = TakeReader();
    if (!reader.ok()) return reader.status();
    Database& database = *(*reader)->database;
    absl::Status status = database.Execute("BEGIN");
    if (!status.ok()) return status;
    Transaction transaction(**reader, partitions_, options_.sqlite_partition_rows);
    status = transaction.Begin();
    if (status.ok()) status = body(transaction);
    // After an error the connection is given up: who knows what state it is in.
    if (status.ok() && database.Execute("COMMIT").ok()) GiveBack(*std::move(reader));
    return status;
  }

  std::string Description() const override { return fmt::format("sqlite:///{}", path_); }

 private:
  // Readers are kept for the next time: as many as ever read at once.
  absl::StatusOr<std::unique_ptr<Connection>> TakeReader() {
    {
      MutexLock lock(readers_mutex_);
      if (!readers_.empty()) {
        std::unique_ptr<Connection> reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
      }
    }
    auto database = Database::Open(path_, DatabaseOptions(options_, /*read_only=*/true));
    if (!database.ok()) return database.status();
    absl::Status configured = (*database)->Configure(DatabaseOptions(options_, true));
    if (!configured.ok()) return configured;
    return std::make_unique<Connection>(*std::move(database));
  }

  void GiveBack(std::unique_ptr<Connection> reader) {
    reader->database->TrimStatements();
    MutexLock lock(readers_mutex_);
    readers_.push_back(std::move(reader));
  }

  absl::Status SaveFilters() {
    MutexLock lock(writer_mutex_);
    Database& database = *writer_->database;
    // Whoever holds the lock now is not waited for: nothing is lost without the filters.
    absl::Status status = database.Execute("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE");
    if (!status.ok()) return status;
    Transacting transacting(*writer_);
    status = partitions_.SaveFilters(database);
    return status.ok() ? transacting.Commit() : status;
  }

  const std::string path_;
  const StoreOptions options_;
  const std::unique_ptr<OpenFile> file_;
  Partitions partitions_;

  Mutex writer_mutex_;
  std::unique_ptr<Connection> writer_ ABSL_PT_GUARDED_BY(writer_mutex_);

  Mutex readers_mutex_;
  std::vector<std::unique_ptr<Connection>> readers_ ABSL_GUARDED_BY(readers_mutex_);
};

}  // namespace
}  // namespace sqlite

absl::StatusOr<std::shared_ptr<Store>> OpenSqliteStore(std::string path, StoreOptions options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  // A host may change its working directory; readers are opened later.
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("cannot make \"{}\" absolute: {}", path, error.message()));
  }
  const std::string file = absolute.string();
  const auto writer_options = sqlite::DatabaseOptions(options, /*read_only=*/false);
  auto writer = sqlite::Database::Open(file, writer_options);
  if (!writer.ok()) return writer.status();
  auto opened = sqlite::OpenFile::Register(file);
  if (!opened.ok()) return opened.status();
  auto needs_schema = sqlite::NeedsSchema(**writer, file);
  if (!needs_schema.ok()) return needs_schema.status();
  absl::Status status = (*writer)->Configure(writer_options);
  if (status.ok() && *needs_schema) status = sqlite::CreateSchema(**writer, file);
  if (!status.ok()) return status;
  return std::make_shared<sqlite::SqliteStore>(file, options, *std::move(opened),
                                               *std::move(writer));
}

}  // namespace nerava::analytics
