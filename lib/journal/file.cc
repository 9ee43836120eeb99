#include "lib/journal/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "fmt/format.h"

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

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view doing, std::string_view path) {
  return absl::Status(CodeOf(error), fmt::format("cannot {} \"{}\": {}{}", doing, path,
                                                 std::strerror(error), Advice(error)));
}

File::File(int fd, std::string path)
    : ForkListener(Order::kOther), fd_(fd), path_(std::move(path)) {
  Watch();
}

File::~File() {
  // In this order: between the two a child may keep the descriptor, which is harmless; the other
  // way round it could close somebody else's that has the same number.
  Unwatch();
  if (fd_ >= 0) close(fd_);
}

void File::AfterForkInChild() {
  close(fd_);
  fd_ = -1;
}

absl::StatusOr<std::shared_ptr<File>> File::OpenAt(int folder, const std::string& name, int flags,
                                                   std::string path) {
  const int fd = Retrying([&] {
    return openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  });
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  return std::shared_ptr<File>(new File(fd, std::move(path)));
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

absl::StatusOr<std::string> File::ReadAll() {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return ErrnoStatus(errno, "look at", path_);
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t read = Retrying([&] {
      return pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
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
