// A batch writer that was made before fork(), in the child.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/writer/writer_fixture.h"

#if NERAVA_CAN_FORK

namespace nerava::analytics {
namespace {

using testing::Child;
using testing::InChild;

struct ForkFixture : WriterFixture {
  BatchWriterOptions Options() const {
    BatchWriterOptions options = WriterFixture::Options();
    options.journal.durability = Durability::kProcess;
    options.journal.directory = dir.path();
    return options;
  }
  std::set<std::string> Stored() const {
    std::set<std::string> ids;
    for (const EventPtr& event : store->events()) ids.insert(event->event_id);
    return ids;
  }
  testing::TempDir dir;
};

TEST_CASE("A child begins with nothing, and what is pending stays with the parent") {
  ForkFixture f;
  f.Create(f.Options());
  REQUIRE(f.Write(7) == 7);
  Child child([&] {
    const BatchWriterStats stats = f.writer->stats();
    if (stats.accepted != 0 || stats.pending != 0) return 1;
    if (f.Write(3, "child") != 3) return 2;
    if (f.writer->stats().pending != 3) return 3;
    return 0;
  });
  CHECK(child.Wait() == 0);
  CHECK(f.writer->stats().pending == 7);
}

TEST_CASE("What a child accepted and left without a word, the parent stores") {
  ForkFixture f;
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(3) == 3);
  f.store->Hang();  // a child's copy of it must take nothing
  for (int round = 0; round < 5; ++round) {
    const std::string name = "child" + std::to_string(round) + "-";
    CHECK(InChild([&] { return f.Write(5, name) == 5 ? 0 : 1; }) == 0);
  }
  f.store->Release();
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().size() == 3 + 5 * 5);
  CHECK(f.store->events().size() == 3 + 5 * 5);
  CHECK(f.writer->stats().recovered == 5 * 5);
  CHECK(f.writer->stats().duplicates == 0);
}

TEST_CASE("A child has a thread of its own, and stores") {
  ForkFixture f;
  REQUIRE(f.Start(f.Options()));
  Child child([&] {
    if (f.Write(30) != 30) return 1;
    if (f.writer->Flush(kPatience) != 0) return 2;
    if (f.store->events().size() != 30) return 3;
    if (f.writer->Stop(kPatience) != 0) return 4;
    f.writer.reset();
    return 0;
  });
  CHECK(child.Wait() == 0);
  CHECK(f.store->events().empty());  // the child's memory is its own
  REQUIRE(f.Write(1) == 1);
  CHECK(f.writer->Flush(kPatience) == 0);
  CHECK(f.writer->stats().recovered == 0);
}

TEST_CASE("A child that could not open a journal at first stores what it accepts later") {
  ForkFixture f;
  REQUIRE(f.Start(f.Options()));
  const std::string away = f.dir.path() + ".away";
  CHECK(InChild([&] {
          std::filesystem::rename(f.dir.path(), away);
          std::ofstream(f.dir.path()).flush();  // no folder
          if (f.Write(1) != 0) return 1;
          std::filesystem::remove(f.dir.path());
          std::filesystem::rename(away, f.dir.path());
          if (f.Write(10) != 10) return 2;
          return f.store->AwaitEvents(10) ? 0 : 3;
        }) == 0);
}

TEST_CASE("A child that destroys the writer unused takes nothing from the parent") {
  ForkFixture f;
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.Write(5) == 5);
  Child child([&] {
    f.writer.reset();
    return 0;
  });
  CHECK(child.Wait() == 0);
  CHECK(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored().size() == 5);
}

TEST_CASE("A child of a stopped writer accepts nothing either") {
  ForkFixture f;
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.writer->Stop(kPatience) == 0);
  Child child(
      [&] { return absl::IsFailedPrecondition(f.writer->Write(MakeEvent("late"))) ? 0 : 1; });
  CHECK(child.Wait() == 0);
}

TEST_CASE("A parent that dies leaves its events, though a child of it lives") {
  ForkFixture f;
  testing::Signal ready;  // the child is past the fork
  testing::Signal end;
  Child parent([&] {
    f.Create(f.Options());
    if (f.Write(4, "parent") != 4) return 1;
    Child* const child = new Child([&] {  // outlives its parent
      if (f.Write(4, "child") != 4) return 1;
      ready.Give();
      end.Await();
      return 0;
    });
    return child != nullptr && ready.Await() ? 0 : 2;
  });
  CHECK(parent.Wait() == 0);
  REQUIRE(f.Start(f.Options()));
  REQUIRE(f.writer->Flush(kPatience) == 0);
  CHECK(f.Stored() == std::set<std::string>{"parent0", "parent1", "parent2", "parent3"});
  end.Give();
}

}  // namespace
}  // namespace nerava::analytics

#endif
