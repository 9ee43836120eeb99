#include "lib/journal/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/base/environment.h"
#include "lib/base/out_of_memory.h"

namespace nerava::analytics {
namespace {

constexpr mode_t kOnlyOwner = S_IRWXU;
constexpr int kFolder = O_RDONLY | O_DIRECTORY;
constexpr char kQuarantine[] = "quarantine";
constexpr int kAttempts = 100;

// A file name that shows which store it is for, and differs for any two.
std::string FolderName(const std::string& description) {
  std::string name;
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : description) {
    const bool plain = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9');
    if (plain || c == '.') {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  constexpr std::size_t kShown = 80;  // the end says most
  if (name.size() > kShown) name.erase(0, name.size() - kShown);
  return fmt::format("{}-{:016x}", name, hash);
}

std::string RandomName() {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}", getpid(), random(), random());
}

absl::Status CheckOwner(const File& folder) {
  struct stat status {};
  if (fstat(folder.fd(), &status) != 0) return ErrnoStatus(errno, "look at", folder.path());
  if (status.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        fmt::format("the journal's folder \"{}\" belongs to user {} and this process runs as {}: "
                    "give each user a journal_dir of their own",
                    folder.path(), status.st_uid, geteuid()));
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "others may write to the journal's folder \"{}\" (mode {:o}): chmod 700 it, or choose "
        "another journal_dir",
        folder.path(), status.st_mode & 07777));
  }
  return absl::OkStatus();
}

absl::Status MakeFolder(int parent, const std::string& name, const std::string& path) {
  if (mkdirat(parent, name.c_str(), kOnlyOwner) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoStatus(errno, "make the folder", path);
}

// A folder as it is, which must be ours and no link.
absl::StatusOr<std::shared_ptr<File>> OpenFolder(const std::string& path) {
  auto folder = File::OpenAt(AT_FDCWD, path, kFolder, path);
  if (!folder.ok()) return folder.status();
  if (absl::Status ours = CheckOwner(**folder); !ours.ok()) return ours;
  return folder;
}

// Makes its entries durable. It may be a link.
absl::Status SyncFolder(const std::string& path) {
  auto folder = File::OpenAt(AT_FDCWD, path + "/.", kFolder, path);
  return folder.ok() ? (*folder)->Sync() : folder.status();
}

// Where programs keep what they must not lose: as systemd says, else as the XDG Base Directory
// Specification, else the system's. Empty: there is no such place for this user.
std::filesystem::path StateFolder() {
  constexpr char kName[] = "nerava-analytics";
  const auto absolute = [](std::string path) -> std::filesystem::path {
    return path.starts_with('/') ? std::filesystem::path(std::move(path))
                                 : "";  // others do not count
  };
  const std::string by_systemd = EnvironmentVariable("STATE_DIRECTORY");  // may be several
  const auto service = absolute(by_systemd.substr(0, by_systemd.find(':')));
  if (!service.empty()) return service / kName;
  const auto user = absolute(EnvironmentVariable("XDG_STATE_HOME"));
  if (!user.empty()) return user / kName;
  const auto home = absolute(EnvironmentVariable("HOME"));
  if (!home.empty()) return home / ".local/state" / kName;
  return geteuid() == 0 ? std::filesystem::path("/var/lib") / kName : "";
}

// Makes a journal_dir, and what it lies in, for good.
absl::Status PrepareDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  std::vector<std::filesystem::path> made_in;  // where an entry is new
  for (std::filesystem::path missing = directory;
       !std::filesystem::exists(missing, error) && missing.has_relative_path();
       missing = missing.parent_path()) {
    made_in.push_back(missing.parent_path());
  }
  std::filesystem::create_directories(directory.parent_path(), error);
  if (mkdir(directory.c_str(), kOnlyOwner) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(
        fmt::format("cannot make the journal_dir \"{}\": {}; choose another", directory.string(),
                    std::strerror(errno)));
  }
  for (const std::filesystem::path& parent : made_in) {
    if (absl::Status synced = SyncFolder(parent); !synced.ok()) return synced;
  }
  return OpenFolder(directory).status();
}

}  // namespace

absl::StatusOr<std::string> JournalFolderOf(const JournalOptions& options, const Store& store) {
  const std::string own = store.JournalFolder();
  const Durability durability =
      options.durability.value_or(own.empty() ? Durability::kMemory : Durability::kProcess);
  if (durability == Durability::kMemory) return std::string();
  if (options.directory.empty() && !own.empty()) return own;
  const std::string description = store.Description();
  if (options.directory.empty() && (description.empty() || description == "memory:")) {
    // Others of the user have such a one, too, and would take over what is not theirs.
    return absl::InvalidArgumentError(
        fmt::format("nothing tells the store \"{}\" from others: for a journal set journal_dir, or "
                    "durability to memory",
                    description));
  }
  const std::filesystem::path wanted =
      options.directory.empty() ? StateFolder() : std::filesystem::path(options.directory);
  if (wanted.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "there is no place for a journal: the store {} names none, and neither "
        "STATE_DIRECTORY, XDG_STATE_HOME nor HOME is an absolute path; set journal_dir, "
        "or durability to memory",
        store.Description()));
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(wanted, error);
  if (error == std::errc::not_enough_memory) return OutOfMemory();
  if (error) {
    return absl::InvalidArgumentError(fmt::format("journal_dir \"{}\" cannot be made absolute: {}",
                                                  wanted.string(), error.message()));
  }
  if (absl::Status prepared = PrepareDirectory(folder); !prepared.ok()) return prepared;
  return (folder / FolderName(description)).string();
}

