// A batch writer with a journal: what one process accepts, the next one stores.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child.h"
#include "tests/unit/writer/journal_fixture.h"

namespace nerava::analytics {
namespace {

TEST_CASE("What was accepted and not stored is stored by the next writer, before Flush returns") {
  for (const Durability durability : {Durability::kProcess, Durability::kPower}) {
    JournalFixture f;
    f.Create(f.Options(durability));
    REQUIRE(f.writer != nullptr);
    REQUIRE(f.Write(100) == 100);  // never started
    f.Restart();
    REQUIRE(f.writer->Flush(kPatience) == 0);

    CHECK(f.store->events().size() == 100);
    CHECK(f.Stored().size() == 100);
    const BatchWriterStats stats = f.writer->stats();
    CHECK(stats.accepted == 100);
    CHECK(stats.recovered == 100);
    CHECK(stats.committed == 100);
    CHECK(stats.journal.adopted_segments == 1);
    CHECK(Balanced(stats));
  }
}

TEST_CASE("A memory writer loses what it did not store: the tests can see a loss") {
  JournalFixture f;
  f.Create(f.Options(Durability::kMemory));
  REQUIRE(f.Write(100) == 100);
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().empty());
  CHECK(f.Files().empty());
}

TEST_CASE("A writer that is stopped with all stored leaves nothing behind") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(100) == 100);
  CHECK(f.Segments().size() == 1);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(fs::is_empty(f.dir.path()));
  CHECK(f.errors->errors().empty());
}

TEST_CASE("Files and folders are the owner's only") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(1) == 1);
  for (const auto& entry : fs::recursive_directory_iterator(f.dir.path())) {
    const auto mode = entry.status().permissions();
    CHECK((mode & fs::perms::all) == (entry.is_directory()
                                          ? fs::perms::owner_all
                                          : fs::perms::owner_read | fs::perms::owner_write));
  }
}

TEST_CASE("Events that are in the store already count as duplicates, not twice") {
  JournalFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(100) == 100);
  for (int i = 0; i < 60; ++i) f.store->Insert(MakeEvent("e" + std::to_string(i)));
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 100);
  CHECK(f.writer->stats().duplicates == 60);
  CHECK(f.writer->stats().committed == 40);
}

TEST_CASE("Segments are removed once the store is synced past them, and not before") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  f.store->FailSyncs(absl::UnavailableError("no sync"));
  const std::string prefix(1000, 'x');  // a thousand bytes an event: several segments
  REQUIRE(f.Write(1000, prefix) == 1000);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  REQUIRE(f.errors->Await(1));
  CHECK(f.errors->errors().front().ToString().find("no sync") != std::string::npos);
  CHECK(f.Segments().size() >= 4);

  f.store->FailSyncs(absl::OkStatus());
  REQUIRE(f.Write(1) == 1);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  REQUIRE(f.Write(1, "next") == 1);  // the flush may return before the trim; the next one is after
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Segments().size() <= 2);
  CHECK(f.writer->stats().journal.segments == f.Segments().size());
  CHECK(f.writer->stats().journal.bytes == f.Segments().size() * (256 << 10));
}

TEST_CASE("A living process's journal is left alone, a dead one's taken over by a flush") {
  JournalFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(10, "mine") == 10);
  const auto other = *BatchWriter::Create(f.Options(), f.store);
  REQUIRE(other->Start().ok());
  REQUIRE(other->Flush(kPatience) == 0);
  CHECK(f.store->events().empty());

  f.writer.reset();  // dead, while the other one lives
  REQUIRE(other->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 10);
  CHECK(other->stats().recovered == 10);
}

TEST_CASE("Stores that share a directory get their own events only") {
  struct NamedStore : FakeStore {
    std::string Description() const override { return "fake:other"; }
  };
  JournalFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(10) == 10);
  f.writer.reset();
  const auto other = std::make_shared<NamedStore>();
  const auto writer = *BatchWriter::Create(f.Options(), other);
  REQUIRE(writer->Start().ok());
  REQUIRE(writer->Flush(kPatience) == 0);
  CHECK(other->events().empty());
}

TEST_CASE("A full journal blocks, then refuses, and takes events again when there is room") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.journal.max_bytes = 512 << 10;
  options.overflow_timeout = absl::Milliseconds(1);
  REQUIRE(f.Start(options));
  f.store->Hang();
  const std::string prefix(1000, 'x');
  int accepted = 0;
  absl::Status status;
  while (status.ok()) {
    status = f.writer->Write(MakeEvent(prefix + std::to_string(accepted)));
    accepted += status.ok() ? 1 : 0;
  }
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.ToString().find("journal_max_bytes") != std::string::npos);
  CHECK(accepted > 400);
  CHECK(f.writer->stats().overflow_timeouts == 1);

  f.store->Release();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  while (!f.writer->Write(MakeEvent("after")).ok()) {
    REQUIRE(f.writer->Flush(kPatience) == 0);
  }
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == static_cast<std::size_t>(accepted) + 1);
}

