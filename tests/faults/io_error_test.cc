// Calls that fail: each n-th, now and then, and for as long as a disk is full.
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "tests/faults/drive.h"

namespace nerava::analytics {
namespace {

using Catch::Matchers::Contains;
using testing::Audit;
using testing::CallsOf;
using testing::ChargingLoad;
using testing::ChargingLoadId;
using testing::kCannotOpen;
using testing::kPatience;
using testing::Ledger;
using testing::LedgerWriter;
using testing::Seed;
using testing::TestScene;
using testing::Times;

struct Fault {
  std::string what;   // FAULT_DO
  std::string calls;  // that can fail so
};

const Fault kFaults[] = {
    {"EIO", "open,read,write,fsync,truncate,fallocate,mkdir,rmdir,unlink,rename,link,flock"},
    {"ENOSPC", "open,write,fsync,truncate,fallocate,mkdir,rename,link"},
    {"short", "read,write"},
    {"EINTR", "open,read,write,fsync,truncate,fallocate,flock"},
    {"EMFILE", "open"},
};

// Runs the publisher with one of its calls failing, each in turn, and audits. What went wrong
// first, or empty.
std::string FailEachCall(const Fault& fault, const std::vector<std::string>& arguments,
                         const std::string& path, std::size_t stride) {
  TestScene scene;
  std::size_t calls = 0;
  for (const std::string& call : CallsOf(scene, arguments, fault.calls)) {
    calls += call.find(path) != std::string::npos ? 1 : 0;
  }
  REQUIRE(calls > 0);
  for (std::size_t n = 1 + Seed() % stride; n <= calls; n += stride) {
    scene.Reset();
    const int code = scene.PublishAll(arguments, {{"FAULT_CALLS", fault.calls},
                                                  {"FAULT_PATH", path},
                                                  {"FAULT_DO", fault.what},
                                                  {"FAULT_AT", std::to_string(n)}});
    std::string verdict = Audit(scene);
    const bool explained = code == kCannotOpen && scene.Output().find("cannot open") == 0;
    if (code != 0 && !explained) verdict += fmt::format("exit code {}", code);
    if (verdict.empty()) continue;
    return fmt::format("{} of call {} of {}: {}\n{}", fault.what, n, calls, verdict,
                       scene.Output());
  }
  return "";
}

const std::vector<std::string> kScenario{"events=28", "padding=40000", "flush_every=7"};

TEST_CASE("one failing call loses nothing, and what is refused is not stored", "[preload]") {
  for (const Fault& fault : kFaults) {
    INFO(fault.what);
    CHECK(FailEachCall(fault, kScenario, ".journal", testing::Every(6, 1)) == "");
    CHECK(FailEachCall(fault, kScenario, "/disk/", testing::Every(90, 1)) == "");
  }
}

TEST_CASE("one failing call of a journal that is synced for each event loses nothing",
          "[preload]") {
  std::vector<std::string> scenario = kScenario;
  scenario.insert(scenario.end(), {"durability=2", "threads=2"});
  for (const Fault& fault : kFaults) {
    INFO(fault.what);
    CHECK(FailEachCall(fault, scenario, ".journal", testing::Every(30, 1)) == "");
  }
}

TEST_CASE("calls that fail again and again lose nothing, and publishers hear of it", "[preload]") {
  for (const Fault& fault : kFaults) {
    for (const char* every : {"2", "5", "17"}) {
      INFO(fault.what << " of every " << every);
      const TestScene scene;
      REQUIRE(scene.PublishAll({"events=3"}) == 0);  // so that it can be opened
      scene.PublishAll({"run=1", "events=300", "padding=2000", "flush_every=50", "end=_exit"},
                       {{"FAULT_CALLS", fault.calls},
                        {"FAULT_PATH", ".journal"},
                        {"FAULT_DO", fault.what},
                        {"FAULT_EVERY", every}});
      CHECK(Audit(scene) == "");
    }
  }
}

TEST_CASE("control: writes that are dropped lose events, and that is found", "[preload]") {
  const TestScene scene;
  scene.PublishAll({"events=300", "batch=10000", "interval_ms=3600000", "end=kill"},
                   {{"FAULT_CALLS", "write"},
                    {"FAULT_PATH", ".journal"},
                    {"FAULT_DO", "drop"},
                    {"FAULT_EVERY", "50"}});
  CHECK_THAT(Audit(scene), Contains("accepted but not stored"));
}

TEST_CASE("while calls fail nothing is accepted in vain, and afterwards all goes on", "[preload]") {
  for (const auto& [what, message] :
       {std::pair("ENOSPC", std::strerror(ENOSPC)), std::pair("EIO", std::strerror(EIO))}) {
    INFO(what);
    const TestScene scene;
    const std::string broken = scene.folder + "/broken";
    const auto accepted = [&] { return Ledger::Read(scene.ledger()).accepted.size(); };
    const auto publisher = scene.Publish(
        {"padding=1000"},
        {{"FAULT_CALLS", "write,fsync,fallocate"}, {"FAULT_DO", what}, {"FAULT_WHILE", broken}});
    scene.Await(*publisher, [&] { return accepted() > 100; });
    std::ofstream(broken).flush();
    scene.Await(*publisher, [&] { return Ledger::Read(scene.ledger()).refused.size() > 10; });
    CHECK_THAT(scene.Output(), Contains(message));
    std::filesystem::remove(broken);
    const std::size_t before = accepted();
    scene.Await(*publisher, [&] { return accepted() > before + 100; });
    publisher->EndInput();
    REQUIRE(publisher->Wait(kPatience));
    CHECK(publisher->exit_code() == 0);
    CHECK(Audit(scene) == "");
  }
}

// A file system of its own for the scene's disk, of so many MiB.
class SmallDisk {
 public:
  SmallDisk(const TestScene& scene, int mib) : folder_(scene.disk()) {
    const std::string size = fmt::format("size={}m", mib);
    mounted_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  void Grow(int mib) const {
    const std::string size = fmt::format("size={}m", mib);
    REQUIRE(mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, size.c_str()) == 0);
  }

