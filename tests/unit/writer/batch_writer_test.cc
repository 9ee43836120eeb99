// When a batch is committed, what a flush, a stop and a full queue do, and what is counted.
#include "nerava/analytics/batch_writer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <latch>
#include <numeric>
#include <thread>

#include "tests/unit/writer/writer_fixture.h"

namespace nerava::analytics {
namespace {

TEST_CASE("A commit begins as soon as batch_size events wait") {
  WriterFixture f;
  REQUIRE(f.Start());
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitCommits(1));
  CHECK(f.store->batches() == std::vector<std::size_t>{10});
}

TEST_CASE("Fewer than batch_size events are committed when flush_interval has passed") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.flush_interval = absl::Milliseconds(20);
  REQUIRE(f.Start(options));
  const absl::Time begin = absl::Now();
  REQUIRE(f.Write(1) == 1);
  REQUIRE(f.store->AwaitCommits(1));
  CHECK(absl::Now() - begin >= absl::Milliseconds(19));
  // And again, after the thread was idle.
  REQUIRE(f.Write(1, "again") == 1);
  REQUIRE(f.store->AwaitCommits(2));
}

TEST_CASE("A commit takes all that waits, up to max_batch_size, in order") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.max_batch_size = 40;
  f.Create(options);
  REQUIRE(f.Write(100) == 100);
  REQUIRE(f.writer->Start().ok());
  REQUIRE(f.writer->Flush(kPatience) == 0);

  CHECK(f.store->batches() == std::vector<std::size_t>{40, 40, 20});
  const std::vector<EventPtr> events = f.store->events();
  REQUIRE(events.size() == 100);
  bool in_order = true;
  for (std::size_t i = 0; i < events.size(); ++i) {
    in_order = in_order && events[i]->event_id == "e" + std::to_string(i);
  }
  CHECK(in_order);
}

TEST_CASE("Flush stores what was accepted before it") {
  WriterFixture f;
  REQUIRE(f.Start());
  REQUIRE(f.Write(3) == 3);
  CHECK(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 3);
  CHECK(f.writer->Flush(absl::ZeroDuration()) == 0);
}

TEST_CASE("Flush of a writer that does not run says at once what is pending") {
  WriterFixture f;
  f.Create();
  REQUIRE(f.Write(3) == 3);
  CHECK(f.writer->Flush(absl::InfiniteDuration()) == 3);
  CHECK_FALSE(f.writer->stats().running);
}

TEST_CASE("Flush returns in time when the store hangs, with what is pending") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->Hang();
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitHanging());
  REQUIRE(f.Write(5, "later") == 5);

  CHECK(f.writer->Flush(absl::Milliseconds(10)) == 15);

  f.store->Release();
  CHECK(f.writer->Flush(kPatience) == 0);
}

TEST_CASE("Flush tries a failed commit at once instead of waiting for the next attempt") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.retry_initial_backoff = absl::Hours(1);
  options.retry_max_backoff = absl::Hours(1);
  REQUIRE(f.Start(options));
  f.store->FailWrites(1, absl::UnavailableError("busy"));
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.errors->Await(1));

  CHECK(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 10);
}

TEST_CASE("A full queue refuses after overflow_timeout, and accepts again when there is room") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.max_batch_size = 10;
  options.queue_capacity = 10;
  options.overflow_timeout = absl::Milliseconds(5);
  REQUIRE(f.Start(options));
  f.store->Hang();
  REQUIRE(f.Write(10) == 10);

  const absl::Status refused = f.writer->Write(MakeEvent("too many"));
  CHECK(absl::IsResourceExhausted(refused));
  CHECK(f.writer->stats().overflows == 1);
  CHECK(f.writer->stats().accepted == 10);

  f.store->Release();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.writer->Write(MakeEvent("fits")).ok());
}

TEST_CASE("A full queue that refuses at once does not wait") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.max_batch_size = 10;
  options.queue_capacity = 10;
  options.overflow_timeout = absl::ZeroDuration();
  f.Create(options);
  REQUIRE(f.Write(10) == 10);
  CHECK(absl::IsResourceExhausted(f.writer->Write(MakeEvent("too many"))));
}

TEST_CASE("A write that waits for room goes on when the store has made some") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.max_batch_size = 10;
  options.queue_capacity = 10;
  REQUIRE(f.Start(options));
  f.store->Hang();
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitHanging());

  std::latch begun(1);
  bool accepted = false;
  std::thread publisher([&] {
    begun.count_down();
    accepted = f.writer->Write(MakeEvent("waits")).ok();
  });
  begun.wait();
  f.store->Release();
  publisher.join();

  CHECK(accepted);
  CHECK(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 11);
}

