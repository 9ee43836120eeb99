#include "lib/journal/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

std::shared_ptr<File> OpenFolder(const std::string& path) {
  auto folder = File::OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, path);
  REQUIRE(folder.ok());
  return *std::move(folder);
}

TEST_CASE("A lock ends with its file, also when a child that knows nothing of it has a copy") {
  const testing::TempDir dir;
  std::shared_ptr<File> first = OpenFolder(dir.path());
  REQUIRE(first->TryLock().value());
  // Past the library's handlers, as if it was forked while the file was destroyed.
  const auto child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  if (child == 0) {
    for (;;) pause();
  }
  REQUIRE(child > 0);
  const std::shared_ptr<File> second = OpenFolder(dir.path());
  CHECK_FALSE(second->TryLock().value());
  first = nullptr;
  CHECK(second->TryLock().value());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_CASE("A file is read from where one wants, and not at all when it is too large") {
  const testing::TempDir dir;
  std::ofstream(dir.File("f")) << "0123456789";
  auto file = File::OpenAt(AT_FDCWD, dir.File("f"), O_RDONLY, dir.File("f"));
  REQUIRE(file.ok());
  CHECK((*file)->Read(0, 10).value() == "0123456789");
  CHECK((*file)->Read(7, 3).value() == "789");
  CHECK((*file)->Read(20, 10).value().empty());
  CHECK((*file)->Size().value() == 10);
  CHECK(absl::IsDataLoss((*file)->Read(0, 9).status()));
}

}  // namespace
}  // namespace nerava::analytics