TEST_CASE("A publisher that waits for a full journal goes on when a store can be synced again") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.journal.max_bytes = 512 << 10;
  REQUIRE(f.Start(options));
  f.store->FailSyncs(absl::UnavailableError("no sync"));
  std::atomic<int> accepted{0};
  std::thread publisher([&] {
    const std::string prefix(1000, 'x');
    while (accepted < 1000 && f.writer->Write(MakeEvent(prefix + std::to_string(accepted))).ok()) {
      ++accepted;
    }
  });
  REQUIRE(f.errors->Await(2));  // it tries to make room
  f.store->FailSyncs(absl::OkStatus());
  publisher.join();
  CHECK(accepted == 1000);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 1000);
}

TEST_CASE("An event that is too large for the journal is refused by name, and harms no other") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(1) == 1);
  const absl::Status status = f.writer->Write(MakeEvent(std::string(200'000, 'x')));
  CHECK(absl::IsInvalidArgument(status));
  CHECK(status.ToString().find("journal_segment_bytes") != std::string::npos);
  REQUIRE(f.Write(1, "next") == 1);
  CHECK(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 2);
}

TEST_CASE("A damaged segment gives what can be read, and is kept for a person to look at") {
  JournalFixture f;
  f.Create(f.Options(Durability::kPower));  // so that all of it once was on the disk
  REQUIRE(f.Write(100) == 100);
  f.writer.reset();
  REQUIRE(f.Segments().size() == 1);
  const fs::path segment = f.Segments().front();
  {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes(20'000, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const std::size_t at = bytes.find("e50");
    REQUIRE(at != std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    file.put('!');
  }
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);

  CHECK(f.store->events().size() == 99);
  CHECK_FALSE(f.Stored().contains("e50"));
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(f.Reported(absl::StatusCode::kDataLoss, "99 events"));
  CHECK(f.writer->stats().journal.quarantined_segments == 1);
  REQUIRE(f.Segments().size() == 1);
  CHECK(f.Segments().front().parent_path().filename() == "quarantine");
  CHECK(f.Segments().front().filename().string().ends_with(segment.filename().string()));

  f.writer.reset();  // what is in the quarantine is not read again
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.writer->stats().recovered == 0);
}

TEST_CASE("A segment of another version is left as it is, and told") {
  const char version = GENERATE('\1', '\3');
  JournalFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(1) == 1);
  f.writer.reset();
  const fs::path segment = f.Segments().front();
  {
    // Its header, with its checksum.
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    std::string header(32, '\0');
    file.read(header.data(), 32);
    header[8] = version;
    std::uint32_t crc = ~std::uint32_t{0};
    for (int i = 0; i < 32; ++i) {
      if (i == 12) i = 16;
      crc ^= static_cast<unsigned char>(header[static_cast<std::size_t>(i)]);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
    crc = ~crc;
    for (std::size_t i = 0; i < 4; ++i) header[12 + i] = static_cast<char>(crc >> (8 * i));
    file.seekp(0);
    file.write(header.data(), 32);
  }
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().empty());
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(f.Reported(absl::StatusCode::kFailedPrecondition, "another version"));
  CHECK(f.Segments().size() == 1);
}

TEST_CASE("Dead letters outlive the process, and are replayed by another") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  f.store->Refuse("e3");
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  f.Restart();
  CHECK(f.writer->stats().dead_letters == 1);
  REQUIRE(f.writer->DeadLetters()->size() == 1);
  CHECK(f.writer->DeadLetters()->front().reason.find("poison") != std::string::npos);

  f.store->Accept("e3");
  CHECK(f.writer->ReplayDeadLetters().value() == 1);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().contains("e3"));
  CHECK(f.writer->stats().dead_letters == 0);
  REQUIRE(f.writer->Stop(kPatience) == 0);
  CHECK(f.Files().empty());
}

TEST_CASE("An unfinished dead letter, which a crash left, spoils no other") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  f.store->Refuse("e3");
  f.store->Refuse("later");
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  const auto files = f.Files();
  const auto letters = std::find_if(files.begin(), files.end(), [](const fs::path& file) {
    return file.filename() == "dead_letters.ndjson";
  });
  REQUIRE(letters != files.end());
  std::ofstream(*letters, std::ios::app) << R"({"time":"2026-)";
  CHECK(f.writer->stats().dead_letters == 1);
  REQUIRE(f.writer->Write(MakeEvent("later")).ok());
  REQUIRE(f.writer->Flush(kPatience) == 0);
  REQUIRE(f.writer->DeadLetters()->size() == 2);
  CHECK(f.writer->stats().dead_letters == 2);
}