TEST_CASE("Stop releases a write that waits for room") {
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.max_batch_size = 10;
  options.queue_capacity = 10;
  options.overflow_timeout = absl::InfiniteDuration();
  f.Create(options);
  REQUIRE(f.Write(10) == 10);
  std::latch begun(1);
  absl::Status status;
  std::thread publisher([&] {
    begun.count_down();
    status = f.writer->Write(MakeEvent("waits"));
  });
  begun.wait();

  CHECK(f.writer->Stop(absl::ZeroDuration()) == 10);
  publisher.join();
  CHECK(absl::IsFailedPrecondition(status));
}

TEST_CASE("Stop stores what waits and ends the thread") {
  WriterFixture f;
  REQUIRE(f.Start());
  REQUIRE(f.Write(3) == 3);
  CHECK(f.writer->stats().running);

  CHECK(f.writer->Stop(kPatience) == 0);

  CHECK(f.store->events().size() == 3);
  CHECK_FALSE(f.writer->stats().running);
  CHECK(absl::IsFailedPrecondition(f.writer->Write(MakeEvent("late"))));
  CHECK(absl::IsFailedPrecondition(f.writer->Start()));
  CHECK(f.writer->Stop(kPatience) == 0);
}

TEST_CASE("Stop is bounded when the store hangs, and can be called again for the rest") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->Hang();
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitHanging());

  CHECK(f.writer->Stop(absl::Milliseconds(5)) == 10);
  CHECK(f.writer->stats().running);

  f.store->Release();
  CHECK(f.writer->Stop(kPatience) == 0);
  CHECK(f.store->events().size() == 10);
}

TEST_CASE("Stop keeps retrying a store that fails, until its deadline and beyond") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->FailWrites(1'000'000, absl::UnavailableError("down"));
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitFaults(2));
  CHECK(f.writer->Stop(absl::Milliseconds(5)) == 10);

  f.store->FailWrites(0, absl::OkStatus());
  REQUIRE(f.store->AwaitEvents(10));
  CHECK(f.writer->Stop(kPatience) == 0);
}

TEST_CASE("Destruction is bounded when the store hangs, and reports what is lost, once") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->Hang();
  REQUIRE(f.Write(12) == 12);
  REQUIRE(f.store->AwaitHanging());

  f.writer.reset();

  const std::vector<absl::Status> errors = f.errors->errors();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].ToString().find("12 events") != std::string::npos);
  // The thread that was left behind ends, and lets go of the store.
  f.store->Release();
  std::weak_ptr<FakeStore> watched = f.store;
  f.store.reset();
  while (!watched.expired()) std::this_thread::yield();
  CHECK(f.errors->errors().size() == 1);
}

TEST_CASE("Destruction drops what a store that fails did not take") {
  WriterFixture f;
  REQUIRE(f.Start());
  f.store->FailWrites(1'000'000, absl::UnavailableError("down"));
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.errors->Await(1));
  f.writer.reset();
  CHECK(absl::IsCancelled(f.errors->errors().back()));
}

TEST_CASE("An idle writer is destroyed without a report, also one that never ran") {
  WriterFixture f;
  REQUIRE(f.Start());
  REQUIRE(f.Write(3) == 3);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  f.Create();
  f.writer.reset();
  CHECK(f.errors->errors().empty());
}

TEST_CASE("Another writer goes on where one ended") {
  WriterFixture f;
  REQUIRE(f.Start());
  REQUIRE(f.Write(5, "first") == 5);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  REQUIRE(f.Start());
  REQUIRE(f.Write(5, "second") == 5);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 10);
}

TEST_CASE("A host may stop, flush and destroy the writer from inside on_error") {
  auto store = std::make_shared<FakeStore>();
  std::unique_ptr<BatchWriter> writer;
  std::latch written(1), destroyed(1);
  BatchWriterOptions options = WriterFixture::Options();
  options.on_error = [&](const absl::Status& error) {
    if (!absl::IsUnavailable(error)) return;  // the report of what is dropped
    written.wait();
    writer->Flush(absl::InfiniteDuration());
    writer->Stop(absl::InfiniteDuration());
    writer.reset();
    destroyed.count_down();
  };
  writer = *BatchWriter::Create(options, store);
  REQUIRE(writer->Start().ok());
  store->FailWrites(1, absl::UnavailableError("busy"));
  for (int i = 0; i < 10; ++i) writer->Write(MakeEvent(std::to_string(i))).IgnoreError();
  written.count_down();

  destroyed.wait();

  CHECK(store->batches().empty());
  std::weak_ptr<FakeStore> watched = store;
  store.reset();
  while (!watched.expired()) std::this_thread::yield();
}

