// Where journals are: a folder for each store, and in it one for each process, which the process
// keeps locked while it lives.
//
//   <folder>/dead_letters.ndjson
//   <folder>/quarantine/              damaged segments, never deleted
//   <folder>/<pid>-<random>/          a process's, with its segments
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/journal/file.h"
#include "nerava/analytics/journal.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// The absolute path of the folder for this store's journals, as JournalOptions says, whose
// `directory` is made if it is missing; empty when there is to be no journal. InvalidArgument when
// one is wanted and there is no place for it, FailedPrecondition when the directory cannot be used.
absl::StatusOr<std::string> JournalFolderOf(const JournalOptions& options, const Store& store);

// Opens a store's folder, made with mode 0700 if missing. FailedPrecondition when it cannot be made,
// is a link, belongs to somebody else, or others may write there; NotFound when what it lies in is
// not there, or somebody removed it at once.
absl::StatusOr<std::shared_ptr<File>> OpenJournalFolder(const std::string& path);

// How many damaged segments are kept aside in a store's folder.
std::size_t CountQuarantined(const std::string& store_folder);

// A process's folder, locked as long as this lives. A lock that can be taken shows that the process
// is dead.
class ProcessFolder {
 public:
  // Makes one for this process in the store's folder.
  static absl::StatusOr<std::shared_ptr<ProcessFolder>> Create(const std::string& store_folder);
  // Takes over that of a dead process; null when it lives, or is gone.
  static absl::StatusOr<std::shared_ptr<ProcessFolder>> Adopt(std::shared_ptr<File> store_folder,
                                                              const std::string& name);
  // Whether a name in the store's folder is that of a process's folder.
  static bool IsName(const std::string& name);

  // RemoveIfEmpty(). When it is not, the end of the lock leaves it to whoever comes next.
  ~ProcessFolder();
  ProcessFolder(const ProcessFolder&) = delete;
  ProcessFolder& operator=(const ProcessFolder&) = delete;

  File& file() { return *file_; }
  const std::shared_ptr<File>& store_folder() { return store_folder_; }
  const std::string& path() const { return file_->path(); }

  absl::StatusOr<std::shared_ptr<File>> Open(const std::string& name, int flags);
  // Removes the folder, and with the last one the store's, when there is nothing in them.
  void RemoveIfEmpty();
  // Moves a file to the quarantine; `*path` is where it is then, empty when somebody else took it.
  absl::Status Quarantine(const std::string& name, std::string* path);
  // Makes the folder itself and the way to it durable.
  absl::Status Sync();

 private:
  ProcessFolder(std::shared_ptr<File> store_folder, std::shared_ptr<File> file, std::string name);

  const std::shared_ptr<File> store_folder_;
  const std::shared_ptr<File> file_;
  const std::string name_;
};

}  // namespace nerava::analytics
