// Standard error, which may be closed or full: that harms nobody.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "absl/status/status.h"

namespace nerava::examples {

// Writes a line. Thread-safe.
void Log(std::string line);

// What fails behind the scenes. Writes at most a line a second, which tells how many were left out before.
// Thread-safe.
class ErrorLog {
 public:
  void Add(const absl::Status& error);

 private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_;
  std::uint64_t left_out_ = 0;
};

}  // namespace nerava::examples
