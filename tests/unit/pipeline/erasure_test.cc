// Erasing a person through a pipeline, down to the bytes of its files. That answers are then right is a
// property test.
#include "nerava/analytics/erasure.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nerava/analytics/analytics.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::TempDir;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr char kGrace[] = "grace.hopper@example.com";

struct FixedClock final : Clock {
  absl::Time Now() const override { return absl::FromUnixSeconds(1'800'000'000); }
};
const FixedClock fixed_clock;

// A store that refuses everything at times.
struct Refusing final : Store {
  explicit Refusing(std::shared_ptr<Store> inner_in) : inner(std::move(inner_in)) {}

  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    if (refuses) return absl::InvalidArgumentError("not now");
    if (fails) return absl::UnavailableError("the disk is full");
    return inner->Write(body);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    return inner->Read(body);
  }
  absl::Status Sync() override { return syncs ? inner->Sync() : absl::UnavailableError("no sync"); }
  absl::Status Purge() override { return inner->Purge(); }
  std::string Description() const override { return inner->Description(); }
  std::string JournalFolder() const override { return inner->JournalFolder(); }

  const std::shared_ptr<Store> inner;
  std::atomic<bool> refuses{false};
  std::atomic<bool> fails{false};
  std::atomic<bool> syncs{true};
};

Options TestOptions() {
  Options options;
  options.writer.flush_interval = absl::Hours(1);
  options.writer.retry_initial_backoff = absl::Milliseconds(1);
  options.writer.retry_max_backoff = absl::Milliseconds(4);
  return options;
}

void PublishSession(Pipeline& pipeline, const std::string& user, const std::string& session) {
  ChargeStarted started;
  started.header.properties = R"({"note":"plugged in by )" + user + "\"}";
  started.session_id = session;
  started.user_id = user;
  started.hub_id = "hub";
  started.started_at = fixed_clock.Now() - absl::Hours(2);
  ChargeStopped stopped;
  stopped.session_id = session;
  stopped.user_id = user;
  stopped.hub_id = "hub";
  stopped.stopped_at = fixed_clock.Now() - absl::Hours(1);
  stopped.energy_mwh = 10'000'000;
  REQUIRE(pipeline.Publish(std::move(started)).ok());
  REQUIRE(pipeline.Publish(std::move(stopped)).ok());
}

// The names of files that hold the text.
std::vector<std::string> FilesWith(const TempDir& dir, const std::string& text) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.find(text) != std::string::npos) names.push_back(entry.path().filename());
  }
  return names;
}

StreakMetrics UsersOf(const Pipeline& pipeline) {
  return *pipeline.kpis().GetStreakMetrics(*pipeline.kpis().LastDays(7));
}

