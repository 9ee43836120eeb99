#include "lib/store/sqlite/connections.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "lib/store/sqlite/schema.h"
#include "lib/store/sqlite/sqlite_copies.h"

namespace nerava::analytics::sqlite {
namespace {

// There may be many readers. A breakdown by some hundred hubs over months reads so much.
constexpr std::int64_t kReaderCacheBytes = 16 << 20;

// 64 MiB: a page that many commits write is copied into the file once.
constexpr int kCheckpointPages = 16384;

// A checkpoint that does not get the write lock is made after a later commit.
constexpr int kCheckpointTimeoutMs = 100;

Database::Options WriterOptions(const StoreOptions& options) {
  return {options.sqlite_cache_bytes,
          static_cast<int>(absl::ToInt64Milliseconds(options.sqlite_busy_timeout))};
}

Database::Options ReaderOptions(const StoreOptions& options) {
  Database::Options reader = WriterOptions(options);
  reader.cache_bytes = std::min(kReaderCacheBytes, reader.cache_bytes);
  reader.read_only = true;
  return reader;
}

}  // namespace

Connections::Connections(std::string path, const StoreOptions& options)
    : path_(std::move(path)), options_(options) {}

absl::Status Connections::Create() {
  const ForkGate::Pass pass(gate_);
  if (absl::Status single = CheckForOtherCopies(); !single.ok()) return single;
  MutexLock lock(writer_mutex_);
  Database::Options options = WriterOptions(options_);
  options.create = true;
  options.give_way = &gate_.fork_waits();
  auto database = Database::Open(path_, options);
  if (!database.ok()) return database.status();
  absl::Status status = CheckFile();
  if (!status.ok()) return status;
  auto needs_schema = NeedsSchema(**database, path_);
  if (!needs_schema.ok()) return needs_schema.status();
  // Before anything is written: later it would take a VACUUM.
  if (*needs_schema) status = (*database)->Execute("PRAGMA auto_vacuum = INCREMENTAL");
  if (status.ok()) status = (*database)->Configure(options);
  if (status.ok() && *needs_schema) status = CreateSchema(**database, path_);
  if (status.ok()) writer_ = std::make_unique<Connection>(*std::move(database));
  return status;
}

// Whether this process may open the file, and whether it is still the same.
absl::Status Connections::CheckFile() {
  // First: in such a process the locks below may be taken for ever.
  if (gate_.broken()) return Inherited(path_);
  MutexLock lock(file_mutex_);
  if (opened_by_.has_value() && *opened_by_ != getpid()) return Inherited(path_);
  // Also while it is open: SQLite would go on with a file that was moved away or deleted, and nobody
  // would find in its place what was committed.
  auto file = FindFile(path_);
  if (!file.ok()) return file.status();
  if (file_.has_value() && *file != *file_) {
    return absl::FailedPreconditionError(fmt::format(
        "the SQLite file \"{}\" was replaced by another; close the store before, or open it anew",
        path_));
  }
  file_ = *file;
  opened_by_ = getpid();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Connection>> Connections::Open(bool read_only) {
  auto options = read_only ? ReaderOptions(options_) : WriterOptions(options_);
  if (!read_only) options.give_way = &gate_.fork_waits();
  auto database = Database::Open(path_, options);
  if (!database.ok()) return database.status();
  if (absl::Status status = (*database)->Configure(options); !status.ok()) return status;
  return std::make_unique<Connection>(*std::move(database));
}

absl::Status Connections::WithWriter(Use use) {
  for (;;) {
    bool gave_way = false;
    absl::Status status = TryWithWriter(use, &gave_way);
    if (!gave_way) return status;
  }
}

absl::Status Connections::TryWithWriter(Use use, bool* gave_way) {
  const ForkGate::Pass pass(gate_);
  if (absl::Status usable = CheckFile(); !usable.ok()) return usable;
  MutexLock lock(writer_mutex_);
  if (writer_ == nullptr) {
    auto opened = Open(/*read_only=*/false);
    if (!opened.ok()) return opened.status();
    writer_ = *std::move(opened);
  }
  absl::Status status = use(*writer_);
  *gave_way = writer_->database->TakeGaveWay() && !status.ok();
  const bool asked = std::exchange(writer_->checkpoint, false);
  if (status.ok() && (asked || writer_->database->log_pages() >= kCheckpointPages)) Checkpoint();
  return status;
}

absl::Status Connections::WithReader(Use use) {
  const ForkGate::Pass pass(gate_);
  auto reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::Status status = use(**reader);
  // After an error it is given up: who knows what state it is in.
  if (!status.ok()) return status;
  (*reader)->database->TrimStatements();
  MutexLock lock(readers_mutex_);
  readers_.push_back(*std::move(reader));
  return status;
}

absl::StatusOr<std::unique_ptr<Connection>> Connections::TakeReader() {
  if (absl::Status usable = CheckFile(); !usable.ok()) return usable;
  {
    MutexLock lock(readers_mutex_);
    if (!readers_.empty()) {
      std::unique_ptr<Connection> reader = std::move(readers_.back());
      readers_.pop_back();
      return reader;
    }
  }
  return Open(/*read_only=*/true);
}

void Connections::Checkpoint() {
  // Another connection holds the write lock meanwhile. Without it SQLite before 3.51.3 may lose
  // commits when another process begins the log anew at the same moment: see
  // https://sqlite.org/wal.html#walresetbug.
  auto guard = Database::Open(path_, {0, kCheckpointTimeoutMs});
  // Errors: the next commit tries again.
  if (!guard.ok() || !(*guard)->Execute("BEGIN IMMEDIATE").ok()) return;
  if (!writer_->database->Checkpoint().ok()) log_doubtful_ = true;
}

absl::Status Connections::Sync() {
  return WithWriter([this](Connection& writer) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    // The kernel reports a failed sync once, and then success, although it has given up what it
    // could not write. So a log that had one is not relied upon again before it begins anew.
    absl::Status status = log_doubtful_ ? writer.database->EmptyLog() : absl::OkStatus();
    if (status.ok()) status = writer.database->SyncLog();
    log_doubtful_ = !status.ok();
    return status;
  });
}

void Connections::CloseForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // Nobody is inside, so that these need no lock. A checkpoint would hold up the fork.
  for (const auto& reader : readers_) reader->database->KeepLogAtClose();
  readers_.clear();
  if (writer_ != nullptr) writer_->database->KeepLogAtClose();
  writer_ = nullptr;
  MutexLock lock(file_mutex_);
  opened_by_ = std::nullopt;
}

void Connections::Close(absl::FunctionRef<void(Connection&)> last) {
  const ForkGate::Pass pass(gate_);
  MutexLock writer_lock(writer_mutex_);
  if (writer_ != nullptr) last(*writer_);
  MutexLock readers_lock(readers_mutex_);
  readers_.clear();
  writer_ = nullptr;
}

bool Connections::left_behind() {
  if (gate_.broken()) return true;
  MutexLock lock(file_mutex_);
  return opened_by_.has_value() && *opened_by_ != getpid();
}

}  // namespace nerava::analytics::sqlite
