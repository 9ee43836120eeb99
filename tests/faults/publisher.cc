// The program that faults happen to: publishes what ChargingLoad makes, and keeps a ledger.
//
//   publisher FOLDER [name=value]...
//     run=0 threads=1   number the events; each thread publishes its own
//     events=0          of each thread; 0: until standard input ends
//     padding=0         bytes of properties of each event
//     durability=1      the number of a Durability
//     batch=20 interval_ms=5
//     flush_every=0     flushes after every so many events of a thread
//     forks=0           children forked meanwhile; each publishes 10 events, and ends in another way
//     end=close         or destroy, exit, _exit, abort, throw, sigterm
//
// Exits with 0, or 3 when the pipeline cannot be opened, or 4 when it cannot be closed.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "tests/faults/ledger.h"
#include "tests/faults/scene.h"

namespace nerava::analytics::testing {
namespace {

constexpr int kCannotOpen = 3, kCannotClose = 4;
constexpr std::uint32_t kFirstChild = 100;  // children go by thread numbers from here on
constexpr std::uint64_t kChildEvents = 10;
constexpr unsigned kPatienceSeconds = 60;

struct Arguments {
  std::uint32_t Number(const std::string& name, std::uint32_t otherwise) const {
    const auto found = values.find(name);
    if (found == values.end()) return otherwise;
    return static_cast<std::uint32_t>(std::stoul(found->second));
  }
  std::map<std::string, std::string> values;
};

class Publisher {
 public:
  Publisher(const Scene& scene, const Arguments& arguments)
      : arguments_(arguments), ledger_(scene.ledger()) {
    Options options = scene.MakeOptions(static_cast<Durability>(arguments.Number("durability", 1)));
    options.writer.batch_size = arguments.Number("batch", 20);
    options.writer.max_batch_size =
        std::max(options.writer.max_batch_size, options.writer.batch_size);
    options.writer.flush_interval = absl::Milliseconds(arguments.Number("interval_ms", 5));
    auto opened = Pipeline::Open(options);
    if (!opened.ok()) {
      fmt::print(stderr, "cannot open: {}\n", opened.status().ToString());
      std::exit(kCannotOpen);
    }
    pipeline_ = *std::move(opened);
  }

  int Run() {
    const std::uint32_t events = arguments_.Number("events", 0);
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < arguments_.Number("threads", 1); ++i) {
      threads.emplace_back([this, i, events] { Publish(i, events == 0 ? UINT64_MAX : events); });
    }
    const bool children_fine = ForkChildren();
    if (events == 0 && children_fine) {
      while (std::getchar() != EOF) continue;
    }
    if (events == 0) stop_ = true;
    for (std::thread& thread : threads) thread.join();
    const auto end = arguments_.values.find("end");
    const int code = End(end == arguments_.values.end() ? "close" : end->second);
    return children_fine ? code : kCannotClose;
  }

 private:
  void Publish(std::uint32_t thread, std::uint64_t events) {
    const std::uint32_t run = arguments_.Number("run", 0);
    const std::uint32_t padding = arguments_.Number("padding", 0);
    const std::uint32_t flush_every = arguments_.Number("flush_every", 0);
    for (std::uint64_t n = 0; n < events && !stop_; ++n) {
      const std::string id = ChargingLoadId(run, thread, n);
      ledger_.Attempted(id);
      const auto published = pipeline_->Publish(ChargingLoad(run, thread, n, padding));
      if (published.ok()) {
        ledger_.Accepted(id);
      } else {
        ledger_.Refused(id);
        if (!refused_.exchange(true)) {
          fmt::print(stderr, "refused: {}\n", published.status().ToString());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // as a host would
      }
      if (flush_every > 0 && (n + 1) % flush_every == 0) pipeline_->Flush();
    }
  }

  // Whether all ended as they should.
  bool ForkChildren() {
    std::map<pid_t, std::uint32_t> children;
    for (std::uint32_t i = 0; i < arguments_.Number("forks", 0); ++i) {
      const pid_t pid = fork();
      if (pid < 0) return false;
      if (pid == 0) {
        alarm(kPatienceSeconds);  // ends one that hangs
        Publish(kFirstChild + i, kChildEvents);
        static const char* const kEnds[] = {"_exit", "close", "kill", "exit", "destroy"};
        _exit(End(kEnds[i % std::size(kEnds)]));
      }
      children[pid] = i;
    }
    bool fine = true;
    for (const auto& [pid, i] : children) {
      int status = 0;
      waitpid(pid, &status, 0);
      const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || killed) continue;
      fmt::print(stderr, "child {} ended with status {:#x}\n", i, status);
      fine = false;
    }
    return fine;
  }

  int End(const std::string& how) {
    if (how == "_exit") _exit(0);
    if (how == "exit") std::exit(0);
    if (how == "abort") std::abort();
    if (how == "throw") std::thread([] { throw std::runtime_error("nobody catches this"); }).join();
    if (how == "sigterm") std::raise(SIGTERM);
    if (how == "kill") std::raise(SIGKILL);
    if (how == "destroy") {
      pipeline_.reset();
      return 0;
    }
    if (const std::size_t left = pipeline_->Close(absl::Seconds(kPatienceSeconds)); left > 0) {
      fmt::print(stderr, "cannot close: {} events left: {}\n", left, pipeline_->health().reason);
      return kCannotClose;
    }
    return 0;
  }

  const Arguments& arguments_;
  const LedgerWriter ledger_;
  std::unique_ptr<Pipeline> pipeline_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> refused_{false};  // the first refusal is printed
};

int Main(int argc, char** argv) {
  if (argc < 2) return 2;
  Arguments arguments;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    arguments.values[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  // Never destroyed but by End: a program that exits may leave it as it is.
  auto* publisher = new Publisher(Scene(argv[1]), arguments);
  return publisher->Run();
}

}  // namespace
}  // namespace nerava::analytics::testing

int main(int argc, char** argv) { return nerava::analytics::testing::Main(argc, argv); }
