// A program run by a test, which may kill it.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace nerava::analytics::testing {

// One thread at a time. Still running at the end of its life, it is killed.
class Process {
 public:
  // Runs argv[0] with these variables added to the environment. `output` takes what it prints.
  Process(std::vector<std::string> argv, const std::map<std::string, std::string>& variables,
          const std::string& output);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Whether it ended within `patience`; see exit_code.
  bool Wait(absl::Duration patience);
  void Signal(int signal) const;
  void Kill();
  // Ends its standard input.
  void EndInput();

  // Once it ended: its exit status, or minus the signal that killed it.
  int exit_code() const { return exit_code_.value(); }

 private:
  pid_t pid_ = -1;
  int handle_ = -1;  // of pidfd_open: readable once it has ended
  int input_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace nerava::analytics::testing