TEST_CASE("Several threads may flush and stop at a time") {
  WriterFixture f;
  REQUIRE(f.Start());
  REQUIRE(f.Write(105) == 105);
  std::atomic<std::size_t> left{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] { left += f.writer->Flush(kPatience); });
    threads.emplace_back([&] { left += f.writer->Stop(kPatience); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(left == 0);
  CHECK(f.store->events().size() == 105);
  CHECK_FALSE(f.writer->stats().running);
}

TEST_CASE("Duplicates and conflicts are counted apart") {
  WriterFixture f;
  REQUIRE(f.Start());
  auto conflicting = std::make_shared<AnalyticsEvent>(*MakeEvent("a"));
  conflicting->user_id = "somebody else";
  REQUIRE(f.writer->Write(MakeEvent("a")).ok());
  REQUIRE(f.writer->Write(MakeEvent("a")).ok());
  REQUIRE(f.writer->Flush(kPatience) == 0);
  REQUIRE(f.writer->Write(conflicting).ok());
  REQUIRE(f.writer->Flush(kPatience) == 0);

  const BatchWriterStats stats = f.writer->stats();
  CHECK(stats.accepted == 3);
  CHECK(stats.committed == 1);
  CHECK(stats.duplicates == 1);
  CHECK(stats.conflicts == 1);
  CHECK(stats.pending == 0);
  CHECK(stats.commits == 2);
  CHECK(stats.last_commit_time == f.clock.Now());
}

TEST_CASE("Options out of their range and a missing store are refused by name") {
  const auto refusal = [](const std::function<void(BatchWriterOptions&)>& change) {
    BatchWriterOptions options;
    change(options);
    return BatchWriter::Create(options, std::make_shared<FakeStore>()).status().ToString();
  };
  CHECK(refusal([](auto& o) { o.batch_size = 0; }) ==
        "INVALID_ARGUMENT: batch_size is 0; it must be from 1 to 1000000");
  CHECK(refusal([](auto& o) { o.batch_size = 1'000'001; }).find("batch_size is") !=
        std::string::npos);
  CHECK(refusal([](auto& o) { o.flush_interval = absl::Microseconds(999); }) ==
        "INVALID_ARGUMENT: flush_interval is 999us; it must be from 1ms to 24h");
  CHECK(refusal([](auto& o) { o.max_batch_size = 99; }) ==
        "INVALID_ARGUMENT: max_batch_size is 99; it must be at least batch_size, 100");
  CHECK(refusal([](auto& o) { o.queue_capacity = 9999; }).find("queue_capacity") !=
        std::string::npos);
  CHECK(refusal([](auto& o) { o.overflow_timeout = -absl::Seconds(1); }).find("overflow_timeout") !=
        std::string::npos);
  CHECK(refusal([](auto& o) {
          o.retry_initial_backoff = absl::ZeroDuration();
        }).find("retry_initial_backoff") != std::string::npos);
  CHECK(refusal([](auto& o) {
          o.retry_max_backoff = absl::Milliseconds(1);
        }).find("retry_max_backoff") != std::string::npos);
  CHECK(absl::IsInvalidArgument(BatchWriter::Create({}, nullptr).status()));
  WriterFixture f;
  f.Create();
  CHECK(absl::IsInvalidArgument(f.writer->Write(nullptr)));
}

TEST_CASE("Every snapshot balances while eight threads write and the store fails now and then") {
  constexpr int kThreads = 8;
  constexpr int kEvents = 1000;
  WriterFixture f;
  BatchWriterOptions options = WriterFixture::Options();
  options.queue_capacity = 1000;  // so that writers also wait for room
  REQUIRE(f.Start(options));
  f.store->FailWrites(20, absl::UnavailableError("busy"));
  for (int i = 0; i < kEvents; i += 100) f.store->Refuse("t0-" + std::to_string(i));

  std::atomic<int> running{kThreads};
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kEvents; ++i) {
        // Every event twice: one of them is a duplicate, or both are refused.
        const EventPtr event = MakeEvent("t" + std::to_string(t) + "-" + std::to_string(i));
        f.writer->Write(event).IgnoreError();
        f.writer->Write(event).IgnoreError();
      }
      --running;
    });
  }
  bool balanced = true;
  do {
    balanced = balanced && Balanced(f.writer->stats());
  } while (running > 0);
  for (std::thread& writer : writers) writer.join();
  REQUIRE(f.writer->Flush(kPatience) == 0);

  CHECK(balanced);
  const BatchWriterStats stats = f.writer->stats();
  CHECK(Balanced(stats));
  CHECK(stats.accepted == 2 * kThreads * kEvents);
  CHECK(stats.dead_lettered == 20);
  CHECK(stats.committed == kThreads * kEvents - 10);
  CHECK(stats.duplicates == kThreads * kEvents - 10);
  CHECK(f.store->events().size() == kThreads * kEvents - 10);
}

}  // namespace
}  // namespace nerava::analytics
