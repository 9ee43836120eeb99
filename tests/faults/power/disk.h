// A folder on a disk, as a record tells of it: what is certainly on the disk, and what the system
// still holds in memory, of which a power failure leaves any part.
//
// The model is stricter than ext4 with data=ordered; it promises only what POSIX does:
//  - A sector (512 bytes) of a file holds what it held at any moment since the file was last synced,
//    each sector by itself; the size is that of any such moment. Allocated space that was not
//    written is zeros.
//  - The entries of a directory are those of any moment since the directory itself was synced: a
//    new file may be missing although its content is on the disk, a removed one may be back. A
//    rename within a directory is one step.
//  - A sync makes certain, once it ends, what was done before it began.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/faults/power/record.h"

namespace nerava::analytics::testing {

// One call of the recorded program; the strings point into the record.
struct Record {
  record_header header;
  std::string_view path;
  std::string_view other_path;
  std::string_view data;
};

// Throws std::runtime_error unless `bytes` are whole records.
std::vector<Record> ParseRecords(std::string_view bytes);

// The files of a folder by their relative paths, with their content; nullopt for a folder. Without
// SQLite's *-shm files, which are made anew after a crash.
using Snapshot = std::map<std::string, std::optional<std::string>>;

Snapshot ReadSnapshot(const std::string& folder);
// Leaves nothing else in the folder.
void WriteSnapshot(const Snapshot& snapshot, const std::string& folder);

class Disk {
 public:
  // Whether a sync of the file or directory of this path does anything; a disk may lie.
  using SyncWorks = std::function<bool(std::string_view path)>;
  static constexpr auto kHonest = [](std::string_view /*path*/) { return true; };

  // `content` is certainly there.
  explicit Disk(const Snapshot& content, SyncWorks sync_works = kHonest);
  ~Disk();

  // The next record; it must outlive the disk. Throws std::runtime_error when it makes no sense
  // after those before.
  void Apply(const Record& record);

  // How many records were applied, and whether the change that one of them made to a file is
  // certainly on the disk (or the file was removed since, and so not needed any more).
  std::size_t applied() const { return settled_.size(); }
  bool IsSettled(std::size_t record) const { return settled_[record]; }

  // The folder as the program sees it, and as it may be found after a power failure now.
  Snapshot Now() const;
  Snapshot AfterPowerFailure(std::mt19937_64& random) const;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Entries = std::map<std::string, NodePtr, std::less<>>;
  struct Sync {
    NodePtr node;
    std::size_t changes;  // made when it began
  };

  // The directory that holds `path`, and the last name of it.
  std::pair<NodePtr, std::string> Locate(std::string_view path) const;
  NodePtr Find(std::string_view path) const;  // null: there is none
  // Sets what is found under a path, null for nothing more.
  void Enter(std::string_view path, NodePtr node);
  void Open(const Record& record);
  void Remove(const Record& record);
  void Rename(const Record& record);
  void EndSync(const Sync& sync);
  void Collect(const std::string& path, const Entries& entries, std::mt19937_64* failure,
               Snapshot* snapshot) const;

  const SyncWorks sync_works_;
  NodePtr root_;
  std::map<std::pair<int, int>, NodePtr> open_;  // by process and descriptor
  std::map<int, Sync> syncs_;                    // those under way, by thread
  std::vector<bool> settled_;                    // by record
};

}  // namespace nerava::analytics::testing
