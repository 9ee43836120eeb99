// The connections of a store to its file: one that writes, and readers.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/mutex.h"
#include "lib/store/fork_gate.h"
#include "lib/store/sqlite/connection.h"
#include "lib/store/sqlite/inherited_files.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics::sqlite {

// Thread-safe. Over a fork all are closed; parent and child open them again when they next need
// them. A child whose parent could not close them is refused with FailedPrecondition.
class Connections {
 public:
  using Use = absl::FunctionRef<absl::Status(Connection&)>;

  // Call Close before the destructor.
  Connections(std::string path, const StoreOptions& options);

  // Opens the writer, and makes the file and its tables if they are missing.
  absl::Status Create();

  // Runs `use` with the connection that writes; one at a time. Outside of transactions, before and
  // after. FailedPrecondition when the file is gone or another now. Runs it anew after a fork that
  // came while it waited for another process's lock, which only its first statement may.
  absl::Status WithWriter(Use use);
  // Runs `use` with a reader, beside others.
  absl::Status WithReader(Use use);

  // See Store::Sync.
  absl::Status Sync();

  // Closes what is open; `last` before, with the writer, if that is open.
  void Close(absl::FunctionRef<void(Connection&)> last);

  // Whether this is a child whose parent could not close them. They must then not be closed nor
  // destroyed: what other threads were at is half done.
  bool left_behind();

  const std::string& path() const { return path_; }

 private:
  void CloseForFork();
  absl::Status TryWithWriter(Use use, bool* gave_way);

  // Inside the gate only:
  absl::Status CheckFile();
  absl::StatusOr<std::unique_ptr<Connection>> Open(bool read_only);
  absl::StatusOr<std::unique_ptr<Connection>> TakeReader();
  void Checkpoint() ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_mutex_);

  const std::string path_;
  const StoreOptions options_;

  Mutex file_mutex_;
  std::optional<FileId> file_ ABSL_GUARDED_BY(file_mutex_);
  std::optional<pid_t> opened_by_ ABSL_GUARDED_BY(file_mutex_);  // while connections may be open

  Mutex writer_mutex_;
  std::unique_ptr<Connection> writer_ ABSL_GUARDED_BY(writer_mutex_);  // null: open it first
  bool log_doubtful_ ABSL_GUARDED_BY(writer_mutex_) = false;           // a sync of it failed

  // Kept for the next time: as many as ever read at once.
  Mutex readers_mutex_;
  std::vector<std::unique_ptr<Connection>> readers_ ABSL_GUARDED_BY(readers_mutex_);

  ForkGate gate_{[this] { CloseForFork(); }};
};

}  // namespace nerava::analytics::sqlite
