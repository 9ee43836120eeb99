#include "lib/journal/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "fmt/format.h"
#include "lib/base/mutex.h"

namespace nerava::analytics {
namespace {

// Calls until no signal interrupts.
template <typename Call>
auto Retrying(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

std::string_view Advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free disk space";
    case EMFILE:
    case ENFILE:
      return "; raise the limit of open files (ulimit -n)";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; let this process write there, or choose another journal_dir";
    case ELOOP:
    case ENOTDIR:
      return "; it must be a folder and no symbolic link";
    default:
      return "";
  }
}

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// So that a child has no descriptor of which its File does not know.
struct OpenLock final : ForkListener {
  static OpenLock& Get() {
    static OpenLock& lock = *new OpenLock;
    return lock;
  }
  OpenLock() : ForkListener(Order::kOther) { Watch(); }

  void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex.Lock(); }
  void AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex.Unlock(); }
  void AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex.Unlock(); }

  Mutex mutex;
};
[[maybe_unused]] const OpenLock& made_at_start = OpenLock::Get();

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view doing, std::string_view path) {
  return absl::Status(CodeOf(error), fmt::format("cannot {} \"{}\": {}{}", doing, path,
                                                 std::strerror(error), Advice(error)));
}

File::File(std::string path) : ForkListener(Order::kOther), path_(std::move(path)) { Watch(); }

File::~File() {
  // Children may have copies: those forked from here on, or by other means than fork().
  if (fd_ >= 0) flock(fd_, LOCK_UN);
  // In this order: the other way round a child could close somebody else's that has the same number.
  Unwatch();
  if (fd_ >= 0) close(fd_);
}

void File::AfterForkInChild() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::StatusOr<std::shared_ptr<File>> File::OpenAt(int folder, const std::string& name, int flags,
                                                   std::string path) {
  const std::shared_ptr<File> file(new File(std::move(path)));
  int error = 0;
  {
    MutexLock lock(OpenLock::Get().mutex);
    file->fd_ = Retrying([&] {
      return openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    });
    error = errno;
  }
  if (file->fd_ < 0) return ErrnoStatus(error, "open", file->path());
  return file;
}

absl::Status File::WriteAt(std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written =
        Retrying([&] { return pwrite(fd_, bytes.data(), bytes.size(), offset); });
    if (written <= 0) return ErrnoStatus(written < 0 ? errno : EIO, "write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return absl::OkStatus();
}

absl::Status File::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = Retrying([&] { return write(fd_, bytes.data(), bytes.size()); });
    if (written <= 0) return ErrnoStatus(written < 0 ? errno : EIO, "write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> File::Size() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return ErrnoStatus(errno, "look at", path_);
  return status.st_size;
}

absl::StatusOr<std::string> File::Read(std::int64_t offset, std::int64_t max_bytes) {
  const auto size = Size();
  if (!size.ok()) return size.status();
  const std::int64_t wanted = std::max<std::int64_t>(0, *size - offset);
  if (wanted > max_bytes) {
    return absl::DataLossError(fmt::format(
        "\"{}\" has {} bytes, and no such file has more than {}: move it away to look into it",
        path_, *size, offset + max_bytes));
  }
  std::string bytes(static_cast<std::size_t>(wanted), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t read = Retrying([&] {
      return pread(fd_, bytes.data() + done, bytes.size() - done,
                   static_cast<off_t>(done) + offset);
    });
    if (read < 0) return ErrnoStatus(errno, "read", path_);
    if (read == 0) break;  // it became shorter meanwhile
    done += static_cast<std::size_t>(read);
  }
  bytes.resize(done);
  return bytes;
}

absl::Status File::Preallocate(std::int64_t bytes) {
  // Not posix_fallocate, which writes zeros one by one where the file system cannot.
  const int result = Retrying([&] { return fallocate(fd_, 0, 0, bytes); });
  if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return absl::OkStatus();
  return ErrnoStatus(errno, "reserve space in", path_);
}

absl::Status File::Truncate(std::int64_t bytes) {
  if (Retrying([&] { return ftruncate(fd_, bytes); }) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "shorten", path_);
}

absl::Status File::Sync() {
  if (Retrying([&] { return fdatasync(fd_); }) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "sync", path_);
}

absl::StatusOr<bool> File::TryLock() {
  if (Retrying([&] { return flock(fd_, LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return ErrnoStatus(errno, "lock", path_);
}

absl::Status File::Lock() {
  if (Retrying([&] { return flock(fd_, LOCK_EX); }) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "lock", path_);
}

absl::Status File::Remove(const std::string& name) {
  if (unlinkat(fd_, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, "remove", fmt::format("{}/{}", path_, name));
}

absl::Status File::Rename(const std::string& from, const std::string& to) {
  if (renameat(fd_, from.c_str(), fd_, to.c_str()) != 0) {
    return ErrnoStatus(errno, "rename", fmt::format("{}/{}", path_, from));
  }
  return Sync();
}

absl::StatusOr<std::vector<std::string>> File::List() {
  // A descriptor of its own, as reading moves it.
  const int fd =
      Retrying([&] { return openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW); });
  if (fd < 0) return ErrnoStatus(errno, "list", path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(fd), closedir);
  if (folder == nullptr) {
    const int error = errno;
    close(fd);
    return ErrnoStatus(error, "list", path_);
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ErrnoStatus(errno, "list", path_);
  return names;
}

}  // namespace nerava::analytics