TEST_CASE("Of an erased person nothing is left in any file, while all is open") {
  const auto totals = GENERATE(ErasedTotals::kKeep, ErasedTotals::kRemove);
  const TempDir dir;
  const auto store = std::make_shared<Refusing>(*OpenStore(dir.SqliteUrl("a.db")));
  const auto pipeline = *Pipeline::Open(TestOptions(), store, fixed_clock);
  PublishSession(*pipeline, kGrace, "s1");
  PublishSession(*pipeline, "ada", "s2");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  store->refuses = true;
  PublishSession(*pipeline, kGrace, "s3");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  store->refuses = false;
  REQUIRE(pipeline->writer().DeadLetters()->size() == 2);
  PublishSession(*pipeline, kGrace, "s4");      // pending
  REQUIRE(FilesWith(dir, kGrace).size() >= 3);  // log, journal, dead letters
  CHECK(pipeline->bus().Recent().size() == 8);

  const auto receipt = pipeline->EraseUser(kGrace, totals);
  INFO(receipt.status().ToString());
  REQUIRE(receipt.ok());
  CHECK(FilesWith(dir, kGrace).empty());
  CHECK(FilesWith(dir, "ada").size() == 1);
  CHECK(pipeline->bus().Recent().size() == 2);
  CHECK(pipeline->writer().DeadLetters()->empty());
  CHECK(receipt->dead_letters == 2);
  CHECK(receipt->quarantined_segments == 0);
  CHECK(receipt->totals == totals);
  CHECK(receipt->erased_at == fixed_clock.Now());
  const bool keep = totals == ErasedTotals::kKeep;
  CHECK(receipt->events_anonymized == (keep ? 4 : 0));
  CHECK(receipt->sessions_anonymized == (keep ? 2 : 0));
  CHECK(receipt->events_removed == (keep ? 0 : 4));
  CHECK(receipt->sessions_removed == (keep ? 0 : 2));
  CHECK(UsersOf(*pipeline).unique_users == 1);
  CHECK(UsersOf(*pipeline).total_sessions == (keep ? 3 : 1));
  CHECK(pipeline->kpis().GetUser(kGrace, {})->total_sessions == 0);
  CHECK(pipeline->kpis().GetStreaks({}, 10)->leaders.at(0).user_id == "ada");

  // A second time there is nothing; and the journal goes on.
  const auto again = pipeline->EraseUser(kGrace, totals);
  REQUIRE(again.ok());
  CHECK(again->events_removed + again->events_anonymized + again->dead_letters == 0);
  PublishSession(*pipeline, kGrace, "s5");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  CHECK(UsersOf(*pipeline).unique_users == 2);
  CHECK(pipeline->kpis().GetUser(kGrace, {})->total_sessions == 1);
  CHECK(pipeline->Close(kPatience) == 0);
  CHECK_FALSE(std::filesystem::exists(dir.File("a.db.journal")));
}

TEST_CASE("A user that was erased gets no number again that another process remembers") {
  const TempDir dir;
  const auto first = *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  const auto second =
      *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  PublishSession(*first, "ada", "s1");
  REQUIRE(first->Flush(kPatience) == 0);
  PublishSession(*second, "ada", "s2");
  REQUIRE(second->Flush(kPatience) == 0);
  REQUIRE(first->EraseUser("ada").ok());
  PublishSession(*first, "bob", "s3");
  REQUIRE(first->Flush(kPatience) == 0);
  PublishSession(*second, "ada", "s4");
  REQUIRE(second->Flush(kPatience) == 0);
  for (const auto& pipeline : {first.get(), second.get()}) {
    CHECK(UsersOf(*pipeline).unique_users == 2);
    CHECK(pipeline->kpis().GetUser("ada", {})->total_sessions == 1);
    CHECK(pipeline->kpis().GetUser("bob", {})->total_sessions == 1);
  }
}

TEST_CASE("Other processes' journals forget an erased person when they look around") {
  const TempDir dir;
  const auto first = *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  const auto second =
      *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  REQUIRE(second->Flush(kPatience) == 0);  // it has looked around for the first time
  PublishSession(*second, kGrace, "s1");
  REQUIRE(second->Flush(kPatience) == 0);
  REQUIRE(first->EraseUser(kGrace).ok());
  CHECK(FilesWith(dir, kGrace).size() == 1);
  // A flush looks around, as it does by itself after a while; the next one finds that it is done.
  const absl::Time end = absl::Now() + kPatience;
  while (!FilesWith(dir, kGrace).empty() && absl::Now() < end) second->Flush(kPatience);
  CHECK(FilesWith(dir, kGrace).empty());
}

