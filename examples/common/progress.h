// A progress line on a terminal; nothing at all elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace nerava::examples {

// 1234567 -> "1,234,567".
std::string WithThousands(std::int64_t number);

// Draws on stderr, at most ten times a second. One thread.
class Progress {
 public:
  // `unit` is what is counted: "events", "rows". Draws nothing when stderr is no terminal or
  // `quiet`.
  Progress(std::string unit, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `fraction` is 0..1, or absent when the end is not known.
  void Update(std::optional<double> fraction, std::uint64_t count);

  // Wipes the line, so that other text can be printed.
  void Clear();

 private:
  using SteadyClock = std::chrono::steady_clock;

  const std::string unit_;
  const bool enabled_;
  const SteadyClock::time_point begin_ = SteadyClock::now();
  SteadyClock::time_point next_draw_ = begin_;
  bool drawn_ = false;
};

}  // namespace nerava::examples