 private:
  const std::string folder_;
  bool mounted_ = false;
};

// Publishes until an event is refused, or `events` are accepted.
absl::Status PublishSome(Pipeline& pipeline, const LedgerWriter& ledger, std::uint32_t run,
                         std::uint64_t events) {
  for (std::uint64_t n = 0; n < events; ++n) {
    const std::string id = ChargingLoadId(run, 0, n);
    ledger.Attempted(id);
    const auto published = pipeline.Publish(ChargingLoad(run, 0, n, /*padding=*/1000));
    if (!published.ok()) {
      ledger.Refused(id);
      return published.status();
    }
    ledger.Accepted(id);
  }
  return absl::OkStatus();
}

TEST_CASE("a disk that is full refuses events, and takes them again when it has room") {
  const TestScene scene;
  const SmallDisk disk(scene, 3);
  if (!disk.mounted()) {
    WARN("skipped: this user may not mount a tmpfs");
    return;
  }
  const LedgerWriter ledger(scene.ledger());
  auto opened = Pipeline::Open(scene.MakeOptions());
  REQUIRE(opened.ok());
  Pipeline& pipeline = **opened;

  const absl::Status full = PublishSome(pipeline, ledger, 1, 100'000);
  REQUIRE_FALSE(full.ok());
  INFO(full);
  CHECK((absl::IsUnavailable(full) || absl::IsResourceExhausted(full)));
  CHECK(pipeline.health().stats.writer.journal.write_errors > 0);

  disk.Grow(50);
  CHECK(pipeline.Flush(kPatience) == 0);
  CHECK(PublishSome(pipeline, ledger, 2, 1000).ok());
  CHECK(pipeline.Close(kPatience) == 0);
  CHECK(Audit(scene) == "");
}

}  // namespace
}  // namespace nerava::analytics