TEST_CASE("A dead letter with a hole, which a power failure left, is none") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  f.store->Refuse("e3");
  f.store->Refuse("e4");
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.writer->Flush(kPatience) == 0);
  const auto files = f.Files();
  const auto letters = std::find_if(files.begin(), files.end(), [](const fs::path& file) {
    return file.filename() == "dead_letters.ndjson";
  });
  REQUIRE(letters != files.end());
  std::fstream file(*letters, std::ios::in | std::ios::out | std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  const auto hole = static_cast<std::streamoff>(text.rfind("\"aggregate_id\""));
  file.seekp(hole).write("\0\0\0\0\0\0\0\0", 8).flush();
  f.Restart();
  CHECK(f.writer->stats().dead_letters == 1);
  const auto left = *f.writer->DeadLetters();
  REQUIRE(left.size() == 1);
  CHECK(left[0].event_json.find("\"e3\"") != std::string::npos);
}

TEST_CASE("Many threads share their writes, and all that they were told is there") {
  JournalFixture f;
  f.Create(f.Options(Durability::kPower));
  std::vector<std::thread> threads;
  std::vector<int> accepted(8);
  for (std::size_t t = 0; t < accepted.size(); ++t) {
    threads.emplace_back([&, t] { accepted[t] = f.Write(200, std::to_string(t) + "-"); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(accepted == std::vector<int>(8, 200));
  const BatchWriterStats stats = f.writer->stats();
  CHECK(stats.accepted == 1600);
  CHECK(stats.journal.syncs < 1600);  // fewer than one each
  f.Restart();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().size() == 1600);
}

TEST_CASE("What is accepted while the writer is stopped is stored, or refused") {
  for (const Durability durability :
       {Durability::kMemory, Durability::kProcess, Durability::kPower}) {
    for (int round = 0; round < 20; ++round) {
      JournalFixture f;
      REQUIRE(f.Start(f.Options(durability)));
      std::atomic<int> accepted{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
          const std::string name = std::to_string(t) + "-";
          for (int i = 0; f.writer->Write(MakeEvent(name + std::to_string(i))).ok(); ++i) {
            ++accepted;
          }
        });
      }
      while (accepted < 20) std::this_thread::yield();
      CHECK(f.writer->Stop(kPatience) == 0);
      for (std::thread& thread : threads) thread.join();
      CHECK(f.store->events().size() == static_cast<std::size_t>(accepted));
      CHECK(f.Files().empty());
    }
  }
}

TEST_CASE("What a store that hangs keeps from being stored is in the journal") {
  JournalFixture f;
  REQUIRE(f.Start(f.Options()));
  f.store->Hang();
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitHanging());
  CHECK(f.writer->Stop(absl::Milliseconds(1)) == 10);
  f.writer.reset();
  REQUIRE(f.errors->Await(1));
  CHECK(f.errors->errors().back().ToString().find("are in the journal") != std::string::npos);
  f.store->Release();
}

TEST_CASE("The oldest are dropped when the policy says so, counted and told") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.overflow = Overflow::kDropOldest;
  options.max_batch_size = 10;
  options.queue_capacity = 20;
  REQUIRE(f.Start(options));
  f.store->Hang();
  REQUIRE(f.Write(10) == 10);
  REQUIRE(f.store->AwaitHanging());
  REQUIRE(f.Write(15, "late") == 15);  // ten wait, five of them are dropped
  BatchWriterStats stats = f.writer->stats();
  CHECK(stats.accepted == 25);
  CHECK(stats.dropped == 5);
  CHECK(stats.dropped_oldest == 5);
  CHECK(Balanced(stats));
  f.store->Release();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.store->events().size() == 20);
  CHECK_FALSE(f.Stored().contains("late4"));
  CHECK(f.Stored().contains("late5"));
  REQUIRE(f.errors->Await(1));
  CHECK(f.errors->errors().front().ToString().find("5 of the oldest") != std::string::npos);
}

TEST_CASE("A queue that rejects does so at once") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.overflow = Overflow::kReject;
  options.overflow_timeout = absl::Hours(1);
  options.max_batch_size = 10;
  options.queue_capacity = 10;
  f.Create(options);
  REQUIRE(f.Write(10) == 10);
  const absl::Status status = f.writer->Write(MakeEvent("more"));
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.ToString().find("10 events wait already") != std::string::npos);
  CHECK(f.writer->stats().overflows == 1);
  CHECK(f.writer->stats().overflow_timeouts == 0);
}

