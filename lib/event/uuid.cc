#include "lib/event/uuid.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

namespace nerava::analytics {
namespace {

// Counts the forks that lie behind this process, so that a child does not go on with the random
// numbers of its parent.
std::atomic<std::uint32_t>& ForkCount() {
  static std::atomic<std::uint32_t> count{0};
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { ForkCount().fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return count;
}

// Entropy of the kernel; process, thread and time beside it in case the kernel has none to give.
std::mt19937_64 MakeSeededGenerator(const void* thread_address) {
  std::array<std::uint32_t, 14> seed{};
  static_cast<void>(getentropy(seed.data(), 8 * sizeof(seed[0])));
  const auto now =
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  const auto address = reinterpret_cast<std::uintptr_t>(thread_address);
  seed[8] = static_cast<std::uint32_t>(getpid());
  seed[9] = static_cast<std::uint32_t>(now);
  seed[10] = static_cast<std::uint32_t>(now >> 32);
  seed[11] = static_cast<std::uint32_t>(address);
  seed[12] = static_cast<std::uint32_t>(std::uint64_t{address} >> 32);
  std::seed_seq sequence(seed.begin(), seed.end());
  return std::mt19937_64(sequence);
}

// One a thread.
class Generator {
 public:
  std::uint64_t Random() {
    const std::uint32_t forks = ForkCount().load(std::memory_order_relaxed);
    if (forks != forks_) {
      random_ = MakeSeededGenerator(this);
      forks_ = forks;
    }
    return random_();
  }

  // `ticks` are 1/4096 ms. Ids of the same tick get the following ones, up to a millisecond ahead.
  std::uint64_t Ascending(std::uint64_t ticks) {
    if (ticks <= last_ticks_ && last_ticks_ - ticks < kTicksPerMilli) ticks = last_ticks_ + 1;
    last_ticks_ = ticks;
    return ticks;
  }

  static constexpr std::uint64_t kTicksPerMilli = 4096;

 private:
  std::uint32_t forks_ = ForkCount().load(std::memory_order_relaxed);
  std::uint64_t last_ticks_ = 0;
  std::mt19937_64 random_ = MakeSeededGenerator(this);
};

void PutHex(std::uint64_t value, std::size_t digits, std::string* text, std::size_t at) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = digits; i > 0; --i, value >>= 4) (*text)[at + i - 1] = kHex[value & 15];
}

}  // namespace

std::string MakeUuidV7(absl::Time time) {
  thread_local Generator generator;
  constexpr std::int64_t kMaxMicros = (std::int64_t{1} << 48) * 1000 - 1;
  const auto micros =
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(absl::ToUnixMicros(time), 0, kMaxMicros));
  constexpr std::uint64_t kPerMilli = Generator::kTicksPerMilli;
  const std::uint64_t ticks =
      generator.Ascending(micros / 1000 * kPerMilli + micros % 1000 * kPerMilli / 1000);
  const std::uint64_t random = generator.Random();

  std::string text = "00000000-0000-7000-0000-000000000000";
  const std::uint64_t millis = ticks / kPerMilli;
  PutHex(millis >> 16, 8, &text, 0);
  PutHex(millis, 4, &text, 9);
  PutHex(ticks % kPerMilli, 3, &text, 15);
  PutHex(0x8000 | (random >> 50), 4, &text, 19);  // variant 10, then 14 random bits
  PutHex(random, 12, &text, 24);
  return text;
}

}  // namespace nerava::analytics
