// A store that refuses some events, or all, or hangs, with a journal before it.
#include <algorithm>
#include <set>

#include "tests/faults/drive.h"
#include "tests/support/fake_store.h"
#include "tests/unit/writer/writer_fixture.h"

namespace nerava::analytics {
namespace {

struct Journaled : WriterFixture {
  BatchWriterOptions Options() const {
    BatchWriterOptions options = WriterFixture::Options();
    options.journal.durability = Durability::kProcess;
    options.journal.directory = folder.File("journal");
    options.journal.segment_bytes = 256 << 10;
    return options;
  }
  // As another process would, once this one is gone.
  bool Restart() {
    writer.reset();
    return Start(Options());
  }
  std::set<std::string> Stored() const {
    std::set<std::string> ids;
    for (const EventPtr& event : store->events()) ids.insert(event->event_id);
    return ids;
  }

  const testing::TempDir folder;
};

TEST_CASE("one poison event in 1,000: exactly those become dead letters, which can be replayed") {
  Journaled test;
  const std::set<std::string> poison{"e500", "e1500", "e2500"};
  for (const std::string& id : poison) test.store->Refuse(id);
  REQUIRE(test.Start(test.Options()));
  REQUIRE(test.Write(3000) == 3000);
  CHECK(test.writer->Flush(kPatience) == 0);
  CHECK(test.writer->stats().committed == 2997);
  CHECK(test.writer->stats().dead_lettered == 3);
  CHECK(Balanced(test.writer->stats()));

  REQUIRE(test.Restart());
  const auto letters = test.writer->DeadLetters();
  REQUIRE(letters.ok());
  REQUIRE(letters->size() == 3);
  for (const DeadLetter& letter : *letters) {
    const auto found = std::find_if(poison.begin(), poison.end(), [&](const std::string& id) {
      return letter.event_json.find('"' + id + '"') != std::string::npos &&
             letter.reason.find(id) != std::string::npos;
    });
    CHECK(found != poison.end());
    CHECK_FALSE(test.Stored().contains(*found));
  }

  for (const std::string& id : poison) test.store->Accept(id);
  CHECK(test.writer->ReplayDeadLetters().value() == 3);
  CHECK(test.writer->Flush(kPatience) == 0);
  CHECK(test.store->events().size() == 3000);
  CHECK(test.writer->DeadLetters()->empty());
}

TEST_CASE("a store that refuses every event is at fault, not the events") {
  Journaled test;
  test.store->RefuseAll(true);
  REQUIRE(test.Start(test.Options()));
  REQUIRE(test.Write(1000) == 1000);
  const absl::Time before = absl::Now();
  CHECK(test.writer->Flush(absl::Milliseconds(200)) == 1000);
  CHECK(absl::Now() - before < absl::Seconds(5));
  CHECK(test.writer->stats().breaker_trips > 0);
  CHECK(test.writer->stats().dead_lettered == 0);
  CHECK(test.writer->stats().last_error != "");

  SECTION("the same writer stores them once the store takes them") { test.store->RefuseAll(false); }
  SECTION("so does the next process") {
    test.writer->Stop(absl::ZeroDuration());
    test.store->RefuseAll(false);
    REQUIRE(test.Restart());
  }
  CHECK(test.writer->Flush(kPatience) == 0);
  CHECK(test.store->events().size() == 1000);
  CHECK(test.writer->stats().last_error == "");
  CHECK(test.writer->DeadLetters()->empty());
}

TEST_CASE("a store that hangs delays nobody beyond his deadline, and its events are stored later") {
  Journaled test;
  test.store->Hang();
  REQUIRE(test.Start(test.Options()));
  REQUIRE(test.Write(100) == 100);
  REQUIRE(test.store->AwaitHanging());
  const absl::Time before = absl::Now();
  CHECK(test.writer->Flush(absl::Milliseconds(50)) == 100);
  CHECK(test.writer->Stop(absl::Milliseconds(50)) == 100);
  test.writer.reset();
  CHECK(absl::Now() - before < absl::Seconds(10));

  // The thread that was left behind holds the journal until the store lets it go.
  test.store->Release();
  const absl::Time deadline = absl::Now() + kPatience;
  while (test.store->events().size() < 100 && absl::Now() < deadline) {
    REQUIRE(test.Restart());
    CHECK(test.writer->Flush(kPatience) == 0);
  }
  CHECK(test.Stored().size() == 100);
  CHECK(test.store->events().size() == 100);
}

TEST_CASE("control: without a journal the events of a hanging store are gone") {
  Journaled test;
  test.store->Hang();
  BatchWriterOptions options = test.Options();
  options.journal.durability = Durability::kMemory;
  REQUIRE(test.Start(options));
  REQUIRE(test.Write(100) == 100);
  REQUIRE(test.store->AwaitHanging());
  REQUIRE(test.Write(100, "later") == 100);  // the others may be in the hanging transaction
  test.writer.reset();
  test.store->Release();
  REQUIRE(test.Restart());
  CHECK(test.writer->Flush(kPatience) == 0);
  CHECK_FALSE(test.Stored().contains("later0"));
}

}  // namespace
}  // namespace nerava::analytics