TEST_CASE("What cannot be erased now is said, and is erased the next time") {
  const TempDir dir;
  const auto store = std::make_shared<Refusing>(*OpenStore(dir.SqliteUrl("a.db")));
  const auto pipeline = *Pipeline::Open(TestOptions(), store, fixed_clock);
  PublishSession(*pipeline, kGrace, "s1");
  store->fails = true;
  auto receipt = pipeline->EraseUser(kGrace, ErasedTotals::kKeep, absl::Milliseconds(20));
  REQUIRE(absl::IsUnavailable(receipt.status()));
  CHECK(std::string(receipt.status().message()).find("nothing was erased: 2 events") == 0);
  store->fails = false;
  store->syncs = false;  // so that the journal cannot forget
  receipt = pipeline->EraseUser(kGrace);
  REQUIRE(absl::IsUnavailable(receipt.status()));
  CHECK(std::string(receipt.status().message()).find("the person was erased, but") == 0);
  store->syncs = true;
  receipt = pipeline->EraseUser(kGrace);
  INFO(receipt.status().ToString());
  REQUIRE(receipt.ok());
  CHECK(receipt->events_anonymized == 2);  // by the call before
  CHECK(receipt->sessions_anonymized == 1);
  CHECK(FilesWith(dir, kGrace).empty());

  // Somebody who reads an old state of the file keeps the log.
  PublishSession(*pipeline, kGrace, "s2");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  StoreOptions impatient;
  impatient.sqlite_busy_timeout = absl::Milliseconds(1);
  const auto reading = *OpenStore(dir.SqliteUrl("a.db"), impatient);
  const auto other =
      *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db"), impatient), fixed_clock);
  REQUIRE(reading
              ->Read([&](ReadTransaction& transaction) {
                REQUIRE(transaction.CountEvents().ok());
                receipt = other->EraseUser(kGrace);
                return absl::OkStatus();
              })
              .ok());
  REQUIRE(absl::IsUnavailable(receipt.status()));
  CHECK(std::string(receipt.status().message()).find("may still be found") != std::string::npos);
  CHECK(UsersOf(*other).unique_users == 0);
  REQUIRE(other->EraseUser(kGrace).ok());
  CHECK(FilesWith(dir, kGrace).empty());
}

