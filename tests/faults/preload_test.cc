// The preloaded library meets the calls that the kernel sees: all, and each once.
#include <algorithm>
#include <fstream>

#include "tests/faults/drive.h"

namespace nerava::analytics {
namespace {

using testing::kChanging;
using testing::kPatience;
using testing::Process;
using testing::TestScene;

// Lines of `file` that are about the scene's disk.
std::ptrdiff_t CountCalls(const TestScene& scene, const std::string& file) {
  std::ptrdiff_t calls = 0;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const bool is_call = line.find("resumed>") == std::string::npos;
    calls += is_call && line.find(scene.disk()) != std::string::npos ? 1 : 0;
  }
  return calls;
}

TEST_CASE("control: the preload counts as many calls as strace", "[preload]") {
  const TestScene scene;
  const std::string by_preload = scene.folder + "/calls", by_strace = scene.folder + "/strace";
  std::vector<std::string> argv{
      "/usr/bin/strace",
      "-f",
      "-y",
      "-o",
      by_strace,
      "-e",
      "trace=open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,"
      "truncate,fallocate,mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,"
      "linkat"};
  for (const std::string& variable :
       {std::string("LD_PRELOAD=") + FAULTS_INJECT, "FAULT_PATH=" + scene.disk(),
        "FAULT_CALLS=" + kChanging, "FAULT_LOG=" + by_preload}) {
    argv.insert(argv.end(), {"-E", variable});
  }
  argv.insert(argv.end(), {FAULTS_PUBLISHER, scene.folder, "events=40", "padding=40000"});
  Process strace(argv, {}, scene.output());
  REQUIRE(strace.Wait(kPatience));
  if (strace.exit_code() != 0 && scene.Output().find("ptrace") != std::string::npos) {
    WARN("skipped: " << scene.Output());
    return;
  }
  REQUIRE(strace.exit_code() == 0);
  CHECK(CountCalls(scene, by_preload) > 50);
  CHECK(CountCalls(scene, by_preload) == CountCalls(scene, by_strace));
}

}  // namespace
}  // namespace nerava::analytics
