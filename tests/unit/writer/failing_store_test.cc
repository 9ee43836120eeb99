// What the batch writer does when the store fails, and when it refuses an event.
#include <catch2/catch.hpp>
#include <new>
#include <stdexcept>

#include "tests/unit/writer/writer_fixture.h"

namespace nerava::analytics {
namespace {

TEST_CASE("A store that recovers gets every event, once and in order") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->FailWrites(7, absl::UnavailableError("disk full"));
  REQUIRE(f.Write(100) == 100);

  REQUIRE(f.writer->Flush(kPatience) == 0);

  CHECK(f.store->events().size() == 100);
  const BatchWriterStats stats = f.writer->stats();
  CHECK(stats.committed == 100);
  CHECK(stats.failed_commits == 7);
  CHECK(f.errors->errors().size() == 7);
  CHECK(stats.last_error.empty());
}

TEST_CASE("Errors that stay until somebody acts lose nothing either") {
  for (const absl::Status& error : {absl::FailedPreconditionError("newer version"),
                                    absl::DataLossError("corrupt"), absl::InternalError("bug")}) {
    WriterFixture f;
    REQUIRE(f.Start());
    f.store->FailWrites(3, error);
    REQUIRE(f.Write(10) == 10);
    REQUIRE(f.store->AwaitFaults(3));
    CHECK(f.writer->Flush(kPatience) == 0);
    CHECK(f.store->events().size() == 10);
    CHECK(f.errors->errors().front() == error);
  }
}

TEST_CASE("While commits fail the last error is shown, and everything is pending") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->FailWrites(1'000'000, absl::UnavailableError("disk full"));
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.errors->Await(3));

  const BatchWriterStats stats = f.writer->stats();
  CHECK(stats.last_error.find("disk full") != std::string::npos);
  CHECK(stats.pending == 10);
  CHECK(stats.failed_commits >= 3);
  CHECK(stats.last_commit_time == absl::InfinitePast());
}

TEST_CASE("A store that throws is retried like one that is unavailable") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->OnWrites(1, []() -> absl::Status { throw std::bad_alloc(); });
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  f.store->OnWrites(1, []() -> absl::Status { throw 1; });
  REQUIRE(f.Write(10, "more") == 10);
  REQUIRE(f.writer->Flush(kPatience) == 0);

  CHECK(f.store->events().size() == 20);
  REQUIRE(f.errors->errors().size() == 2);
  CHECK(absl::IsUnavailable(f.errors->errors()[0]));
  CHECK(absl::IsUnavailable(f.errors->errors()[1]));
}

TEST_CASE("What on_error throws is swallowed") {
  auto store = std::make_shared<FakeStore>();
  BatchWriterOptions options = WriterFixture::Options();
  options.on_error = [](const absl::Status&) { throw std::runtime_error("boom"); };
  const auto writer = *BatchWriter::Create(options, store);
  REQUIRE(writer->Start().ok());
  store->FailWrites(1, absl::UnavailableError("busy"));
  REQUIRE(writer->Write(MakeEvent("a")).ok());
  CHECK(writer->Flush(kPatience) == 0);
  CHECK(store->events().size() == 1);
}

TEST_CASE("One poison event among a thousand is refused, all others are stored") {
  for (const int position : {0, 1, 499, 500, 777, 999}) {
    WriterFixture f;
    f.Create();
    const std::string poison = "e" + std::to_string(position);
    f.store->Refuse(poison);
    REQUIRE(f.Write(1000) == 1000);
    REQUIRE(f.writer->Start().ok());
    REQUIRE(f.writer->Flush(kPatience) == 0);

    const BatchWriterStats stats = f.writer->stats();
    CHECK(stats.dead_lettered == 1);
    CHECK(stats.committed == 999);
    CHECK(f.store->events().size() == 999);
    CHECK(stats.failed_commits <= 10);  // log2(1000)
    CHECK(stats.last_error.empty());
    const std::vector<absl::Status> errors = f.errors->errors();
    REQUIRE(errors.size() == 1);
    CHECK(absl::IsInvalidArgument(errors[0]));
    CHECK(errors[0].ToString().find("\"" + poison + "\"") != std::string::npos);
    CHECK(errors[0].ToString().find("poison: " + poison) != std::string::npos);
  }
}

