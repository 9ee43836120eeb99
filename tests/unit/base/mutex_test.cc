// SharedMutex: writers are alone, and neither side starves.
#include "lib/base/mutex.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <thread>
#include <vector>

namespace nerava::analytics {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr int kYields = 500;  // enough for a thread that can get in to do so

TEST_CASE("A writer gets in though readers take turns without a gap") {
  SharedMutex mutex;
  std::atomic<std::uint64_t> entries{0};
  std::atomic<bool> written{false};
  const SteadyTime deadline = SteadyDeadline(kPatience);
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!written && SteadyNow() < deadline) {
        ReaderLock lock(mutex);
        // Leaves when another one is inside, which with a writer waiting does not happen.
        const std::uint64_t entry = ++entries;
        for (int y = 0; entries == entry && y < kYields; ++y) std::this_thread::yield();
      }
    });
  }
  while (entries < 100) std::this_thread::yield();

  bool in_time = false;
  {
    WriterLock lock(mutex);
    in_time = SteadyNow() < deadline;
    written = true;
  }

  for (std::thread& reader : readers) reader.join();
  CHECK(in_time);
}

TEST_CASE("A reader gets in though writers take turns without a gap") {
  SharedMutex mutex;
  std::atomic<std::uint64_t> attempts{0};
  std::atomic<bool> read{false};
  const SteadyTime deadline = SteadyDeadline(kPatience);
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&] {
      while (!read && SteadyNow() < deadline) {
        ++attempts;
        WriterLock lock(mutex);
        std::this_thread::yield();  // the others ask for it meanwhile
      }
    });
  }
  while (attempts < 100) std::this_thread::yield();

  bool in_time = false;
  {
    ReaderLock lock(mutex);
    in_time = SteadyNow() < deadline;
    read = true;
  }

  for (std::thread& writer : writers) writer.join();
  CHECK(in_time);
}

TEST_CASE("A writer is alone") {
  constexpr int kRounds = 2000;
  SharedMutex mutex;
  int first = 0, second = 0;  // equal whenever no writer is inside
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        WriterLock lock(mutex);
        ++first;
        std::this_thread::yield();
        ++second;
      }
    });
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        ReaderLock lock(mutex);
        if (first != second) ++torn;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(torn == 0);
  CHECK(first == 2 * kRounds);
  CHECK(second == first);
}

}  // namespace
}  // namespace nerava::analytics
