// Forks of a process that is publishing: parent and children go on, and each ends in its own way.
#include "tests/faults/drive.h"

namespace nerava::analytics {
namespace {

using Catch::Matchers::Contains;
using testing::Audit;
using testing::kPatience;
using testing::kSanitized;
using testing::TestScene;
using testing::Times;

// One process after the other on the same file: 8 threads publish while 5 children are forked.
void Boot(const TestScene& scene, int boots, const std::string& durability) {
  for (int run = 0; run < boots; ++run) {
    INFO("boot " << run);
    const auto publisher =
        scene.Publish({"run=" + std::to_string(run), "threads=8", "forks=5", durability});
    publisher->EndInput();  // it ends once its children did
    const bool ended = publisher->Wait(kPatience);
    INFO(scene.Output());
    REQUIRE(ended);
    REQUIRE(publisher->exit_code() == 0);
  }
}

TEST_CASE("forks under 8 publishing threads: no hang, no loss, nothing twice", "[fork]") {
  const TestScene scene;
  Boot(scene, kSanitized ? 3 : Times(12, 500), "durability=1");
  CHECK(Audit(scene) == "");
}

TEST_CASE("control: without a journal children lose events, and that is found", "[fork]") {
  const TestScene scene;
  Boot(scene, 1, "durability=0");
  CHECK_THAT(Audit(scene), Contains("accepted but not stored"));
}

}  // namespace
}  // namespace nerava::analytics
