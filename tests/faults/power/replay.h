// A record replayed to some moment: the disk, and what the program had promised by then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "tests/faults/power/disk.h"
#include "tests/faults/power/recording.h"

namespace nerava::analytics::testing {

class Replay {
 public:
  // An event that Publish accepted.
  struct Accepted {
    int number;
    int process;
    std::size_t written;  // the thread's last write into the journal before, as a record
    std::int64_t steady_ns;
  };

  // The recording must outlive it.
  explicit Replay(const Recording& recording, Disk::SyncWorks sync_works = Disk::kHonest);

  // Applies the records before this one.
  void AdvanceTo(std::size_t record);

  const std::vector<Accepted>& accepted() const { return accepted_; }
  // Whether what holds the event in the journal was synced, or is not needed any more.
  bool IsSettled(const Accepted& event) const {
    return event.written != 0 && honest_.IsSettled(event.written);
  }

  Snapshot AfterPowerFailure(std::mt19937_64& random) const {
    return disk_.AfterPowerFailure(random);
  }

 private:
  void Apply(std::size_t number, const Record& record);

  const std::vector<Record>& records_;
  std::size_t next_ = 0;
  Disk disk_;    // may lie
  Disk honest_;  // what the program relied on
  std::vector<Accepted> accepted_;
  std::set<std::pair<int, int>> journal_;    // its open files, by process and descriptor
  std::map<int, std::size_t> last_written_;  // by thread
};

}  // namespace nerava::analytics::testing
