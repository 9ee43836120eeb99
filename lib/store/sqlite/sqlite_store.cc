#include "lib/store/sqlite/sqlite_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/base/out_of_memory.h"
#include "lib/store/sqlite/connection.h"
#include "lib/store/sqlite/connections.h"
#include "lib/store/sqlite/partitions.h"
#include "lib/store/sqlite/retention.h"
#include "lib/store/sqlite/transaction.h"
#include "lib/store/validate.h"

namespace nerava::analytics {
namespace sqlite {
namespace {

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

// While this lives, pages that become free are not overwritten: a run of the retention cuts all of them
// off the file in the end.
class CutsAway {
 public:
  explicit CutsAway(Database& database) : database_(database) { Set("FAST"); }
  ~CutsAway() { Set("ON"); }
  CutsAway(const CutsAway&) = delete;
  CutsAway& operator=(const CutsAway&) = delete;

 private:
  void Set(const char* mode) {
    database_.Execute(std::string("PRAGMA secure_delete = ") + mode).IgnoreError();
  }

  Database& database_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, const StoreOptions& options)
      : options_(options), connections_(std::move(path), options) {}

  ~SqliteStore() override {
    // The next open then need not scan rows for the filters; if it fails, it does.
    connections_.Close([this](Connection& writer) { SaveFilters(writer).IgnoreError(); });
  }

  absl::Status Create() { return connections_.Create(); }
  bool left_behind() { return connections_.left_behind(); }

  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    return connections_.WithWriter([&](Connection& writer) {
      Database& database = *writer.database;
      database.TrimStatements();
      if (absl::Status begin = database.Execute("BEGIN IMMEDIATE"); !begin.ok()) return begin;
      Transacting transacting(writer);
      Transaction transaction(writer, partitions_, options_.sqlite_partition_rows);
      absl::Status status = transaction.Begin();
      if (status.ok()) status = body(transaction);
      if (status.ok()) status = transaction.BeforeCommit();
      if (status.ok()) status = transacting.Commit();
      if (status.ok()) transaction.Committed();
      return status;
    });
  }

  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    return connections_.WithReader([&](Connection& reader) {
      Database& database = *reader.database;
      if (absl::Status begin = database.Execute("BEGIN"); !begin.ok()) return begin;
      Transaction transaction(reader, partitions_, options_.sqlite_partition_rows);
      absl::Status status = transaction.Begin();
      if (status.ok()) status = body(transaction);
      if (status.ok()) status = database.Execute("COMMIT");
      return status;
    });
  }

  absl::StatusOr<RetentionStep> Retain(const Horizons& wanted, absl::Duration limit) override {
    absl::StatusOr<RetentionStep> step = RetentionStep();
    absl::Status retained = connections_.WithWriter([&](Connection& writer) {
      Database& database = *writer.database;
      const CutsAway cuts_away(database);
      if (absl::Status begin = database.Execute("BEGIN IMMEDIATE"); !begin.ok()) return begin;
      Transacting transacting(writer);
      Transaction transaction(writer, partitions_, options_.sqlite_partition_rows);
      absl::Status status = transaction.Begin();  // checks the partitions
      if (!status.ok()) return status;
      step = sqlite::Retain(database, transaction.kept_from(), wanted, limit);
      if (!step.ok()) return step.status();
      status = transacting.Commit();
      if (!status.ok()) return status;
      if (!step->done) {
        writer.checkpoint_after_run = true;
        return status;
      }
      // What fails of it, in another process's way say, is done by a later run.
      Optimize(database).IgnoreError();
      writer.checkpoint = std::exchange(writer.checkpoint_after_run, false);
      return status;
    });
    if (!retained.ok()) return retained;
    return step;
  }

  absl::StatusOr<std::optional<std::uint64_t>> Version() override {
    absl::StatusOr<std::int64_t> version = 0;
    // All of them only grow.
    absl::Status status = connections_.WithReader([&](Connection& reader) {
      version = reader.database->QueryInteger("SELECT sum(value) FROM state");
      return version.status();
    });
    if (!status.ok()) return status;
    return static_cast<std::uint64_t>(*version);
  }

  absl::Status Sync() override { return connections_.Sync(); }

  // What was deleted is overwritten in its pages, but by the retention, whose free pages are cut off. This
  // gets that into the file, and ends the log that has the pages as they were.
  absl::Status Purge() override {
    return connections_.WithWriter([](Connection& writer) {
      absl::Status cut = writer.database->Execute("PRAGMA incremental_vacuum");
      return cut.ok() ? writer.database->EmptyLog() : cut;
    });
  }

  std::string Description() const override {
    return fmt::format("sqlite:///{}", connections_.path());
  }
  std::string JournalFolder() const override { return connections_.path() + ".journal"; }

 private:
  absl::Status SaveFilters(Connection& writer) {
    Database& database = *writer.database;
    // Whoever holds the lock now is not waited for: nothing is lost without the filters.
    absl::Status status = database.Execute("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE");
    if (!status.ok()) return status;
    Transacting transacting(writer);
    status = partitions_.SaveFilters(database);
    return status.ok() ? transacting.Commit() : status;
  }

  const StoreOptions options_;
  Partitions partitions_;
  Connections connections_;
};

}  // namespace
}  // namespace sqlite

absl::StatusOr<std::shared_ptr<Store>> OpenSqliteStore(std::string path, StoreOptions options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  // A host may change its working directory; connections are opened later. And one file should have
  // one name.
  std::error_code error;
  std::filesystem::path canonical = std::filesystem::absolute(path, error);
  if (!error) canonical = std::filesystem::weakly_canonical(canonical, error);
  if (error == std::errc::not_enough_memory) return OutOfMemory();
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("cannot find the folder of \"{}\": {}", path, error.message()));
  }
  const std::shared_ptr<sqlite::SqliteStore> store(
      new sqlite::SqliteStore(canonical.string(), options), [](sqlite::SqliteStore* ended) {
        if (!ended->left_behind()) delete ended;
      });
  if (absl::Status status = store->Create(); !status.ok()) return status;
  return store;
}

}  // namespace nerava::analytics
