// The host's signals are the host's: a handler must not run on a thread of the library, where what it
// waits for may never come.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "nerava/analytics/analytics.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

// The signals that each thread of this process blocks, as bits from SIGHUP on, by thread.
std::map<std::string, std::uint64_t> BlockedByThread() {
  std::map<std::string, std::uint64_t> blocked;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    std::string word;
    while (status >> word && word != "SigBlk:") continue;
    status >> word;
    blocked[task.path().filename()] = std::stoull(word, nullptr, 16);
  }
  return blocked;
}

TEST_CASE("No thread of the library takes a signal") {
  const auto before = BlockedByThread();
  const testing::TempDir dir;
  Options options;
  options.database_url = dir.SqliteUrl("events.db");
  const auto pipeline = *Pipeline::Open(options);
  ChargeStarted start;
  start.session_id = "s";
  REQUIRE(pipeline->Publish(start).ok());

  // Those signals which report a fault stay open, but in the thread that ThreadSanitizer has, and in one
  // that only just begins.
  const auto of_the_library = [](std::uint64_t blocked) {
    return (blocked >> (SIGSEGV - 1) & 1) == 0;
  };
  const auto added = [&] {
    auto all = BlockedByThread();
    std::erase_if(all, [&](const auto& thread) {
      return before.contains(thread.first) || !of_the_library(thread.second);
    });
    return all;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (added().size() < 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  const auto threads = added();
  for (const auto& [thread, blocked] : threads) {
    INFO("thread " << thread);
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD,
                             SIGPROF, SIGWINCH}) {
      INFO("signal " << signal);
      CHECK((blocked >> (signal - 1) & 1) == 1);
    }
  }
  CHECK(threads.size() == 2);  // the writer's, the journal's
  CHECK(BlockedByThread().at(std::to_string(getpid())) == before.at(std::to_string(getpid())));
}

}  // namespace
}  // namespace nerava::analytics