TEST_CASE("Dead letters that cannot be removed keep the person from being erased") {
  const TempDir dir;
  const auto store = std::make_shared<Refusing>(*OpenStore(dir.SqliteUrl("a.db")));
  const auto pipeline = *Pipeline::Open(TestOptions(), store, fixed_clock);
  ChargeStarted started;
  started.session_id = "s1";
  started.user_id = kGrace;
  REQUIRE(pipeline->Publish(started).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  store->refuses = true;
  ChargeStopped stopped;  // names nobody, but it is her session
  stopped.session_id = "s1";
  REQUIRE(pipeline->Publish(stopped).ok());
  stopped.session_id = "s2";  // one of which there are only dead letters
  REQUIRE(pipeline->Publish(stopped).ok());
  started.session_id = "s2";
  REQUIRE(pipeline->Publish(started).ok());
  stopped.session_id = "somebody else's";
  REQUIRE(pipeline->Publish(stopped).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  store->refuses = false;
  REQUIRE(pipeline->writer().DeadLetters()->size() == 4);
  // Nothing can be put in its place.
  std::filesystem::create_directories(dir.File("a.db.journal/dead_letters.new/x"));
  CHECK_FALSE(pipeline->EraseUser(kGrace).ok());
  CHECK(pipeline->writer().DeadLetters()->size() == 4);
  CHECK_FALSE(FilesWith(dir, kGrace).empty());
  std::filesystem::remove_all(dir.File("a.db.journal/dead_letters.new"));
  const auto receipt = pipeline->EraseUser(kGrace);
  INFO(receipt.status().ToString());
  REQUIRE(receipt.ok());
  CHECK(receipt->dead_letters == 3);
  CHECK(receipt->events_anonymized == 1);
  CHECK(pipeline->writer().DeadLetters()->size() == 1);
  CHECK(FilesWith(dir, kGrace).empty());
}

TEST_CASE("Between two steps of the retention nothing of a person stays in free pages") {
  const TempDir dir;
  const auto store = *OpenStore(dir.SqliteUrl("a.db"));
  const auto pipeline = *Pipeline::Open(TestOptions(), store, fixed_clock);
  for (int i = 0; i < 200; ++i) PublishSession(*pipeline, kGrace, std::to_string(i));
  PublishSession(*pipeline, "ada", "x");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  const auto step = store->Retain(
      {fixed_clock.Now() + absl::Hours(48), absl::InfinitePast(), absl::InfinitePast()},
      absl::ZeroDuration());
  REQUIRE(step.ok());
  REQUIRE(step->events == 402);
  REQUIRE_FALSE(step->done);
  REQUIRE(pipeline->EraseUser(kGrace).ok());
  CHECK(FilesWith(dir, kGrace).empty());
  CHECK(FilesWith(dir, "plugged in").empty());
}

TEST_CASE("An event that was removed does not come back from the journal of a process that died") {
  const TempDir dir;
  const auto pipeline =
      *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  PublishSession(*pipeline, kGrace, "s1");
  PublishSession(*pipeline, "ada", "s2");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  const auto events = pipeline->bus().Recent();
  REQUIRE(pipeline->EraseUser(kGrace, ErasedTotals::kRemove).ok());
  const std::uint64_t duplicates = pipeline->writer().stats().duplicates;
  for (const EventPtr& event : events) REQUIRE(pipeline->writer().Write(event).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  CHECK(pipeline->writer().stats().duplicates == duplicates + 4);
  CHECK(UsersOf(*pipeline).total_sessions == 1);
  CHECK(pipeline->kpis().GetUser(kGrace, {})->total_sessions == 0);
}

TEST_CASE("Letters of events without a session are nobody else's") {
  const TempDir dir;
  const auto store = std::make_shared<Refusing>(*OpenStore(dir.SqliteUrl("a.db")));
  const auto pipeline = *Pipeline::Open(TestOptions(), store, fixed_clock);
  AnalyticsEvent event;  // as only the writer takes it
  event.event_id = "e1";
  event.event_type = "analytics_charge_started";
  event.time = fixed_clock.Now();
  event.region = "eu";
  event.user_id = kGrace;
  REQUIRE(pipeline->writer().Write(std::make_shared<AnalyticsEvent>(event)).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  store->refuses = true;
  event.event_id = "e2";
  event.user_id = "ada";
  REQUIRE(pipeline->writer().Write(std::make_shared<AnalyticsEvent>(event)).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  store->refuses = false;
  REQUIRE(pipeline->EraseUser(kGrace).ok());
  CHECK(pipeline->writer().DeadLetters()->size() == 1);
}

TEST_CASE("Whom nobody can be, and what cannot erase, is refused") {
  const auto pipeline = *Pipeline::Open(TestOptions(), *OpenStore("memory:"), fixed_clock);
  const auto empty = pipeline->EraseUser("");
  REQUIRE(absl::IsInvalidArgument(empty.status()));
  CHECK(std::string(empty.status().message()).find("the user_id to erase") != std::string::npos);
  CHECK(absl::IsInvalidArgument(pipeline->EraseUser(std::string(101, 'x')).status()));
  CHECK(pipeline->EraseUser("nobody")->events_removed == 0);
  pipeline->Close();
  CHECK(absl::IsFailedPrecondition(pipeline->EraseUser("nobody").status()));

  const auto fake = *Pipeline::Open(TestOptions(), std::make_shared<FakeStore>(), fixed_clock);
  CHECK(absl::IsUnimplemented(fake->EraseUser("nobody").status()));
}

TEST_CASE("A rolled back erasure changes nothing") {
  const TempDir dir;
  const auto store = *OpenStore(GENERATE(true, false) ? "memory:" : dir.SqliteUrl("a.db"));
  const auto pipeline = *Pipeline::Open(TestOptions(), store, fixed_clock);
  PublishSession(*pipeline, "ada", "s1");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  const absl::Status status = store->Write([&](WriteTransaction& transaction) {
    std::vector<AnalyticsEvent> events;
    REQUIRE(transaction.eraser()
                ->EventsOfUser("ada", [&](AnalyticsEvent event) { events.push_back(event); })
                .ok());
    CHECK(events.size() == 2);
    REQUIRE(transaction.eraser()->Remove(events).ok());
    REQUIRE(transaction.eraser()->ForgetUser("ada").ok());
    return absl::CancelledError("not so");
  });
  CHECK(absl::IsCancelled(status));
  CHECK(UsersOf(*pipeline).unique_users == 1);
  CHECK(pipeline->stats()->stored.total == 2);
  PublishSession(*pipeline, "ada", "s2");
  REQUIRE(pipeline->Flush(kPatience) == 0);
  CHECK(pipeline->kpis().GetUser("ada", {})->total_sessions == 2);
}

TEST_CASE("With a key users are stored under pseudonyms, and found by their ids") {
  const TempDir dir;
  Options options = TestOptions();
  options.user_id_key = "a secret of at least 16 bytes";
  const auto pipeline = *Pipeline::Open(options, *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  ChargeStarted started;
  started.session_id = "s1";
  started.user_id = kGrace;
  started.header.aggregate_id = kGrace;
  const auto accepted = pipeline->Publish(started);
  REQUIRE(accepted.ok());
  // Python: hmac.new(b"a secret of at least 16 bytes", b"grace.hopper@example.com", "sha256")
  CHECK((*accepted)->user_id == "hmac:4e8c81a10baa4b6ecbf82c48158c8438");
  CHECK((*accepted)->user_id == PseudonymOf(kGrace, options.user_id_key));
  CHECK((*accepted)->aggregate_id == (*accepted)->user_id);
  CHECK(PseudonymOf((*accepted)->user_id, "another key of 16 bytes") == (*accepted)->user_id);
  CHECK(PseudonymOf(kGrace, "another key of 16 bytes") != (*accepted)->user_id);
  CHECK(PseudonymOf("hmac:of nobody", options.user_id_key) != "hmac:of nobody");
  CHECK(PseudonymOf(kGrace, "") == kGrace);
  ChargeStopped stopped;
  stopped.session_id = "s1";
  stopped.user_id = kGrace;
  stopped.stopped_at = fixed_clock.Now() - absl::Hours(1);
  REQUIRE(pipeline->Publish(stopped).ok());
  REQUIRE(pipeline
              ->PublishJson(R"({"event_type": "charge_stopped", "session_id": "s2",
                                    "stopped_at": "2027-01-15T07:00:00Z",
                                    "user_id": "grace.hopper@example.com"})")
              .ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  CHECK(FilesWith(dir, kGrace).empty());
  CHECK(pipeline->kpis().GetUser(kGrace, {})->total_sessions == 2);
  CHECK(pipeline->kpis().GetUser(kGrace, {})->user_id == kGrace);
  const std::string leader = pipeline->kpis().GetStreaks({}, 1)->leaders.at(0).user_id;
  CHECK(leader == (*accepted)->user_id);
  CHECK(pipeline->kpis().GetUser(leader, {})->total_sessions == 2);
  CHECK(pipeline->EraseUser(kGrace)->events_anonymized == 3);
  CHECK(UsersOf(*pipeline).unique_users == 0);

  // Also what was stored before there was a key.
  const auto keyless =
      *Pipeline::Open(TestOptions(), *OpenStore(dir.SqliteUrl("a.db")), fixed_clock);
  PublishSession(*keyless, kGrace, "s3");
  REQUIRE(keyless->Flush(kPatience) == 0);
  REQUIRE(keyless->Close(kPatience) == 0);
  PublishSession(*pipeline, kGrace, "s4");
  CHECK(pipeline->EraseUser(kGrace)->sessions_anonymized == 2);
  CHECK(FilesWith(dir, kGrace).empty());

  options.user_id_key = "too short";
  const auto bad = Pipeline::Open(options, *OpenStore("memory:"), fixed_clock);
  REQUIRE(absl::IsInvalidArgument(bad.status()));
  CHECK(std::string(bad.status().message()).find("user_id_key has 9 bytes") == 0);
  CHECK(std::string(bad.status().message()).find("too short") == std::string::npos);
}

TEST_CASE("A receipt names nobody") {
  ErasureReceipt receipt{.erased_at = fixed_clock.Now(), .totals = ErasedTotals::kRemove};
  receipt.events_removed = 3;
  CHECK(nlohmann::json::parse(ToJson(receipt)) ==
        nlohmann::json::parse(R"({"erased_at": "2027-01-15T08:00:00.000000+00:00",
            "totals": "remove", "events_removed": 3, "events_anonymized": 0,
            "sessions_removed": 0, "sessions_anonymized": 0, "dead_letters": 0,
            "unreadable_letters": 0, "quarantined_segments": 0})"));
}

}  // namespace
}  // namespace nerava::analytics