TEST_CASE("Events are stored in order around those that are refused") {
  WriterFixture f;
  f.Create();
  for (int i = 0; i < 100; i += 23) f.store->Refuse("e" + std::to_string(i));
  REQUIRE(f.Write(100) == 100);
  REQUIRE(f.writer->Start().ok());
  REQUIRE(f.writer->Flush(kPatience) == 0);

  std::vector<std::string> stored, expected;
  for (const EventPtr& event : f.store->events()) stored.push_back(event->event_id);
  for (int i = 0; i < 100; ++i) {
    if (i % 23 != 0) expected.push_back("e" + std::to_string(i));
  }
  CHECK(stored == expected);
}

TEST_CASE("When a small batch is all poison, it is buried and the writer goes on") {
  WriterFixture f;
  REQUIRE(f.Start());
  for (int i = 0; i < 5; ++i) f.store->Refuse("e" + std::to_string(i));
  REQUIRE(f.Write(5) == 5);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.writer->stats().dead_lettered == 5);
  CHECK(f.errors->errors().size() == 5);
  CHECK(f.writer->stats().last_error.find("poison") != std::string::npos);

  REQUIRE(f.Write(1, "good") == 1);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.writer->stats().committed == 1);
  CHECK(f.writer->stats().last_error.empty());
}

TEST_CASE("A store that refuses more than a twentieth is at fault: nothing is buried or lost") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->RefuseAll(true);
  REQUIRE(f.Write(1000) == 1000);
  REQUIRE(f.errors->Await(3));  // it keeps trying

  BatchWriterStats stats = f.writer->stats();
  CHECK(stats.dead_lettered == 0);
  CHECK(stats.pending == 1000);
  CHECK(stats.breaker_trips >= 3);
  CHECK(stats.last_error.find("seems to be at fault") != std::string::npos);
  CHECK(Balanced(stats));

  f.store->RefuseAll(false);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  stats = f.writer->stats();
  CHECK(stats.committed == 1000);
  CHECK(stats.last_error.empty());
  std::vector<std::string> stored;
  for (const EventPtr& event : f.store->events()) stored.push_back(event->event_id);
  CHECK(stored.size() == 1000);
  CHECK(stored.front() == "e0");
  CHECK(stored.back() == "e999");
}

TEST_CASE("What a batch with too many refusals committed stays committed") {
  WriterFixture f;
  f.Create();
  for (int i = 100; i < 200; ++i) f.store->Refuse("e" + std::to_string(i));
  REQUIRE(f.Write(300) == 300);
  REQUIRE(f.writer->Start().ok());
  REQUIRE(f.errors->Await(1));

  CHECK(f.writer->Flush(absl::ZeroDuration()) >= 100);
  const BatchWriterStats stats = f.writer->stats();
  CHECK(stats.committed >= 75);  // the first quarter has no refusal
  CHECK(stats.duplicates == 0);
  CHECK(stats.dead_lettered == 0);
  CHECK(Balanced(stats));
}

TEST_CASE("Dead letters show the event and the reason, and can be accepted again") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->Refuse("e3");
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.writer->Flush(kPatience) == 0);

  auto letters = f.writer->DeadLetters();
  REQUIRE(letters.ok());
  REQUIRE(letters->size() == 1);
  CHECK(letters->front().reason.find("poison: e3") != std::string::npos);
  CHECK(letters->front().event_json.find("\"event_id\":\"e3\"") != std::string::npos);
  CHECK(letters->front().time == f.clock.Now());
  CHECK(f.writer->stats().dead_letters == 1);

  SECTION("the store has learned to take it") {
    f.store->Accept("e3");
    CHECK(f.writer->ReplayDeadLetters().value() == 1);
    REQUIRE(f.writer->Flush(kPatience) == 0);
    CHECK(f.store->events().size() == 10);
    CHECK(f.writer->stats().dead_letters == 0);
    CHECK(f.writer->DeadLetters()->empty());
  }
  SECTION("the store refuses it again") {
    CHECK(f.writer->ReplayDeadLetters().value() == 1);
    REQUIRE(f.writer->Flush(kPatience) == 0);
    CHECK(f.store->events().size() == 9);
    CHECK(f.writer->stats().dead_letters == 1);
    CHECK(f.writer->stats().dead_lettered == 2);
  }
  CHECK(Balanced(f.writer->stats()));
}

}  // namespace
}  // namespace nerava::analytics
