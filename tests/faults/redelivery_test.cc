// The same events again and again, in any order, with restarts between: each counts once.
#include <cstdlib>

#include "nerava/analytics/analytics.h"
#include "tests/faults/drive.h"
#include "tests/support/random_events.h"

namespace nerava::analytics {
namespace {

using testing::kPatience;
using testing::RandomEvents;
using testing::TestScene;

constexpr int kDeliveries = 10;
constexpr int kQueries = 8;

std::string Ask(const std::shared_ptr<Store>& store, const KpiQuery& query) {
  auto kpis = KpiCalculator(store, "default").GetAllKpis(query);
  REQUIRE(kpis.ok());
  kpis->generated_at = absl::UnixEpoch();
  return ToJson(*kpis);
}

std::shared_ptr<Store> Once(const std::vector<EventPtr>& events) {
  auto store = OpenStore("memory:");
  auto writer = BatchWriter::Create({}, *store);
  REQUIRE((*writer)->Start().ok());
  for (const EventPtr& event : events) REQUIRE((*writer)->Write(event).ok());
  REQUIRE((*writer)->Stop(kPatience) == 0);
  return *store;
}

// Writes all events ten times into the scene's database; half of the writers are destroyed with what
// they have not stored yet.
void Redeliver(const TestScene& scene, const std::vector<EventPtr>& events, RandomEvents& random) {
  std::unique_ptr<BatchWriter> writer;
  for (int delivery = 0; delivery < kDeliveries; ++delivery) {
    for (const EventPtr& event : random.Shuffled(events)) {
      if (writer == nullptr) {
        auto store = OpenStore(scene.MakeOptions().database_url);
        REQUIRE(store.ok());
        auto made = BatchWriter::Create(scene.MakeOptions().writer, *store);
        REQUIRE(made.ok());
        writer = *std::move(made);
        REQUIRE(writer->Start().ok());
      }
      REQUIRE(writer->Write(event).ok());
      if (!random.OneIn(100)) continue;
      if (random.OneIn(2)) CHECK(writer->Stop(kPatience) == 0);
      writer.reset();
    }
  }
  if (writer != nullptr) CHECK(writer->Flush(kPatience) == 0);
}

TEST_CASE("the same events ten times, shuffled, with restarts, give the KPIs of one delivery") {
  const char* seeds = std::getenv("NERAVA_SEEDS");  // of the property tests, which are much quicker
  const std::uint64_t count = 1 + (seeds != nullptr ? std::stoull(seeds) : 300) / 50;
  const char* only = std::getenv("NERAVA_SEED");
  const std::uint64_t first = only != nullptr ? std::stoull(only) : 1;
  for (std::uint64_t seed = first; seed < first + (only != nullptr ? 1 : count); ++seed) {
    INFO("replay with NERAVA_SEED=" << seed);
    RandomEvents random(seed);
    const auto events = random.Distinct(60);
    const auto reference = Once(events);
    const TestScene scene;
    Redeliver(scene, events, random);
    // Whoever opens it next recovers what the last writers left.
    auto pipeline = Pipeline::Open(scene.MakeOptions());
    REQUIRE(pipeline.ok());
    REQUIRE((*pipeline)->Flush(kPatience) == 0);
    CHECK((*pipeline)->stats()->stored.total == events.size());
    for (int i = 0; i < kQueries; ++i) {
      const KpiQuery query = random.Query(events);
      CHECK(Ask((*pipeline)->store(), query) == Ask(reference, query));
    }
  }
}

TEST_CASE("control: the same event under another id counts again") {
  RandomEvents random(1);
  auto events = random.Distinct(60);
  const KpiQuery query{{absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000)}, {}};
  const std::string once = Ask(Once(events), query);
  for (const EventPtr& event : std::vector<EventPtr>(events)) {
    auto again = std::make_shared<AnalyticsEvent>(*event);
    again->event_id += " again";
    events.push_back(again);
  }
  CHECK(Ask(Once(events), query) != once);
}

}  // namespace
}  // namespace nerava::analytics
