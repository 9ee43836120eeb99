#include "examples/server/log.h"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

namespace nerava::examples {

void Log(std::string line) {
  line += '\n';
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

void ErrorLog::Add(const absl::Status& error) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) {
    ++left_out_;
    return;
  }
  next_ = now + std::chrono::seconds(1);
  std::string line = "error: " + std::string(error.message());
  if (const std::uint64_t count = std::exchange(left_out_, 0); count > 0) {
    line += fmt::format(" ({} more before)", count);
  }
  Log(std::move(line));
}

}  // namespace nerava::examples
