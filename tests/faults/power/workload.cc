// The program that is recorded: publishes some events and marks each that was accepted.
//   power_workload FOLDER memory|process|power FIRST END THREADS close|exit
// Without the last event when it is to exit.
#include "tests/faults/power/workload.h"

#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/faults/power/record.h"

namespace nerava::analytics::testing {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "power_workload: %s\n", why.c_str());
  std::abort();
}

void Mark(const std::string& text) {
  static const auto mark =
      reinterpret_cast<record_mark_function>(dlsym(RTLD_DEFAULT, RECORD_MARK_FUNCTION));
  if (mark == nullptr) Die("not recorded");
  mark(text.c_str());
}

// Each `step`th event from `first` on, in order.
void Publish(Pipeline& pipeline, int first, int end, int step) {
  std::mt19937 random(static_cast<unsigned>(first));
  for (int number = first; number < end; number += step) {
    // As traffic comes, so that commits and syncs happen in between.
    if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    const auto accepted = pipeline.Publish(WorkloadEvent(number));
    if (!accepted.ok()) Die(accepted.status().ToString());
    Mark(std::to_string(number));  // it was accepted
  }
}

// Publishes one event, and leaves the journal time to be synced by itself, which the record shows.
void PublishAndAwaitSync(Pipeline& pipeline, int number) {
  const auto syncs = [&] { return pipeline.writer().stats().journal.syncs; };
  const std::uint64_t before = syncs();
  Publish(pipeline, number, number + 1, 1);
  for (int i = 0; i < 10'000 && syncs() == before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() != 7) Die("wrong arguments");
  const std::string& durability = arguments[2];
  const int first = std::stoi(arguments[3]);
  const int last = std::stoi(arguments[4]) - 1;
  const int threads = std::stoi(arguments[5]);
  auto pipeline = OpenWorkload(arguments[1], durability);
  if (!pipeline.ok()) Die(pipeline.status().ToString());

  std::vector<std::thread> publishers;
  for (int i = 0; i < threads; ++i) {
    publishers.emplace_back([&, i] { Publish(**pipeline, first + i, last, threads); });
  }
  for (std::thread& publisher : publishers) publisher.join();
  // As a crash of the process; what it accepted is for the next one.
  if (arguments[6] == "exit") _exit(0);

  if (durability == "process") {
    PublishAndAwaitSync(**pipeline, last);
  } else {
    Publish(**pipeline, last, last + 1, 1);
  }
  if ((*pipeline)->Close(absl::Seconds(30)) != 0) Die("events are left");
  return 0;
}

}  // namespace
}  // namespace nerava::analytics::testing

int main(int argc, char** argv) { return nerava::analytics::testing::Main({argv, argv + argc}); }
