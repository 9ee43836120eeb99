#include "lib/store/sqlite/open_files.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "fmt/format.h"
#include "lib/base/mutex.h"

namespace nerava::analytics::sqlite {
namespace {

// By device, inode and opener: how many stores have it open. Never destroyed.
struct Registry {
  Mutex mutex;
  std::map<std::tuple<dev_t, ino_t, pid_t>, int> files ABSL_GUARDED_BY(mutex);
};

Registry& TheRegistry() {
  static Registry& registry = []() -> Registry& {
    static Registry& made = *new Registry;
    // No thread holds the lock at a fork: the child could never take it.
    pthread_atfork([]() ABSL_NO_THREAD_SAFETY_ANALYSIS { made.mutex.Lock(); },
                   []() ABSL_NO_THREAD_SAFETY_ANALYSIS { made.mutex.Unlock(); },
                   []() ABSL_NO_THREAD_SAFETY_ANALYSIS { made.mutex.Unlock(); });
    return made;
  }();
  return registry;
}

absl::Status Inherited(const std::string& path) {
  return absl::FailedPreconditionError(fmt::format(
      "the SQLite file \"{}\" was opened before fork(): SQLite cannot use it in the child; open it "
      "only after forking, or start the child with exec (in Python: the spawn method)",
      path));
}

}  // namespace

OpenFile::OpenFile(std::string path, dev_t device, ino_t inode)
    : path_(std::move(path)), device_(device), inode_(inode), opened_by_(getpid()) {}

absl::StatusOr<std::unique_ptr<OpenFile>> OpenFile::Register(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("cannot look at \"{}\": {}", path, std::strerror(errno)));
  }
  std::unique_ptr<OpenFile> opened(new OpenFile(path, file.st_dev, file.st_ino));
  Registry& registry = TheRegistry();
  bool inherited = false;
  {
    MutexLock lock(registry.mutex);
    for (auto it = registry.files.lower_bound({file.st_dev, file.st_ino, 0});
         it != registry.files.end() && std::get<0>(it->first) == file.st_dev &&
         std::get<1>(it->first) == file.st_ino;
         ++it) {
      inherited = inherited || std::get<2>(it->first) != opened->opened_by_;
    }
    ++registry.files[{file.st_dev, file.st_ino, opened->opened_by_}];
  }
  if (inherited) return Inherited(path);
  return opened;
}

OpenFile::~OpenFile() {
  if (inherited()) return;
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  const auto found = registry.files.find({device_, inode_, opened_by_});
  if (--found->second == 0) registry.files.erase(found);
}

bool OpenFile::inherited() const { return getpid() != opened_by_; }

absl::Status OpenFile::Check() const { return inherited() ? Inherited(path_) : absl::OkStatus(); }

}  // namespace nerava::analytics::sqlite
