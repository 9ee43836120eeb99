#include "tests/faults/power/recording.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "fmt/format.h"

namespace nerava::analytics::testing {
namespace {

void RunToEnd(std::vector<std::string> arguments, std::vector<std::string> environment) {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  const auto pointers = [](std::vector<std::string>& strings) {
    std::vector<char*> all;
    for (std::string& string : strings) all.push_back(string.data());
    all.push_back(nullptr);
    return all;
  };
  pid_t child = 0;
  if (posix_spawn(&child, arguments[0].c_str(), nullptr, nullptr, pointers(arguments).data(),
                  pointers(environment).data()) != 0) {
    throw std::runtime_error("cannot run " + arguments[0]);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error(fmt::format("{} ended with status {}", arguments[0], status));
  }
}

}  // namespace

Recording::Recording(std::string folder, std::string file, Snapshot before)
    : folder_(std::move(folder)), file_(std::move(file)), before_(std::move(before)) {}

void Recording::Run(const std::string& durability, int first, int end, int threads,
                    const std::string& ending) {
  RunToEnd(
      {NERAVA_POWER_WORKLOAD, folder_, durability, std::to_string(first), std::to_string(end),
       std::to_string(threads), ending},
      {"LD_PRELOAD=" NERAVA_POWER_RECORDER, RECORD_FOLDER "=" + folder_, RECORD_FILE "=" + file_,
       RECORD_SYNC_US "=300", "ASAN_OPTIONS=verify_asan_link_order=0"});

  std::ifstream file(file_, std::ios::binary);
  bytes_.assign(std::istreambuf_iterator<char>(file), {});
  records_ = ParseRecords(bytes_);
  Disk disk(before_);
  for (const Record& record : records_) disk.Apply(record);
  if (disk.Now() != ReadSnapshot(folder_)) {
    throw std::runtime_error("the folder is not what the record says");
  }
}

}  // namespace nerava::analytics::testing
