// Which SQLite files this process has open, and since before which fork().
//
// SQLite remembers a file's locks for the whole process. A forked child inherits that memory but not
// the locks: it would take a file for locked that is not, and its commits could be lost. So a file
// that was open at the fork must not be used by the child, and this is how we know.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nerava::analytics::sqlite {

// Registered while it lives. Thread-safe.
class OpenFile {
 public:
  // FailedPrecondition when a parent process has it open since before the fork. The file must exist.
  static absl::StatusOr<std::unique_ptr<OpenFile>> Register(const std::string& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // Whether this process is a fork of the one that opened it.
  bool inherited() const;
  // FailedPrecondition when inherited.
  absl::Status Check() const;

 private:
  OpenFile(std::string path, dev_t device, ino_t inode);

  const std::string path_;
  const dev_t device_;
  const ino_t inode_;
  const pid_t opened_by_;
};

}  // namespace nerava::analytics::sqlite
