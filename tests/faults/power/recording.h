// Runs the recorded program.
#pragma once

#include <string>
#include <vector>

#include "tests/faults/power/disk.h"

namespace nerava::analytics::testing {

// A folder, and what programs that ran one after the other did to it.
class Recording {
 public:
  // The folder exists, and is `before` so far. The record is kept in `file`, which is not in it.
  Recording(std::string folder, std::string file, Snapshot before);

  // Runs power_workload on the folder; see there. Throws std::runtime_error when it fails, or when
  // the folder is then not what the record says: something was not recorded.
  void Run(const std::string& durability, int first, int end, int threads,
           const std::string& ending);

  const std::string& folder() const { return folder_; }
  const Snapshot& before() const { return before_; }
  const std::vector<Record>& records() const { return records_; }

 private:
  const std::string folder_;
  const std::string file_;
  const Snapshot before_;
  std::string bytes_;  // what records_ point into
  std::vector<Record> records_;
};

}  // namespace nerava::analytics::testing
