// Processes that are killed, at any moment and at each call that changes a file.
#include <algorithm>
#include <csignal>

#include "fmt/format.h"
#include "tests/faults/drive.h"

namespace nerava::analytics {
namespace {

using Catch::Matchers::Contains;
using testing::Audit;
using testing::CallsOf;
using testing::kChanging;
using testing::kPatience;
using testing::kSanitized;
using testing::Seed;
using testing::TestScene;
using testing::Times;

const int kCycles = kSanitized ? Times(10, 100) : Times(200, 1000);

// Somewhere while it opens, recovers, or publishes.
absl::Duration SomeMoment(std::mt19937_64& random) {
  return absl::Microseconds(
      std::uniform_int_distribution<int>(0, kSanitized ? 500'000 : 25'000)(random));
}

void KillUnderLoad(const TestScene& scene, int run, std::mt19937_64& random,
                   const std::string& durability) {
  const auto publisher =
      scene.Publish({fmt::format("run={}", run), "threads=2", "padding=200", durability});
  const bool ended = publisher->Wait(SomeMoment(random));
  INFO(scene.Output());
  REQUIRE_FALSE(ended);
  publisher->Kill();
}

TEST_CASE("kill -9 at random moments under load loses nothing and counts nothing twice") {
  const std::uint64_t seed = Seed();
  INFO("replay with NERAVA_SEED=" << seed);
  std::mt19937_64 random(seed);
  const TestScene scene;
  for (int run = 0; run < kCycles; ++run) {
    INFO("cycle " << run);
    KillUnderLoad(scene, run, random, "durability=1");
    if (run < 2) REQUIRE(Audit(scene) == "");  // else the next publisher recovers
  }
  CHECK(Audit(scene) == "");
}

TEST_CASE("control: without a journal kill -9 under load loses events, and that is found") {
  std::mt19937_64 random(1);
  const TestScene scene;
  std::string verdict;
  for (int run = 0; run < 20 && verdict.empty(); ++run) {
    KillUnderLoad(scene, run, random, "durability=0");
    verdict = Audit(scene);
  }
  CHECK_THAT(verdict, Contains("accepted but not stored"));
}

TEST_CASE("of two processes on one file one is killed again and again") {
  const std::uint64_t seed = Seed();
  INFO("replay with NERAVA_SEED=" << seed);
  std::mt19937_64 random(seed);
  const TestScene scene;
  const auto survivor = scene.Publish({"threads=1", "padding=200"});
  for (int run = 1; run <= (kSanitized ? 5 : 50); ++run) {
    KillUnderLoad(scene, run, random, "durability=1");
  }
  survivor->EndInput();
  REQUIRE(survivor->Wait(kPatience));
  CHECK(survivor->exit_code() == 0);
  CHECK(Audit(scene) == "");
}

TEST_CASE("however a process ends without closing, nothing is lost") {
  for (const char* end : {"destroy", "exit", "_exit", "abort", "throw", "sigterm"}) {
    INFO(end);
    const TestScene scene;
    scene.PublishAll({"threads=2", "events=200", "batch=150", std::string("end=") + end});
    CHECK(Audit(scene) == "");
  }
}

TEST_CASE("control: without a journal a process that ends without closing loses events") {
  const TestScene scene;
  scene.PublishAll(
      {"threads=2", "events=200", "batch=1000", "interval_ms=10000", "end=_exit", "durability=0"});
  CHECK_THAT(Audit(scene), Contains("400 accepted but not stored"));
}

// What the kills at each call are tried on. Events of 40 kB fill a segment in six.
struct Scenario {
  std::vector<std::string> arguments;  // of the publisher that is killed
  const TestScene* before = nullptr;   // the state it finds; null: nothing
};

// Commits, new segments and old ones removed, several times.
const Scenario kFresh{{"events=28", "padding=40000", "flush_every=7"}};

// A killed process left 28 events in its journal, and nothing of them in the store.
struct Leftovers : TestScene {
  Leftovers() {
    REQUIRE(PublishAll({"events=28", "padding=40000", "batch=10000", "interval_ms=3600000",
                        "end=kill"}) == -SIGKILL);
  }
  Scenario Recovery() const { return {{"run=1", "events=7", "padding=40000"}, this}; }
};

// Kills the publisher at every `stride`-th of the calls whose path contains `path`. What went wrong
// first, or empty.
std::string KillAtCalls(const Scenario& scenario, const std::string& path, std::size_t stride,
                        const std::string& how = "kill") {
  TestScene scene;
  const auto prepare = [&] {
    scenario.before == nullptr ? scene.Reset() : scene.CopyFrom(*scenario.before);
  };
  prepare();
  std::size_t calls = 0;
  for (const std::string& call : CallsOf(scene, scenario.arguments, kChanging)) {
    calls += call.find(path) != std::string::npos ? 1 : 0;
  }
  REQUIRE(calls > 0);
  for (std::size_t n = 1 + Seed() % stride; n <= calls; n += stride) {
    prepare();
    scene.PublishAll(scenario.arguments, {{"FAULT_CALLS", kChanging},
                                          {"FAULT_PATH", path},
                                          {"FAULT_DO", how},
                                          {"FAULT_AT", std::to_string(n)}});
    const std::string verdict = Audit(scene);
    if (!verdict.empty()) return fmt::format("{} at call {} of {}: {}", how, n, calls, verdict);
  }
  return "";
}

TEST_CASE("kill at each call of commits, new segments and their removal", "[preload]") {
  CHECK(KillAtCalls(kFresh, ".journal", 1) == "");
  CHECK(KillAtCalls(kFresh, "/disk/", testing::Every(30, 1)) == "");
}

TEST_CASE("kill at each call of a recovery", "[preload]") {
  const Leftovers leftovers;
  CHECK(KillAtCalls(leftovers.Recovery(), ".journal", 1) == "");
  CHECK(KillAtCalls(leftovers.Recovery(), "/disk/", testing::Every(30, 1)) == "");
}

TEST_CASE("control: the scenarios make, sync and remove segments, and commit meanwhile",
          "[preload]") {
  const auto count = [](const std::vector<std::string>& calls, std::string_view call,
                        std::string_view path) {
    return std::count_if(calls.begin(), calls.end(), [&](const std::string& line) {
      return line.starts_with(call) && line.find(path) != std::string::npos;
    });
  };
  const Leftovers leftovers;
  const TestScene fresh;
  for (const auto& calls : {CallsOf(fresh, kFresh.arguments, kChanging),
                            CallsOf(leftovers, leftovers.Recovery().arguments, kChanging)}) {
    CHECK(count(calls, "open", ".journal") > 3);
    CHECK(count(calls, "write", ".journal") > 7);
    CHECK(count(calls, "fsync", ".journal") > 3);
    CHECK(count(calls, "unlink", ".journal") > 3);
    CHECK(count(calls, "write", "events.db-wal") > 10);
  }
}

TEST_CASE("control: without a journal kills at calls lose events, and that is found", "[preload]") {
  Scenario scenario = kFresh;
  scenario.arguments.push_back("durability=0");
  CHECK_THAT(KillAtCalls(scenario, "events.db-wal", 5), Contains("accepted but not stored"));
}

}  // namespace
}  // namespace nerava::analytics
