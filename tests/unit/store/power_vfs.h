// A disk whose power can fail: SQLite's files, and beside them what of them would be left.
#pragma once

#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace nerava::analytics::testing {

// While it lives, all of SQLite goes through it: the default VFS, with an eye on writes and syncs.
// What was not synced is lost when the power fails (the worst that may happen), and so is for ever
// what a sync failed to write, unless it is written again: as Linux does it, later syncs do not tell.
// One at a time; one thread.
class PowerVfs {
 public:
  explicit PowerVfs(const std::string& safe_folder) : safe_(safe_folder) {
    std::filesystem::create_directory(safe_);
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "power";
    vfs_.xOpen = Open;
    vfs_.xDelete = Delete;
    now_ = this;
    sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
  }
  ~PowerVfs() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, /*makeDflt=*/1);
    now_ = nullptr;
  }
  PowerVfs(const PowerVfs&) = delete;
  PowerVfs& operator=(const PowerVfs&) = delete;

  // A file as it would be if the power failed now, with all that SQLite keeps beside it. To be opened
  // with the VFS "unix"; valid until the next call.
  std::string AfterPowerFailure(const std::string& name) const {
    const std::filesystem::path left = safe_ / "left";
    std::filesystem::remove_all(left);
    std::filesystem::create_directory(left);
    std::filesystem::copy(safe_, left);  // files only
    return (left / name).string();
  }

  // Called before writes; the name of the file, without folders.
  std::function<void(const std::string& name)> on_write;
  // Whether a sync is to fail.
  std::function<bool(const std::string& name)> fails;

 private:
  struct File {
    std::string path;
    const sqlite3_io_methods* real;
    std::unique_ptr<sqlite3_io_methods> methods;
  };

  static std::string Name(const std::string& path) {
    return std::filesystem::path(path).filename().string();
  }

  static int Open(sqlite3_vfs*, const char* path, sqlite3_file* opened, int flags, int* out_flags) {
    const int code = now_->real_->xOpen(now_->real_, path, opened, flags, out_flags);
    if (code != SQLITE_OK || path == nullptr) return code;
    File& file = now_->files_[opened];
    file = {path, opened->pMethods, std::make_unique<sqlite3_io_methods>(*opened->pMethods)};
    file.methods->xWrite = Write;
    file.methods->xTruncate = Truncate;
    file.methods->xSync = Sync;
    file.methods->xClose = Close;
    opened->pMethods = file.methods.get();
    return code;
  }

  static int Delete(sqlite3_vfs*, const char* path, int sync) {
    const int code = now_->real_->xDelete(now_->real_, path, sync);
    if (code == SQLITE_OK) std::filesystem::remove(now_->safe_ / Name(path));
    return code;
  }

  static int Write(sqlite3_file* handle, const void* bytes, int size, sqlite3_int64 offset) {
    const File& file = now_->files_.at(handle);
    if (now_->on_write) now_->on_write(Name(file.path));
    return file.real->xWrite(handle, bytes, size, offset);
  }

  static int Truncate(sqlite3_file* handle, sqlite3_int64 size) {
    const File& file = now_->files_.at(handle);
    if (size == 0) now_->given_up_.erase(file.path);
    return file.real->xTruncate(handle, size);
  }

  static int Sync(sqlite3_file* handle, int flags) {
    const File& file = now_->files_.at(handle);
    const std::string name = Name(file.path);
    if (now_->fails && now_->fails(name)) {
      now_->given_up_[file.path] = true;
      return SQLITE_IOERR_FSYNC;
    }
    const int code = file.real->xSync(handle, flags);
    if (code == SQLITE_OK && now_->given_up_.count(file.path) == 0) {
      std::filesystem::copy_file(file.path, now_->safe_ / name,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    return code;
  }

  static int Close(sqlite3_file* handle) {
    auto node = now_->files_.extract(handle);
    return node.mapped().real->xClose(handle);
  }

  inline static PowerVfs* now_ = nullptr;
  const std::filesystem::path safe_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  std::map<sqlite3_file*, File> files_;
  std::map<std::string, bool> given_up_;  // by path: unsynced bytes are lost
};

}  // namespace nerava::analytics::testing
