#include "examples/common/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace nerava::examples {

std::string WithThousands(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first_digit = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first_digit + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

Progress::Progress(std::string unit, bool quiet)
    : unit_(std::move(unit)), enabled_(!quiet && isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { Clear(); }

void Progress::Update(std::optional<double> fraction, std::uint64_t count) {
  if (!enabled_) return;
  const SteadyClock::time_point now = SteadyClock::now();
  if (now < next_draw_) return;
  next_draw_ = now + std::chrono::milliseconds(100);

  std::string bar;
  if (fraction) {
    constexpr int kWidth = 30;
    const int done = static_cast<int>(std::clamp(*fraction, 0.0, 1.0) * kWidth);
    bar = fmt::format("[{:=<{}}{:{}}] {:3.0f} %  ", "", done, "", kWidth - done, *fraction * 100);
  }
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0;
  fmt::print(stderr, "\r\033[K{}{} {}  {}/s", bar, WithThousands(static_cast<std::int64_t>(count)),
             unit_, WithThousands(static_cast<std::int64_t>(rate)));
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::Clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace nerava::examples
