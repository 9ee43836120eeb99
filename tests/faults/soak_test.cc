// Memory over very many events.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "nerava/analytics/analytics.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

// Takes every event and keeps none.
class NullStore final : public Store {
 public:
  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    Transaction transaction;
    return body(transaction);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    Transaction transaction;
    return body(transaction);
  }
  std::string Description() const override { return "null:"; }

 private:
  struct Transaction final : WriteTransaction {
    absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                      absl::Time) override {
      return std::vector<InsertOutcome>(events.size(), InsertOutcome::kInserted);
    }
    absl::Status EventsOfSessions(absl::Span<const std::string_view>, EventSink) override {
      return absl::OkStatus();
    }
    absl::Status EventsBetween(absl::Time, absl::Time, EventSink) override {
      return absl::OkStatus();
    }
    absl::StatusOr<EventCounts> CountEvents() override { return EventCounts(); }
  };
};

std::size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST_CASE("memory does not grow with the events that passed") {
  const testing::TempDir dir;
  Options options;
  options.writer.journal.durability = Durability::kProcess;
  options.writer.journal.directory = dir.path();
  options.writer.batch_size = 1000;
  options.writer.queue_capacity = 20'000;
  const auto pipeline = *Pipeline::Open(options, std::make_shared<NullStore>());

  const int events = std::getenv("NERAVA_LONG") != nullptr ? 10'000'000 : 500'000;
  const int warm_up = events / 5;  // until the queue and the allocator have seen their largest
  std::size_t before = 0;
  std::size_t most = 0;
  for (int i = 0; i < events; ++i) {
    ChargeStarted event;
    event.session_id = "session-" + std::to_string(i);
    event.user_id = "user-" + std::to_string(i % 5000);
    REQUIRE(pipeline->Publish(std::move(event)).ok());
    if (i == warm_up) before = ResidentBytes();
    if (i > warm_up && i % 10'000 == 0) most = std::max(most, ResidentBytes());
  }
  REQUIRE(pipeline->Flush(absl::Seconds(60)) == 0);
  WARN(events << " events: " << before / 1024 << " KiB after a fifth of them, at most "
              << most / 1024 << " KiB later");
  // The queue may be fuller at one time than at another: 20,000 events are about 10 MB.
  CHECK(most < before + (16 << 20));
}

}  // namespace
}  // namespace nerava::analytics
