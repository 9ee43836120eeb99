// How the tests here run the publisher, and meet it with faults.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/faults/audit.h"
#include "tests/faults/ledger.h"
#include "tests/faults/process.h"
#include "tests/faults/scene.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics::testing {

#ifdef NERAVA_SANITIZED  // everything is slower
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr absl::Duration kPatience = absl::Seconds(120);
constexpr int kCannotOpen = 3;  // exit code of the publisher

using Variables = std::map<std::string, std::string>;

// How often to try, by default and with NERAVA_LONG=1.
int Times(int by_default, int with_long);
// The same for a step: one call of so many is tried.
std::size_t Every(std::size_t by_default, std::size_t with_long);

// Random, or NERAVA_SEED.
std::uint64_t Seed();

// A scene in a folder of the test's own.
class TestScene : public Scene {
 public:
  TestScene() : TestScene(std::make_unique<TempDir>()) {}

  // As it was at first, or as `other` is.
  void Reset();
  void CopyFrom(const Scene& other);

  // `arguments` as publisher.cc says. With faults, as preload/inject.c says.
  std::unique_ptr<Process> Publish(std::vector<std::string> arguments, Variables faults = {}) const;
  // The same, to its end; the exit code, or minus the signal. Fails the test when it takes too long.
  int PublishAll(std::vector<std::string> arguments, Variables faults = {}) const;

  // Waits until `condition` holds; fails the test when `process` ends before.
  template <typename Condition>
  static void Await(Process& process, Condition condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (!condition()) {
      REQUIRE_FALSE(process.Wait(absl::Milliseconds(1)));
      REQUIRE(absl::Now() < deadline);
    }
  }

  // What the publisher printed.
  std::string Output() const;

 private:
  explicit TestScene(std::unique_ptr<TempDir> own)
      : Scene(own->File("scene")), own_(std::move(own)) {}
  std::unique_ptr<TempDir> own_;
};

// Calls that change a file or folder. Between two of them a kill finds the same state.
inline const std::string kChanging =
    "open,write,fsync,truncate,fallocate,mkdir,rmdir,unlink,rename,link";

// The calls, of those named, that a publisher makes on the scene's disk: "write /.../events.db-wal".
std::vector<std::string> CallsOf(const TestScene& scene, const std::vector<std::string>& arguments,
                                 const std::string& calls);

}  // namespace nerava::analytics::testing
