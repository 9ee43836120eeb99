// A batch writer whose journal, or a dead process's, gives it trouble.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/unit/writer/journal_fixture.h"

namespace nerava::analytics {
namespace {

// No file can become as large as a segment while it lives.
class NoSpace {
 public:
  NoSpace() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit little{100'000, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &little);
  }
  ~NoSpace() { setrlimit(RLIMIT_FSIZE, &before_); }
  NoSpace(const NoSpace&) = delete;
  NoSpace& operator=(const NoSpace&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE("A full journal is emptied by a commit, however long the batch has to wait otherwise") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.batch_size = options.max_batch_size = 5000;  // and a flush_interval of an hour
  options.journal.max_bytes = 512 << 10;
  REQUIRE(f.Start(options));
  CHECK(f.Write(3000, std::string(1000, 'x')) == 3000);
  CHECK(f.writer->stats().overflows == 0);
}

TEST_CASE("Drops that are reported without end do not keep the writer from committing") {
  WriterFixture f;
  BatchWriterOptions options = f.Options();
  options.overflow = Overflow::kDropOldest;
  options.queue_capacity = options.max_batch_size = options.batch_size = 10;
  // Each report of a drop makes the next one.
  std::atomic<bool> dropping{true};
  options.on_error = [&](const absl::Status&) {
    if (dropping) f.Write(11, "more");
  };
  auto created = BatchWriter::Create(options, f.store, f.clock);
  REQUIRE(created.ok());
  f.writer = *std::move(created);
  REQUIRE(f.Write(11) == 11);
  REQUIRE(f.writer->Start().ok());
  CHECK(f.store->AwaitCommits(3));
  dropping = false;
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(Balanced(f.writer->stats()));
}

TEST_CASE("There is always something to drop, also when a batch could take all there is") {
  WriterFixture f;
  BatchWriterOptions options = f.Options();
  options.overflow = Overflow::kDropOldest;
  options.queue_capacity = options.max_batch_size = options.batch_size = 10;
  options.overflow_timeout = absl::Milliseconds(1);
  f.store->Hang();
  f.Create(options);
  REQUIRE(f.Write(10) == 10);  // before the thread takes the first batch
  REQUIRE(f.writer->Start().ok());
  REQUIRE(f.store->AwaitHanging());
  CHECK(f.Write(30, "more") == 30);
  CHECK(f.writer->stats().dropped == 30);
  f.store->Release();
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(f.store->events().size() == 10);
}

TEST_CASE("A segment that could not be followed by another takes no more events") {
  JournalFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(200, std::string(1000, 'x')) == 200);  // 256 KiB take no 100,000 bytes more
  {
    const NoSpace no_space;
    const absl::Status status = f.writer->Write(MakeEvent(std::string(100'000, 'y')));
    CHECK(absl::IsUnavailable(status));
  }
  REQUIRE(f.Write(1, "small") == 1);
  // A file of the next one, which a failure may leave, would void what came into the first.
  CHECK(f.Segments().size() == 2);
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 201);
}

TEST_CASE("A file that cannot be moved to the quarantine holds up no other") {
  JournalFixture f;
  f.Create(f.Options(Durability::kPower));
  REQUIRE(f.Write(10) == 10);
  f.writer.reset();
  const fs::path segment = f.Segments().front();
  fs::resize_file(segment, 40);
  // Followed by another, it once was whole; so it is damaged.
  const std::string later = "00000000000000ff-0123456789abcdef.journal";
  std::ofstream(segment.parent_path() / later).flush();
  const fs::path quarantine = segment.parent_path().parent_path() / "quarantine";
  std::ofstream(quarantine).flush();  // no folder

  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(3000, std::string(1000, 'x')) == 3000);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  REQUIRE(f.Write(1, "last") == 1);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.writer->stats().journal.segments <= 2);
  CHECK(f.Reported(absl::StatusCode::kFailedPrecondition, "quarantine"));

  fs::remove(quarantine);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(fs::exists(quarantine / (segment.parent_path().filename().string() + "-" +
                                 segment.filename().string())));
}

TEST_CASE("What somebody else took before the quarantine could is done with") {
  JournalFixture f;
  f.Create(f.Options(Durability::kPower));
  REQUIRE(f.Write(10) == 10);
  f.writer.reset();
  const fs::path segment = f.Segments().front();
  fs::resize_file(segment, 40);
  std::ofstream(segment.parent_path() / "00000000000000ff-0123456789abcdef.journal").flush();
  const fs::path quarantine = segment.parent_path().parent_path() / "quarantine";
  std::ofstream(quarantine).flush();  // no folder, for now
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(10, "next") == 10);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  REQUIRE(f.errors->Await(3));  // the first writer's end, the damage, and this
  fs::remove(segment);
  fs::remove(quarantine);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(f.Segments().empty());
}

TEST_CASE("A dead process's file that cannot be read for now holds up no other event") {
  JournalFixture f;
  constexpr int kDead = 8;
  for (int i = 0; i < kDead; ++i) {
    f.Create(f.Options());
    REQUIRE(f.Write(1, "dead" + std::to_string(i)) == 1);
    f.writer.reset();
  }
  auto segments = f.Segments();
  REQUIRE(segments.size() == kDead);
  segments.resize(kDead / 2);  // that cannot be read, some before and some behind the others
  f.store->Hang();
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.store->AwaitHanging());  // with the events of one
  for (const fs::path& segment : segments) {
    fs::rename(segment, segment.string() + ".hidden");
    fs::create_symlink(segment.string() + ".hidden", segment);
  }
  f.store->Release();
  REQUIRE(f.Write(10, "live") == 10);
  CHECK(f.store->AwaitEvents(kDead / 2 + 10));
  for (const fs::path& segment : segments) {
    if (fs::exists(fs::symlink_status(segment))) fs::remove(segment);
    if (fs::exists(segment.string() + ".hidden")) fs::rename(segment.string() + ".hidden", segment);
  }
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().size() == kDead + 10);
}

TEST_CASE("A file as large as none of a journal is told, and holds up no other") {
  JournalFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(3) == 3);
  f.writer.reset();
  const fs::path store_folder = f.Segments().front().parent_path().parent_path();
  const fs::path dead = store_folder / "1-0123456789abcdef";
  fs::create_directory(dead);
  fs::permissions(dead, fs::perms::owner_all);
  const fs::path huge = dead / "0000000000000001-0123456789abcdef.journal";
  std::ofstream(huge).flush();
  fs::resize_file(huge, std::uintmax_t{1} << 40);  // sparse
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().size() == 3);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(f.Reported(absl::StatusCode::kDataLoss, "no such file has more"));
  CHECK(fs::exists(huge));
}

TEST_CASE("Events that come while a dead process's are read have room when those are put back") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.journal.segment_bytes = 16 << 20;  // takes a while to read
  options.journal.max_bytes = 64 << 20;
  f.Create(options);
  REQUIRE(f.Write(10'000, std::string(1000, 'x')) == 10'000);
  f.writer.reset();
  f.store->RefuseAll(true);  // so that a batch is put back
  const std::size_t told = f.errors->errors().size();
  f.Create(options);
  REQUIRE(f.Write(1, "first") == 1);  // to make this one's journal takes long
  REQUIRE(f.writer->Start().ok());
  while (f.writer->stats().recovered == 0) std::this_thread::yield();
  REQUIRE(f.Write(30, "live") == 30);
  REQUIRE(f.errors->Await(told + 1));
  f.store->RefuseAll(false);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().size() + f.writer->stats().dead_letters == 10'031);
  CHECK(Balanced(f.writer->stats()));
}

}  // namespace
}  // namespace nerava::analytics
