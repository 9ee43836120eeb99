// The power fails at any moment of a recorded run: afterwards there is what the journal promised.
//
// NERAVA_POWER_STATES=N looks at N states a test, NERAVA_LONG=1 at ten times the default;
// NERAVA_SEED=N chooses others. What a failing test found is kept in the working directory.
#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/pipeline.h"
#include "tests/faults/power/recording.h"
#include "tests/faults/power/replay.h"
#include "tests/faults/power/workload.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Disk;
using testing::IsJournal;
using testing::Recording;
using testing::Replay;
using testing::Snapshot;
using testing::TempDir;
using testing::WriteSnapshot;

constexpr int kEvents = 1000;
constexpr int kControls = 40;  // states of a test that wants to see something lost

int FromEnvironment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::stoi(value) : otherwise;
}
int States() {
  const int by_default = NERAVA_POWER_STATES * (std::getenv("NERAVA_LONG") != nullptr ? 10 : 1);
  return FromEnvironment("NERAVA_POWER_STATES", by_default);
}

// Thousands of states in memory, when there is some for it: on a disk each takes many syncs.
const bool in_memory = [] {
  std::error_code none;
  const bool room = std::filesystem::space("/dev/shm", none).available > (256U << 20) && !none;
  return room && setenv("TMPDIR", "/dev/shm", 0) == 0;
}();

// ---- What is found after a failure ------------------------------------------------------------

void Demand(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

// The events as they must be stored, by number.
const std::vector<AnalyticsEvent>& AllEvents() {
  static const std::vector<AnalyticsEvent> all = [] {
    const Producer producer({}, nullptr);
    std::vector<AnalyticsEvent> events;
    for (int i = 0; i < kEvents; ++i) {
      events.push_back(*producer.Convert(testing::WorkloadEvent(i)));
    }
    return events;
  }();
  return all;
}

std::vector<EventPtr> ReadEvents(Store& store) {
  std::vector<EventPtr> events;
  const absl::Status read = store.Read([&](ReadTransaction& transaction) {
    return transaction.EventsBetween(
        absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000), [&](AnalyticsEvent event) {
          events.push_back(std::make_shared<const AnalyticsEvent>(std::move(event)));
        });
  });
  Demand(read.ok(), read.ToString());
  return events;
}

// The numbers of stored events, which are as they were published, each once.
std::set<int> DemandAsPublished(const std::vector<EventPtr>& events) {
  std::set<int> numbers;
  for (const EventPtr& event : events) {
    const int number = testing::WorkloadNumber(event->event_id);
    const AnalyticsEvent& published = AllEvents().at(static_cast<std::size_t>(number));
    Demand(event->SamePayload(published) && event->time == published.time,
           fmt::format("event {} is not what was published", number));
    Demand(!testing::IsRefused(number), fmt::format("event {} was refused, and is stored", number));
    Demand(numbers.insert(number).second, fmt::format("event {} is there twice", number));
  }
  return numbers;
}

// The numbers of events that are dead letters. A letter may be there again when the power failed
// between writing it and forgetting its event.
std::set<int> ReadDeadLetters(const BatchWriter& writer) {
  std::set<int> numbers;
  const auto letters = writer.DeadLetters(kEvents);
  Demand(letters.ok(), letters.status().ToString());
  for (const DeadLetter& letter : *letters) {
    const auto event = nlohmann::json::parse(letter.event_json, nullptr, false);
    Demand(event.is_object(), "a dead letter is no JSON: " + letter.event_json);
    numbers.insert(testing::WorkloadNumber(event.at("event_id").get<std::string>()));
  }
  return numbers;
}

// The KPIs are those of the events, computed anew.
void DemandKpisOf(const std::vector<EventPtr>& events, const Pipeline& pipeline) {
  const KpiQuery query{{absl::FromUnixSeconds(1'700'000'000), absl::FromUnixSeconds(1'800'000'000)},
                       {}};
  const auto memory = *OpenStore("memory:");
  Demand(CommitBatch(*memory, events, absl::UnixEpoch()).ok(), "memory");
  const auto computed = KpiCalculator(memory, "default").Summarize(query);
  const auto kept = pipeline.kpis().Summarize(query);
  Demand(kept.ok(), kept.status().ToString());
  Demand(kept->totals == computed->totals && kept->unique_users == computed->unique_users,
         "the KPIs are not those of the events");
}

void DemandIntegrity(const std::string& file) {
  sqlite3* db = nullptr;
  std::string answer = "no answer";
  sqlite3_open(file.c_str(), &db);
  sqlite3_exec(
      db, "PRAGMA integrity_check",
      [](void* to, int, char** values, char**) {
        *static_cast<std::string*>(to) = values[0];
        return 0;
      },
      &answer, nullptr);
  sqlite3_close(db);
  Demand(answer == "ok", "integrity_check: " + answer);
}

