// Which files this process had open when it was forked.
//
// SQLite remembers a file's locks for the whole process. A forked child inherits that memory but not
// the locks: it would take a file for locked that is not, and commits could be lost, its own and its
// parent's. So stores close their files over a fork, and a file that was open all the same (a
// transaction hung, or the host has a connection of its own) must not be used by the child.
#pragma once

#include <sys/types.h>

#include <compare>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nerava::analytics::sqlite {

struct FileId {
  dev_t device;
  ino_t inode;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

// The file at `path`, which must exist. FailedPrecondition when this process inherited it open.
absl::StatusOr<FileId> FindFile(const std::string& path);

// The error for a file, or a connection, that a child inherited.
absl::Status Inherited(const std::string& path);

}  // namespace nerava::analytics::sqlite
