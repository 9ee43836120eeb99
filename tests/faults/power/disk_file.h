// The content of one file on a disk: what is certainly there, and the changes since.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nerava::analytics::testing {

class DiskFile {
 public:
  explicit DiskFile(std::string synced) : synced_(std::move(synced)) {}

  // `record` says which record it was; `data` must outlive the file.
  void Write(std::size_t record, std::int64_t offset, std::string_view data);
  void Resize(std::size_t record, std::int64_t size);
  void Allocate(std::size_t record, std::int64_t end);

  // How many changes there ever were.
  std::size_t changes() const { return forgotten_ + changes_.size(); }
  // The first `count` of them are on the disk now.
  void Sync(std::size_t count);
  // The records of those that are not on the disk, of the first `count`.
  std::vector<std::size_t> unsynced(std::size_t count = SIZE_MAX) const;

  // What the program sees, and what may be left after a power failure: each sector as it was after
  // any number of the changes since the last sync, and the size likewise.
  std::string Now() const;
  std::string AfterPowerFailure(std::mt19937_64& random) const;

 private:
  struct Change {
    std::size_t record;
    std::int64_t offset;
    std::string_view data;  // written at `offset`; empty for other changes
    std::int64_t size;      // of the file, after it
  };

  std::int64_t SizeAfter(std::size_t changes) const;
  static void Apply(const Change& change, std::string* content);

  std::string synced_;
  std::deque<Change> changes_;
  std::size_t forgotten_ = 0;  // changes that are in `synced_`
};

}  // namespace nerava::analytics::testing