// Opens the folder as the next process does; the numbers of the events that are then stored, or kept
// as dead letters. `patience`: when it has not stored them by then, it cannot.
std::set<int> Recover(const std::string& folder, const std::string& durability,
                      absl::Duration patience) {
  auto pipeline = testing::OpenWorkload(folder, durability);
  Demand(pipeline.ok(), pipeline.status().ToString());
  Demand((*pipeline)->Flush(patience) == 0, "what was left cannot be stored");
  const std::vector<EventPtr> events = ReadEvents(*(*pipeline)->store());
  std::set<int> numbers = DemandAsPublished(events);
  numbers.merge(ReadDeadLetters((*pipeline)->writer()));
  DemandKpisOf(events, **pipeline);
  Demand((*pipeline)->writer().stats().journal.quarantined_segments == 0,
         "what the power failure left is taken for damage");
  Demand((*pipeline)->Close(patience) == 0, "events are left");
  pipeline->reset();
  DemandIntegrity(folder + "/analytics.db");
  return numbers;
}

// ---- What was promised ------------------------------------------------------------------------

// `power`: whatever was accepted is there.
void DemandAll(const std::vector<Replay::Accepted>& accepted, const std::set<int>& found) {
  for (const Replay::Accepted& event : accepted) {
    Demand(found.contains(event.number), fmt::format("event {} is lost", event.number));
  }
}

// `process`: what was synced is there; and of each process the first so many, but that a dead letter
// comes to the disk before or after its neighbours.
void DemandPrefixes(const Replay& replay, const std::set<int>& found) {
  std::map<int, int> lost;  // the first one that is, by process
  for (const Replay::Accepted& event : replay.accepted()) {
    if (!found.contains(event.number)) {
      Demand(!replay.IsSettled(event),
             fmt::format("event {} is lost, and was synced", event.number));
      if (!testing::IsRefused(event.number)) lost.emplace(event.process, event.number);
    } else if (lost.contains(event.process) && !testing::IsRefused(event.number)) {
      throw std::runtime_error(fmt::format("event {} is there, but {} before it is lost",
                                           event.number, lost.at(event.process)));
    }
  }
}

// ---- Failures at random -----------------------------------------------------------------------

struct Verdict {
  int violations = 0;
  std::string first;  // violation
  Snapshot found;     // the folder it was in
};

// Half of the moments are just after what changes most: anything but a write or a mark.
std::vector<std::size_t> RandomMoments(const Recording& recording, int count,
                                       std::mt19937_64& random) {
  std::vector<std::size_t> turns;
  for (std::size_t i = 0; i < recording.records().size(); ++i) {
    const std::uint32_t kind = recording.records()[i].header.kind;
    if (kind != RECORD_WRITE && kind != RECORD_MARK) turns.push_back(i + 1);
  }
  std::vector<std::size_t> moments;
  for (int i = 0; i < count; ++i) {
    moments.push_back(i % 2 == 0 ? random() % (recording.records().size() + 1)
                                 : turns[random() % turns.size()]);
  }
  std::sort(moments.begin(), moments.end());
  return moments;
}

// Lets the power fail `count` times, and recovers. `before`: what must be there in any case.
Verdict FailPower(const Recording& recording, const std::string& durability, int count,
                  const Disk::SyncWorks& sync_works = Disk::kHonest,
                  const std::vector<Replay::Accepted>& before = {},
                  absl::Duration patience = absl::Seconds(60)) {
  std::mt19937_64 random(static_cast<unsigned>(FromEnvironment("NERAVA_SEED", 1)));
  Replay replay(recording, sync_works);
  Verdict verdict;
  for (const std::size_t moment : RandomMoments(recording, count, random)) {
    replay.AdvanceTo(moment);
    const Snapshot found = replay.AfterPowerFailure(random);
    WriteSnapshot(found, recording.folder());
    try {
      const std::set<int> numbers = Recover(recording.folder(), durability, patience);
      DemandAll(before, numbers);
      if (durability == "process") {
        DemandPrefixes(replay, numbers);
      } else {
        DemandAll(replay.accepted(), numbers);
      }
    } catch (const std::exception& violation) {
      if (verdict.violations++ > 0) continue;
      verdict.first = fmt::format("{}; the power failed after record {} of {}, {} events accepted",
                                  violation.what(), moment, recording.records().size(),
                                  replay.accepted().size());
      verdict.found = found;
    }
  }
  return verdict;
}

void RequireNoViolation(const Verdict& verdict) {
  if (verdict.violations == 0) return;
  const std::filesystem::path kept = std::filesystem::current_path() / "power_failure";
  std::filesystem::create_directories(kept);
  WriteSnapshot(verdict.found, kept.string());
  FAIL(verdict.violations << " states are wrong. The first, kept in " << kept << ": "
                          << verdict.first);
}

