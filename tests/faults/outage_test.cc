// A database that cannot be written for a while: locked, without its tables, moved away.
#include <sqlite3.h>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "tests/faults/drive.h"

namespace nerava::analytics {
namespace {

using Catch::Matchers::Contains;
using testing::Audit;
using testing::ChargingLoad;
using testing::ChargingLoadId;
using testing::kPatience;
using testing::LedgerWriter;
using testing::TestScene;
using testing::Times;

// Another connection to the scene's database.
class Intruder {
 public:
  explicit Intruder(const TestScene& scene) {
    REQUIRE(sqlite3_open(scene.database().c_str(), &db_) == SQLITE_OK);
    sqlite3_busy_timeout(db_, 10'000);
  }
  ~Intruder() { sqlite3_close(db_); }
  Intruder(const Intruder&) = delete;
  Intruder& operator=(const Intruder&) = delete;

  void Execute(const char* sql) {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    INFO(sql << ": " << sqlite3_errmsg(db_));
    REQUIRE(code == SQLITE_OK);
  }

 private:
  sqlite3* db_ = nullptr;
};

constexpr std::size_t kCapacity = 1000;

// A pipeline in this process with room for few events, and what was published into it.
struct Outage : TestScene {
  explicit Outage(Overflow overflow = Overflow::kReject,
                  Durability durability = Durability::kProcess)
      : ledger_writer(ledger()) {
    Options options = MakeOptions(durability);
    options.writer.overflow = overflow;
    options.writer.queue_capacity = options.writer.max_batch_size = kCapacity;
    options.writer.overflow_timeout = absl::Milliseconds(20);
    options.store.sqlite_busy_timeout = absl::Milliseconds(50);
    auto opened = Pipeline::Open(options);
    REQUIRE(opened.ok());
    pipeline = *std::move(opened);
    Publish(30);  // the tables of the days are there
    REQUIRE(pipeline->Flush(kPatience) == 0);
  }

  void Publish(int events) {
    for (int i = 0; i < events; ++i, ++next) {
      const std::string id = ChargingLoadId(0, 0, next);
      ledger_writer.Attempted(id);
      last = pipeline->Publish(ChargingLoad(0, 0, next)).status();
      if (last.ok()) {
        ledger_writer.Accepted(id);
      } else {
        ledger_writer.Refused(id);
        ++refused;
      }
    }
  }

  BatchWriterStats stats() const { return pipeline->writer().stats(); }

  // Flush keeps its deadline, memory its bound, and the counters add up.
  void CheckBounded() const {
    const absl::Time before = absl::Now();
    pipeline->Flush(absl::Milliseconds(50));
    CHECK(absl::Now() - before < absl::Seconds(2));
    const BatchWriterStats now = stats();
    CHECK(now.pending <= kCapacity);
    CHECK(now.accepted == now.committed + now.dropped + now.pending);
    CHECK(now.overflows == refused);
  }

  // Once the outage is over.
  void CheckRecovers() {
    CHECK(pipeline->Flush(kPatience) == 0);
    CHECK(pipeline->health().healthy);
    Publish(100);
    CHECK(last.ok());
    CHECK(pipeline->Close(kPatience) == 0);
    CHECK(Audit(*this) == "");
  }

  const LedgerWriter ledger_writer;
  std::unique_ptr<Pipeline> pipeline;
  std::uint64_t next = 0;
  std::uint64_t refused = 0;
  absl::Status last;
};

TEST_CASE("a database that is locked for long loses nothing, and neither time nor memory grow") {
  Outage outage;
  Intruder intruder(outage);
  intruder.Execute("BEGIN IMMEDIATE");
  const absl::Time end = absl::Now() + absl::Seconds(Times(2, 60));
  while (absl::Now() < end) {
    outage.Publish(500);
    outage.CheckBounded();
  }
  CHECK(outage.refused > 0);
  CHECK(absl::IsResourceExhausted(outage.last));
  CHECK_THAT(std::string(outage.last.message()), Contains("locked"));
  CHECK_THAT(outage.pipeline->health().reason, Contains("locked"));
  intruder.Execute("ROLLBACK");
  outage.CheckRecovers();
}

TEST_CASE("publishers that may wait are counted when the wait was in vain") {
  Outage outage(Overflow::kBlock);
  Intruder intruder(outage);
  intruder.Execute("BEGIN IMMEDIATE");
  outage.Publish(static_cast<int>(kCapacity) + 10);
  CHECK(outage.refused >= 10);
  CHECK(outage.stats().overflow_timeouts == outage.refused);
  outage.CheckBounded();
  intruder.Execute("ROLLBACK");
  outage.CheckRecovers();
}

TEST_CASE("the oldest that are dropped for newer ones are counted, and only they are missing") {
  Outage outage(Overflow::kDropOldest);
  Intruder intruder(outage);
  intruder.Execute("BEGIN IMMEDIATE");
  outage.Publish(3 * static_cast<int>(kCapacity));
  CHECK(outage.refused == 0);
  outage.CheckBounded();
  intruder.Execute("ROLLBACK");
  CHECK(outage.pipeline->Close(kPatience) == 0);
  const BatchWriterStats stats = outage.stats();
  CHECK(stats.dropped >= kCapacity);
  CHECK(stats.dropped == stats.dropped_oldest);
  CHECK(Audit(outage).find(fmt::format("{} accepted but not stored", stats.dropped)) == 0);
}

TEST_CASE("a process that ends while the database is locked leaves its events in the journal") {
  Outage outage;
  {
    Intruder intruder(outage);
    intruder.Execute("BEGIN IMMEDIATE");
    outage.Publish(100);
    CHECK(outage.pipeline->Close(absl::Milliseconds(50)) == 100);
    outage.pipeline.reset();
  }
  CHECK(Audit(outage) == "");
}

TEST_CASE("control: without a journal the same loses them, and that is found") {
  Outage outage(Overflow::kReject, Durability::kMemory);
  {
    Intruder intruder(outage);
    intruder.Execute("BEGIN IMMEDIATE");
    outage.Publish(100);
    CHECK(outage.pipeline->Close(absl::Milliseconds(50)) == 100);
    outage.pipeline.reset();
  }
  CHECK_THAT(Audit(outage), Contains("100 accepted but not stored"));
}

TEST_CASE("a table that is gone is named, and nothing is lost once it is back") {
  Outage outage;
  Intruder intruder(outage);
  intruder.Execute("ALTER TABLE aggregates RENAME TO away");
  outage.Publish(100);
  outage.CheckBounded();
  CHECK(outage.stats().pending == 100);
  CHECK_THAT(outage.pipeline->health().reason, Contains("aggregates"));
  intruder.Execute("ALTER TABLE away RENAME TO aggregates");
  outage.CheckRecovers();
}

TEST_CASE("a file that is moved away is missed, and nothing is lost once it is back") {
  Outage outage;
  const auto move = [&](const std::string& from, const std::string& to) {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::rename(from + end, to + end);
  };
  move(outage.database(), outage.database() + ".away");
  outage.Publish(100);
  outage.CheckBounded();
  CHECK(outage.stats().pending == 100);
  CHECK_FALSE(outage.pipeline->health().healthy);
  move(outage.database() + ".away", outage.database());
  outage.CheckRecovers();
}

}  // namespace
}  // namespace nerava::analytics