TEST_CASE("A folder that others may write to, or a link, is refused with what to do") {
  JournalFixture f;
  const std::string folder = f.dir.File("journals");
  BatchWriterOptions options = f.Options();
  options.journal.directory = folder;
  REQUIRE(mkdir(folder.c_str(), 0700) == 0);
  std::string expected;
  SECTION("a link in its place") {
    // The store's folder in it is what is opened.
    f.Create(options);
    REQUIRE(f.writer != nullptr);
    std::string own;
    for (const auto& entry : fs::directory_iterator(folder)) own = entry.path();
    f.writer.reset();
    REQUIRE(symlink("/tmp", own.c_str()) == 0);
    expected = "no symbolic link";
  }
  SECTION("writable by all") {
    f.Create(options);
    std::string own;
    for (const auto& entry : fs::directory_iterator(folder)) own = entry.path();
    REQUIRE(chmod(own.c_str(), 0777) == 0);
    expected = "others may write";
  }
  SECTION("no folder") {
    fs::remove(folder);
    std::ofstream(folder) << "a file";
    expected = "cannot";
  }
  const auto created = BatchWriter::Create(options, f.store);
  CHECK(absl::IsFailedPrecondition(created.status()));
  CHECK(created.status().ToString().find(expected) != std::string::npos);
}

// Sets variables of the environment, null to unset one, until it ends.
class Environment {
 public:
  using Variables = std::map<std::string, std::optional<std::string>>;

  explicit Environment(const Variables& variables) {
    for (const auto& [name, value] : variables) {
      const char* const before = std::getenv(name.c_str());
      before_[name] = before != nullptr ? std::optional<std::string>(before) : std::nullopt;
    }
    Set(variables);
  }
  ~Environment() { Set(before_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void Set(const Variables& variables) {
    for (const auto& [name, value] : variables) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }

  Variables before_;
};

TEST_CASE("A journal without a folder of its own is in the first state folder there is") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.journal.directory.clear();
  const std::string service = f.dir.File("service");
  const std::string user = f.dir.File("user");
  const std::string home = f.dir.File("home");
  Environment::Variables variables{
      {"STATE_DIRECTORY", service + ":/other"}, {"XDG_STATE_HOME", user}, {"HOME", home}};
  std::string expected;
  SECTION("of the service") { expected = service + "/nerava-analytics"; }
  SECTION("of the user") {
    variables["STATE_DIRECTORY"].reset();
    expected = user + "/nerava-analytics";
  }
  SECTION("at home") {
    variables["STATE_DIRECTORY"].reset();
    variables["XDG_STATE_HOME"] = "not/absolute";
    expected = home + "/.local/state/nerava-analytics";
  }
  const Environment environment(variables);
  const auto writer = *BatchWriter::Create(options, f.store);
  REQUIRE(fs::is_directory(expected));
  REQUIRE(writer->Write(MakeEvent("e")).ok());
  CHECK(f.Segments().size() == 1);
  for (const fs::path& segment : f.Segments()) {
    CHECK(segment.string().starts_with(expected + "/"));
  }
}

TEST_CASE("A store that nothing tells from others gets no journal in the state folder") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.journal.directory.clear();
  const Environment environment({{"STATE_DIRECTORY", f.dir.File("state")}});
  const auto created = BatchWriter::Create(options, *OpenStore("memory:"));
  CHECK(absl::IsInvalidArgument(created.status()));
  CHECK(created.status().ToString().find("set journal_dir") != std::string::npos);
  CHECK_FALSE(fs::exists(f.dir.File("state")));
}

TEST_CASE("A journal without any place for it is refused") {
  JournalFixture f;
  BatchWriterOptions options = f.Options();
  options.journal.directory.clear();
  const Environment environment(
      {{"STATE_DIRECTORY", {}}, {"XDG_STATE_HOME", {}}, {"HOME", "relative"}});
  CHECK(testing::InChild([&] {
          constexpr uid_t kNobody = 65534;
          if (geteuid() == 0 && setuid(kNobody) != 0) return 1;  // root's would be in /var/lib
          const absl::Status refused = BatchWriter::Create(options, f.store).status();
          return absl::IsInvalidArgument(refused) &&
                         refused.ToString().find("set journal_dir") != std::string::npos
                     ? 0
                     : 2;
        }) == 0);
  options.journal.durability.reset();  // by default such a store has none
  const auto writer = *BatchWriter::Create(options, f.store);
  CHECK(writer->stats().durability == Durability::kMemory);
}

}  // namespace
}  // namespace nerava::analytics