absl::StatusOr<std::shared_ptr<File>> OpenJournalFolder(const std::string& path) {
  if (absl::Status made = MakeFolder(AT_FDCWD, path, path); !made.ok()) return made;
  return OpenFolder(path);
}

ProcessFolder::ProcessFolder(std::shared_ptr<File> store_folder, std::shared_ptr<File> file,
                             std::string name)
    : store_folder_(std::move(store_folder)), file_(std::move(file)), name_(std::move(name)) {}

ProcessFolder::~ProcessFolder() { RemoveIfEmpty(); }

void ProcessFolder::RemoveIfEmpty() {
  // An inherited one belongs to the parent.
  if (file_->fd() < 0) return;
  // Both fail when they are not empty, which is right.
  unlinkat(store_folder_->fd(), name_.c_str(), AT_REMOVEDIR);
  rmdir(store_folder_->path().c_str());
}

absl::StatusOr<std::shared_ptr<ProcessFolder>> ProcessFolder::Create(
    const std::string& store_folder) {
  absl::Status status;
  // Somebody may remove a folder, or take it for a dead process's, before it is locked.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto parent = OpenJournalFolder(store_folder);
    if (absl::IsNotFound(parent.status())) continue;
    if (!parent.ok()) return parent.status();
    const std::string name = RandomName();
    const std::string path = fmt::format("{}/{}", store_folder, name);
    if (mkdirat((*parent)->fd(), name.c_str(), kOnlyOwner) != 0) {
      status = ErrnoStatus(errno, "make the folder", path);
      if (absl::IsNotFound(status) || absl::IsAlreadyExists(status)) continue;
      return status;
    }
    auto adopted = Adopt(*std::move(parent), name);
    if (!adopted.ok()) return adopted.status();
    if (*adopted != nullptr) return adopted;
  }
  return absl::UnavailableError(fmt::format(
      "cannot make a folder for this process in \"{}\": others remove it at once", store_folder));
}

absl::StatusOr<std::shared_ptr<ProcessFolder>> ProcessFolder::Adopt(
    std::shared_ptr<File> store_folder, const std::string& name) {
  const std::string path = fmt::format("{}/{}", store_folder->path(), name);
  auto folder = File::OpenAt(store_folder->fd(), name, kFolder, path);
  if (absl::IsNotFound(folder.status())) return nullptr;
  if (!folder.ok()) return folder.status();
  const auto locked = (*folder)->TryLock();
  if (!locked.ok()) return locked.status();
  if (!*locked) return nullptr;
  struct stat status {};
  if (fstat((*folder)->fd(), &status) != 0) return ErrnoStatus(errno, "look at", path);
  if (status.st_nlink == 0) return nullptr;  // removed before it was locked
  return std::shared_ptr<ProcessFolder>(
      new ProcessFolder(std::move(store_folder), *std::move(folder), name));
}

bool ProcessFolder::IsName(const std::string& name) {
  const std::size_t dash = name.find('-');
  const auto only = [](std::string_view text, std::string_view allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
  };
  return dash != std::string::npos && only(name.substr(0, dash), "0123456789") &&
         only(name.substr(dash + 1), "0123456789abcdef");
}

absl::StatusOr<std::shared_ptr<File>> ProcessFolder::Open(const std::string& name, int flags) {
  return File::OpenAt(file_->fd(), name, flags, fmt::format("{}/{}", path(), name));
}

std::size_t CountQuarantined(const std::string& store_folder) {
  std::error_code error;
  std::size_t count = 0;
  if (store_folder.empty()) return 0;
  const std::filesystem::path folder = std::filesystem::path(store_folder) / kQuarantine;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    ++count;
  }
  return count;
}

absl::Status ProcessFolder::Quarantine(const std::string& name, std::string* path) {
  path->clear();
  const std::string folder = fmt::format("{}/{}", store_folder_->path(), kQuarantine);
  if (absl::Status made = MakeFolder(store_folder_->fd(), kQuarantine, folder); !made.ok()) {
    return made;
  }
  // Processes have segments of the same number, and salts that differ.
  const std::string target = fmt::format("{}/{}-{}", kQuarantine, name_, name);
  std::string moved_to = fmt::format("{}/{}", store_folder_->path(), target);
  if (renameat(file_->fd(), name.c_str(), store_folder_->fd(), target.c_str()) == 0) {
    *path = std::move(moved_to);
    return absl::OkStatus();
  }
  const int error = errno;
  struct stat status {};
  const bool gone = fstatat(file_->fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0;
  if (error == ENOENT && gone) return absl::OkStatus();
  return ErrnoStatus(error, "move to the quarantine", fmt::format("{}/{}", this->path(), name));
}

absl::Status ProcessFolder::Sync() {
  if (absl::Status synced = file_->Sync(); !synced.ok()) return synced;
  if (absl::Status synced = store_folder_->Sync(); !synced.ok()) return synced;
  // The entry of the store's own folder, made by the first of its processes.
  return SyncFolder(std::filesystem::path(store_folder_->path()).parent_path());
}

}  // namespace nerava::analytics
