#include "tests/faults/drive.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "fmt/format.h"

namespace nerava::analytics::testing {

namespace {

bool WantsLong() {
  const char* wants_long = std::getenv("NERAVA_LONG");
  return wants_long != nullptr && *wants_long == '1';
}

}  // namespace

int Times(int by_default, int with_long) { return WantsLong() ? with_long : by_default; }

std::size_t Every(std::size_t by_default, std::size_t with_long) {
  return WantsLong() ? with_long : by_default;
}

std::uint64_t Seed() {
  const char* seed = std::getenv("NERAVA_SEED");
  return seed != nullptr ? std::stoull(seed) : std::random_device()();
}

void TestScene::Reset() {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(disk());
}

void TestScene::CopyFrom(const Scene& other) {
  std::filesystem::remove_all(folder);
  std::filesystem::copy(other.folder, folder, std::filesystem::copy_options::recursive);
}

std::unique_ptr<Process> TestScene::Publish(std::vector<std::string> arguments,
                                            Variables faults) const {
  if (!faults.empty()) {
    faults.emplace("LD_PRELOAD", FAULTS_INJECT);
    faults.emplace("FAULT_PATH", disk());
  }
  arguments.insert(arguments.begin(), {FAULTS_PUBLISHER, folder});
  return std::make_unique<Process>(std::move(arguments), faults, output());
}

int TestScene::PublishAll(std::vector<std::string> arguments, Variables faults) const {
  const auto process = Publish(std::move(arguments), std::move(faults));
  REQUIRE(process->Wait(kPatience));
  return process->exit_code();
}

std::string TestScene::Output() const {
  std::ostringstream text;
  text << std::ifstream(output()).rdbuf();
  return text.str();
}

std::vector<std::string> CallsOf(const TestScene& scene, const std::vector<std::string>& arguments,
                                 const std::string& calls) {
  const std::string log = scene.folder + "/calls";
  REQUIRE(scene.PublishAll(arguments, {{"FAULT_CALLS", calls}, {"FAULT_LOG", log}}) == 0);
  std::vector<std::string> lines;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace nerava::analytics::testing
