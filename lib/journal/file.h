// Files by descriptor: owned, closed in forked children, errors as statuses.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/fork.h"

namespace nerava::analytics {

// An open file or folder. A forked child closes its copy at once: a copy would keep the parent's
// lock. Its functions may be called from several threads.
class File final : private ForkListener {
 public:
  // As openat(2), and never follows a link at the end of the path. `path` is for messages. NotFound,
  // AlreadyExists, or what ErrnoStatus says.
  static absl::StatusOr<std::shared_ptr<File>> OpenAt(int folder, const std::string& name,
                                                      int flags, std::string path);
  ~File() override;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

  // All of it, at `offset`; what was written before an error stays.
  absl::Status WriteAt(std::string_view bytes, std::int64_t offset);
  absl::Status Append(std::string_view bytes);
  // What is behind `offset`; DataLoss when that is more than `max_bytes`.
  absl::StatusOr<std::string> Read(std::int64_t offset, std::int64_t max_bytes);
  absl::StatusOr<std::int64_t> Size() const;
  // Reserves the disk space; no error where the file system cannot.
  absl::Status Preallocate(std::int64_t bytes);
  absl::Status Truncate(std::int64_t bytes);
  // fdatasync; of a folder: its entries.
  absl::Status Sync();
  // Whether nobody else had it; kept until this is destroyed, also when children have copies.
  absl::StatusOr<bool> TryLock();
  absl::Status Lock();

  // Of a folder: the names in it; removes a file, if it is there; renames one, for good.
  absl::StatusOr<std::vector<std::string>> List();
  absl::Status Remove(const std::string& name);
  absl::Status Rename(const std::string& from, const std::string& to);

 private:
  explicit File(std::string path);
  void AfterForkInChild() override;

  int fd_ = -1;
  const std::string path_;
};

// What a failed call means: Unavailable for what may pass (full disk, I/O error, too many files),
// FailedPrecondition for what somebody must change (permissions, wrong kind of file), NotFound,
// AlreadyExists. "cannot <doing> "<path>": <error>".
absl::Status ErrnoStatus(int error, std::string_view doing, std::string_view path);

}  // namespace nerava::analytics