// A folder that programs worked in.
struct Run {
  Run() : folder(dir.File("folder")), recording(Made(folder), dir.File("record"), {}) {}
  static std::string Made(const std::string& folder) {
    std::filesystem::create_directory(folder);
    return folder;
  }

  const TempDir dir;
  const std::string folder;
  Recording recording;
};

// Two that died, and between them one that ended well.
std::unique_ptr<Run> RunThree(const std::string& durability, int threads = 1) {
  auto run = std::make_unique<Run>();
  run->recording.Run(durability, 0, kEvents / 2, threads, "exit");
  run->recording.Run(durability, kEvents / 2, kEvents * 3 / 4, threads, "close");
  run->recording.Run(durability, kEvents * 3 / 4, kEvents, threads, "exit");
  return run;
}

TEST_CASE("power: when the power fails nothing accepted is lost, and nothing is there twice") {
  const auto run = RunThree("power", 3);
  RequireNoViolation(FailPower(run->recording, "power", States()));
}

TEST_CASE("power: nothing is lost when the power fails again while the journal is read back") {
  Run run;
  run.recording.Run("power", 0, kEvents / 2, 3, "exit");
  const std::size_t half = run.recording.records().size() / 2;
  constexpr int kFailures = 4;
  std::mt19937_64 random(static_cast<unsigned>(FromEnvironment("NERAVA_SEED", 1)));
  for (int i = 0; i < kFailures; ++i) {
    Replay replay(run.recording);
    replay.AdvanceTo(half + random() % half);
    const Snapshot found = replay.AfterPowerFailure(random);
    WriteSnapshot(found, run.folder);
    Recording again(run.folder, run.dir.File(fmt::format("again {}", i)), found);
    again.Run("power", kEvents / 2, kEvents * 5 / 8, 1, "exit");
    RequireNoViolation(
        FailPower(again, "power", States() / kFailures, Disk::kHonest, replay.accepted()));
  }
}

TEST_CASE("process: when the power fails the first events are there, at least what was synced") {
  const auto run = RunThree("process");
  RequireNoViolation(FailPower(run->recording, "process", States()));
}

TEST_CASE("process: no accepted event stays unsynced for longer than sync_interval") {
  Run run;
  run.recording.Run("process", 0, kEvents / 2, 1, "close");
  // For threads to get to run, on a busy machine. If nothing synced, the program would have waited
  // far longer for it.
  constexpr absl::Duration kAllowance = absl::Seconds(2);
  Replay replay(run.recording);
  const auto& records = run.recording.records();
  std::size_t settled = 0;  // so many of the accepted are
  for (std::size_t i = 0; i < records.size(); ++i) {
    replay.AdvanceTo(i + 1);
    const auto& accepted = replay.accepted();
    while (settled < accepted.size() && replay.IsSettled(accepted[settled])) ++settled;
    if (settled == accepted.size()) continue;
    INFO("event " << accepted[settled].number);
    const auto age = records[i].header.steady_ns - accepted[settled].steady_ns;
    REQUIRE(absl::Nanoseconds(age) < testing::kSyncInterval + kAllowance);
  }
  CHECK(settled == kEvents / 2);
}

// ---- Controls: what a loss looks like ---------------------------------------------------------

TEST_CASE("control: without a journal events are seen to be lost") {
  const auto run = RunThree("memory");
  const Verdict verdict = FailPower(run->recording, "power", kControls);
  INFO(verdict.first);
  CHECK(verdict.violations > kControls / 2);
}

TEST_CASE("control: power: events are seen to be lost when syncs of the journal do nothing") {
  const auto run = RunThree("power");
  const auto lie = [](std::string_view path) { return !IsJournal(path); };
  const Verdict verdict = FailPower(run->recording, "power", kControls, lie);
  INFO(verdict.first);
  CHECK(verdict.violations > 0);
}

TEST_CASE("control: process: synced events are seen to be lost when syncs do nothing") {
  const auto run = RunThree("process");
  const auto lie = [](std::string_view path) { return !IsJournal(path); };
  const Verdict verdict = FailPower(run->recording, "process", kControls, lie);
  INFO(verdict.first);
  CHECK(verdict.violations > 0);
}

TEST_CASE(
    "control: events are seen to be lost when the journal is removed before they are stored") {
  const auto run = RunThree("power");
  const auto lie = [](std::string_view path) { return IsJournal(path); };
  // Some files are damaged, and never take what is left.
  const Verdict verdict = FailPower(run->recording, "power", kControls, lie, {}, absl::Seconds(2));
  INFO(verdict.first);
  CHECK(verdict.violations > 0);
}

}  // namespace
}  // namespace nerava::analytics
