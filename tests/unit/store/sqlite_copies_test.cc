#include "lib/store/sqlite/sqlite_copies.h"

#include <dlfcn.h>
#include <stdio.h>

#include <catch2/catch.hpp>
#include <string>

#include "nerava/analytics/store.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::InChild;
using testing::TempDir;

// Whether a store is refused after this process has loaded `library`, with a message that names it.
bool RefusedBeside(const std::string& library, const TempDir& dir) {
  if (dlopen(library.c_str(), RTLD_NOW) == nullptr) return false;
  const absl::Status refused = OpenStore(dir.SqliteUrl("events.db")).status();
  const std::string message(refused.message());
  return absl::IsFailedPrecondition(refused) && message.find(library) != message.npos &&
         message.find("libsqlite3.so") != message.npos;
}

TEST_CASE("a store is refused while a second SQLite is loaded that shows its symbols") {
  const TempDir dir;
  CHECK(InChild([&] { return RefusedBeside(SQLITE_COPY_EXPORTED, dir) ? 7 : 1; }) == 7);
}

TEST_CASE("a store is refused while a second SQLite is loaded that hides its symbols") {
  const TempDir dir;
  CHECK(InChild([&] { return RefusedBeside(SQLITE_COPY_HIDDEN, dir) ? 7 : 1; }) == 7);
}

TEST_CASE("a copy that is loaded after one store was opened is found when the next one is") {
  const TempDir dir;
  CHECK(InChild([&] {
          if (!OpenStore(dir.SqliteUrl("events.db")).ok()) return 1;
          return RefusedBeside(SQLITE_COPY_HIDDEN, dir) ? 7 : 2;
        }) == 7);
}

TEST_CASE("a store is opened again when the second SQLite was unloaded") {
  const TempDir dir;
  CHECK(InChild([&] {
          void* const copy = dlopen(SQLITE_COPY_HIDDEN, RTLD_NOW);
          if (OpenStore(dir.SqliteUrl("events.db")).ok()) return 1;
          dlclose(copy);
          return OpenStore(dir.SqliteUrl("events.db")).ok() ? 7 : 2;
        }) == 7);
}

// The exit code of a program, and what it printed.
int Run(const std::string& program, const TempDir& dir, std::string* output) {
  FILE* const pipe = popen((program + " " + dir.File("events.db")).c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[1000];
  while (fgets(buffer, sizeof buffer, pipe) != nullptr) *output += buffer;
  return WEXITSTATUS(pclose(pipe));
}

TEST_CASE(
    "a store is refused when the program itself has a SQLite besides the one of the library") {
  const TempDir dir;
  std::string output;
  CHECK(Run(PROGRAM_WITH_SQLITE, dir, &output) == 1);
  CHECK_THAT(output, Catch::Contains(PROGRAM_WITH_SQLITE) && Catch::Contains("libsqlite3.so"));
}

TEST_CASE("a store is opened by a program that has SQLite in it, and no other") {
  const TempDir dir;
  std::string output;
  CHECK(Run(PROGRAM_WITH_ONLY_SQLITE, dir, &output) == 0);
  CHECK(output.empty());
}

}  // namespace
}  // namespace nerava::analytics
