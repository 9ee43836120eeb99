#include "lib/event/uuid.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

#include "lib/base/fork.h"

namespace nerava::analytics {
namespace {

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

// One a thread. A forked child does not go on with the random numbers of its parent.
class Generator {
 public:
  std::uint64_t Random() {
    if (const std::uint32_t generation = ForkGeneration(); generation != generation_) {
      random_ = MakeSeededGenerator(this);
      generation_ = generation;
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
  std::uint32_t generation_ = ForkGeneration();
  std::uint64_t last_ticks_ = 0;
  std::mt19937_64 random_ = MakeSeededGenerator(this);
};

// "00", "01", ... "ff".
constexpr auto kHexPairs = [] {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kHex[i / 16], kHex[i % 16]};
  return pairs;
}();

// The last `2 * pairs` digits of `value`.
void PutHex(std::uint64_t value, std::size_t pairs, char* text) {
  for (std::size_t i = pairs; i > 0; --i, value >>= 8) {
    std::memcpy(text + 2 * i - 2, kHexPairs[value & 0xFF].data(), 2);
  }
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

  std::string text = "00000000-0000-7000-8000-000000000000";
  const std::uint64_t millis = ticks / kPerMilli;
  PutHex(millis >> 16, 4, &text[0]);
  PutHex(millis, 2, &text[9]);
  PutHex(0x7000 | (ticks % kPerMilli), 2, &text[14]);
  PutHex(0x8000 | (random >> 50), 2, &text[19]);  // variant 10, then 14 random bits
  PutHex(random, 6, &text[24]);
  return text;
}

}  // namespace nerava::analytics
