#include "lib/store/sqlite/inherited_files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include "absl/base/thread_annotations.h"
#include "fmt/format.h"
#include "lib/base/fork.h"
#include "lib/base/mutex.h"

namespace nerava::analytics::sqlite {
namespace {

// Never destroyed.
class InheritedFiles final : public ForkListener {
 public:
  static InheritedFiles& Get() {
    static InheritedFiles& files = *new InheritedFiles;
    return files;
  }

  bool Contains(FileId file) {
    MutexLock lock(mutex_);
    used_ = true;
    return files_.count(file) > 0;
  }

 private:
  InheritedFiles() : ForkListener(Order::kOther) { Watch(); }

  void BeforeFork() override ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  void AfterForkInParent() override ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }
  void AfterForkInChild() override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    // Before a store can open anything here. A process without stores need not look.
    if (used_) LookForOpenFiles();
    mutex_.Unlock();
  }

  void LookForOpenFiles() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    files_.clear();
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
    if (folder == nullptr) return;
    while (const dirent* const entry = readdir(folder.get())) {
      struct stat file {};
      // "." and ".." are folders.
      if (fstatat(dirfd(folder.get()), entry->d_name, &file, 0) == 0 && S_ISREG(file.st_mode)) {
        files_.insert({file.st_dev, file.st_ino});
      }
    }
  }

  Mutex mutex_;
  bool used_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<FileId> files_ ABSL_GUARDED_BY(mutex_);
};

// From the start of the program: who is inside a ForkGate cannot register while a fork waits.
[[maybe_unused]] const InheritedFiles& registered_at_start = InheritedFiles::Get();

}  // namespace

absl::StatusOr<FileId> FindFile(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "cannot use the SQLite file \"{}\": {}; was it moved away?", path, std::strerror(errno)));
  }
  const FileId id{file.st_dev, file.st_ino};
  if (InheritedFiles::Get().Contains(id)) return Inherited(path);
  return id;
}

absl::Status Inherited(const std::string& path) {
  return absl::FailedPreconditionError(fmt::format(
      "the SQLite file \"{}\" was in use at fork(), and SQLite cannot use it in the child: fork "
      "outside of transactions, when no other connection of the program has the file open, or "
      "start "
      "the child with exec (in Python: the spawn method)",
      path));
}

}  // namespace nerava::analytics::sqlite
