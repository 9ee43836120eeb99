// The pipeline as a whole, over the memory store and over one that fails.
#include "nerava/analytics/pipeline.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "nerava/analytics/domain_event.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using Json = nlohmann::json;

constexpr absl::Duration kPatience = absl::Seconds(30);

struct FixedClock final : Clock {
  absl::Time Now() const override { return absl::FromUnixSeconds(1'800'000'000); }
};
const FixedClock fixed_clock;

Options TestOptions() {
  Options options;
  options.database_url = "memory:";
  options.region = "eu";
  options.writer.flush_interval = absl::Hours(1);  // only a full batch or a flush commits
  options.writer.retry_initial_backoff = absl::Milliseconds(1);
  options.writer.retry_max_backoff = absl::Milliseconds(4);
  return options;
}

std::unique_ptr<Pipeline> OpenOver(std::shared_ptr<Store> store, Options options = TestOptions()) {
  return *Pipeline::Open(std::move(options), std::move(store), fixed_clock);
}

DomainEvent Started(const std::string& session) {
  ChargeStarted event;
  event.header.event_id = "start-" + session;
  event.session_id = session;
  event.user_id = "user";
  event.hub_id = "hub";
  event.started_at = fixed_clock.Now() - absl::Hours(1);
  return event;
}

TEST_CASE("What is published and flushed is in the KPIs") {
  const auto pipeline = *Pipeline::Open(TestOptions(), fixed_clock);
  const auto accepted = pipeline->Publish(Started("s1"));
  REQUIRE(accepted.ok());
  CHECK((*accepted)->region == "eu");
  REQUIRE(pipeline->PublishJson(R"({"event_type": "charge_started", "session_id": "s2"})").ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);

  const auto query = pipeline->kpis().LastDays(1);
  REQUIRE(query.ok());
  const auto funnel = pipeline->kpis().GetConversionFunnel(*query);
  REQUIRE(funnel.ok());
  // The second happened now, which a rolling period ends before.
  CHECK(funnel->sessions_started == 1);
  CHECK(pipeline->stats()->stored.total == 2);
}

TEST_CASE("Subscribers hear of what was accepted") {
  const auto pipeline = *Pipeline::Open(TestOptions(), fixed_clock);
  std::string heard;
  Subscription subscription;
  REQUIRE(pipeline->bus()
              .Subscribe(
                  "charge_started",
                  [&](const EventPtr& event) {
                    heard = event->session_id;
                    return absl::OkStatus();
                  },
                  &subscription)
              .ok());
  REQUIRE(pipeline->Publish(Started("s1")).ok());
  CHECK(heard == "s1");
  CHECK(pipeline->bus().Recent("charge_started").size() == 1);
}

TEST_CASE("A full queue refuses the event to its publisher") {
  auto store = std::make_shared<FakeStore>();
  Options options = TestOptions();
  options.writer.batch_size = options.writer.max_batch_size = options.writer.queue_capacity = 1;
  options.writer.overflow_timeout = absl::ZeroDuration();
  store->Hang();
  const auto pipeline = OpenOver(store, options);
  REQUIRE(pipeline->Publish(Started("s1")).ok());

  CHECK(absl::IsResourceExhausted(pipeline->Publish(Started("s2")).status()));

  CHECK(pipeline->health().stats.bus.refused == 1);
  CHECK(pipeline->bus().Recent().size() == 1);
  store->Release();
  CHECK(pipeline->Close(kPatience) == 0);
}

TEST_CASE("Close stores what was accepted; then publishing is refused and reading goes on") {
  const auto pipeline = *Pipeline::Open(TestOptions(), fixed_clock);
  REQUIRE(pipeline->Publish(Started("s1")).ok());

  CHECK(pipeline->Close(kPatience) == 0);

  const absl::Status refused = pipeline->Publish(Started("s2")).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(refused.ToString().find("closed") != std::string::npos);
  CHECK(absl::IsFailedPrecondition(pipeline->PublishJson("{}").status()));
  CHECK(absl::IsFailedPrecondition(pipeline->producer().Publish(Started("s2")).status()));
  const auto funnel = pipeline->kpis().GetConversionFunnel(*pipeline->kpis().LastDays(1));
  REQUIRE(funnel.ok());
  CHECK(funnel->sessions_started == 1);
  CHECK(pipeline->stats()->stored.total == 1);
  CHECK_FALSE(pipeline->health().healthy);
  CHECK(pipeline->health().reason == "the pipeline is closed");
  CHECK(pipeline->Close(kPatience) == 0);
}

TEST_CASE("Every event whose publishing succeeded while the pipeline closed is stored") {
  auto store = std::make_shared<FakeStore>();
  const auto pipeline = OpenOver(store);
  constexpr int kThreads = 4;
  std::atomic<std::size_t> accepted{0};
  std::latch begun(kThreads);
  std::vector<std::thread> publishers;
  for (int t = 0; t < kThreads; ++t) {
    publishers.emplace_back([&, t] {
      for (int i = 0;; ++i) {
        if (!pipeline->Publish(Started(std::to_string(t) + "-" + std::to_string(i))).ok()) break;
        ++accepted;
        if (i == 0) begun.count_down();
      }
    });
  }
  begun.wait();
  CHECK(pipeline->Close(kPatience) == 0);
  for (std::thread& publisher : publishers) publisher.join();

  CHECK(store->events().size() == accepted);
}

TEST_CASE("Destruction closes: what was accepted is stored") {
  auto store = std::make_shared<FakeStore>();
  OpenOver(store)->Publish(Started("s1")).IgnoreError();
  CHECK(store->events().size() == 1);
}

TEST_CASE("A disabled pipeline validates, discards, and says so") {
  auto store = std::make_shared<FakeStore>();
  Options options = TestOptions();
  options.enabled = false;
  const auto pipeline = OpenOver(store, options);
  int heard = 0;
  Subscription subscription;
  REQUIRE(pipeline->bus()
              .Subscribe(
                  "*",
                  [&](const EventPtr&) {
                    ++heard;
                    return absl::OkStatus();
                  },
                  &subscription)
              .ok());

  CHECK(pipeline->Publish(Started("s1")).ok());
  CHECK(absl::IsInvalidArgument(pipeline->Publish(Started("")).status()));

  CHECK(heard == 0);
  CHECK(pipeline->Flush(kPatience) == 0);
  const Health health = pipeline->health();
  CHECK(health.healthy);
  CHECK_FALSE(health.enabled);
  CHECK(health.reason == "disabled: events are discarded");
  CHECK(health.stats.producer.rejected == 1);
  CHECK(health.stats.stored.total == 0);
  CHECK(pipeline->kpis().GetConversionFunnel(*pipeline->kpis().LastDays(1)).ok());
  CHECK(pipeline->Close(kPatience) == 0);
  CHECK(store->events().empty());
}

TEST_CASE("A disabled pipeline opens though its database does not") {
  Options options = TestOptions();
  options.database_url = "sqlite:////nowhere/at/all/analytics.db";
  REQUIRE_FALSE(Pipeline::Open(options, fixed_clock).ok());

  options.enabled = false;
  const auto pipeline = Pipeline::Open(options, fixed_clock);
  REQUIRE(pipeline.ok());

  CHECK((*pipeline)->Publish(Started("s1")).ok());
  const Health health = (*pipeline)->health();
  CHECK(health.healthy);
  CHECK_FALSE(health.enabled);
  CHECK_THAT(health.reason, Catch::StartsWith("disabled: events are discarded; the store could not "
                                              "be opened: ") &&
                                Catch::Contains("/nowhere/at/all"));
  CHECK(health.stats.stored.total == 0);
  CHECK((*pipeline)->kpis().GetConversionFunnel(*(*pipeline)->kpis().LastDays(1)).ok());
}

TEST_CASE("A disabled pipeline makes no journal, however bad its folder") {
  const testing::TempDir dir;
  Options options = TestOptions();
  options.database_url = dir.SqliteUrl("events.db");
  options.writer.journal.durability = Durability::kProcess;
  options.writer.journal.directory = "/proc/nowhere/at/all";
  const absl::Status refused = Pipeline::Open(options, fixed_clock).status();
  INFO(refused);
  REQUIRE(absl::IsFailedPrecondition(refused));

  options.enabled = false;
  CHECK(Pipeline::Open(options, fixed_clock).ok());
}

TEST_CASE("Dead letters make no pipeline unhealthy, but a warning") {
  auto store = std::make_shared<FakeStore>();
  store->Refuse("start-poison");
  const auto pipeline = OpenOver(store);
  CHECK(pipeline->health().warnings.empty());
  REQUIRE(pipeline->Publish(Started("s1")).ok());
  REQUIRE(pipeline->Publish(Started("poison")).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);

  const Health health = pipeline->health();
  CHECK(health.healthy);
  REQUIRE(health.warnings.size() == 1);
  CHECK_THAT(health.warnings[0], Catch::StartsWith("1 dead letters"));
  CHECK(health.status() == HealthStatus::kDegraded);
  CHECK(Json::parse(ToJson(health))["warnings"] == Json(health.warnings));
}

TEST_CASE("Health says why it is bad, and recovers") {
  auto store = std::make_shared<FakeStore>();
  const auto pipeline = OpenOver(store);
  CHECK(pipeline->health().healthy);
  CHECK(pipeline->health().reason.empty());

  store->FailWrites(1'000'000, absl::UnavailableError("disk full"));
  REQUIRE(pipeline->Publish(Started("s1")).ok());
  CHECK(pipeline->Flush(absl::ZeroDuration()) == 1);
  REQUIRE(store->AwaitFaults(2));
  CHECK_FALSE(pipeline->health().healthy);
  CHECK(pipeline->health().reason.find("disk full") != std::string::npos);

  store->FailWrites(0, absl::OkStatus());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  CHECK(pipeline->health().healthy);

  store->FailReads(absl::DataLossError("corrupt"));
  CHECK_FALSE(pipeline->health().healthy);
  CHECK(pipeline->health().reason.find("corrupt") != std::string::npos);
  CHECK(absl::IsUnavailable(pipeline->stats().status()));

  store->FailReads(absl::OkStatus());
  pipeline->writer().Stop(kPatience);
  CHECK(pipeline->health().reason == "the batch writer does not run");
}

TEST_CASE("Stats and health are the JSON that clients read") {
  auto store = std::make_shared<FakeStore>();
  const auto pipeline = OpenOver(store);
  REQUIRE(pipeline->Publish(Started("s1")).ok());
  REQUIRE(pipeline->Flush(kPatience) == 0);
  REQUIRE(pipeline->Publish(Started("s2")).ok());
  REQUIRE(absl::IsInvalidArgument(pipeline->Publish(Started("")).status()));

  const Json stats = Json::parse(ToJson(*pipeline->stats()));
  CHECK(stats["total_events"] == 1);
  CHECK(stats["events_by_type"] == Json{{"analytics_charge_started", 1}});
  CHECK(stats["events_by_region"] == Json{{"eu", 1}});
  CHECK(stats["batch_size"] == 1);
  CHECK(stats["running"] == true);
  CHECK(stats["accepted"] == 2);
  CHECK(stats["committed"] == 1);
  CHECK(stats["commits"] == 1);
  CHECK(stats["last_error"] == "");
  CHECK(stats["last_commit_time"] == "2027-01-15T08:00:00.000000+00:00");
  CHECK(stats["published"] == 2);
  CHECK(stats["rejected"] == 1);
  CHECK(stats["rejected_by_reason"]["missing_field"] == 1);
  CHECK(stats["rejected_by_reason"].size() == kRejectReasonCount);
  CHECK(stats["bus"]["published"] == 2);
  CHECK(stats["durability"] == "memory");
  for (const char* key :
       {"recovered", "duplicates", "conflicts", "dead_lettered", "dropped", "dropped_oldest",
        "dropped_unreadable", "pending", "oldest_pending_seconds", "overflows", "overflow_timeouts",
        "failed_commits", "breaker_trips", "dead_letters", "journal", "histograms"}) {
    CHECK(stats.contains(key));
  }

  const Json health = Json::parse(ToJson(pipeline->health()));
  CHECK(health["status"] == "healthy");
  CHECK(health["enabled"] == true);
  CHECK(health["reason"] == "");
  CHECK(health["warnings"] == Json::array());
  CHECK(health["alerts"] == Json::array());
  Json rest = health, then = stats;
  for (const char* key : {"status", "enabled", "reason", "warnings", "alerts"}) rest.erase(key);
  for (Json* json : {&rest, &then}) {  // an age: it grows
    CHECK(json->at("oldest_pending_seconds") > 0);
    json->erase("oldest_pending_seconds");
  }
  CHECK(rest == then);
}

TEST_CASE("JSON of a pipeline without events has empty objects and no commit time") {
  const Json stats = Json::parse(ToJson(PipelineStats()));
  CHECK(stats["events_by_type"] == Json::object());
  CHECK(stats["events_by_region"] == Json::object());
  CHECK(stats["last_commit_time"].is_null());
  CHECK(Json::parse(ToJson(Health()))["status"] == "unhealthy");
}

TEST_CASE("The JSON of stats shows the journal, and the buckets of histograms that are not empty") {
  PipelineStats stats;
  BatchWriterStats& writer = stats.writer;
  writer.recovered = 7;
  writer.oldest_pending_age = absl::Milliseconds(1500);
  writer.durability = Durability::kPower;
  writer.journal = {.bytes = 1,
                    .segments = 2,
                    .syncs = 3,
                    .sync_errors = 4,
                    .write_errors = 5,
                    .last_error = "disk full",
                    .adopted_segments = 6,
                    .torn_tails = 7,
                    .quarantined_segments = 8};
  for (const unsigned size : {0u, 1u, 5u, 7u, 8u}) writer.batch_sizes.Add(size);
  writer.commit_latency_us.Add(~std::uint64_t{0});

  const Json json = Json::parse(ToJson(stats));

  CHECK(json["recovered"] == 7);
  CHECK(json["oldest_pending_seconds"] == 1.5);
  CHECK(json["durability"] == "power");
  CHECK(json["journal"] == Json({{"bytes", 1},
                                 {"segments", 2},
                                 {"syncs", 3},
                                 {"sync_errors", 4},
                                 {"write_errors", 5},
                                 {"last_error", "disk full"},
                                 {"adopted_segments", 6},
                                 {"torn_tails", 7},
                                 {"quarantined_segments", 8}}));
  CHECK(json["histograms"]["batch_size"] ==
        Json::parse(R"({"count": 5, "sum": 21, "buckets": [[0, 1], [1, 1], [7, 2], [15, 1]]})"));
  CHECK(json["histograms"]["commit_latency_us"]["buckets"] == Json::parse("[[null, 1]]"));
}

TEST_CASE("Dead letters are JSON with the event as it is") {
  CHECK(ToJson(absl::Span<const DeadLetter>()) == "[]");
  const std::vector<DeadLetter> letters{
      {absl::UnixEpoch(), "no \"room\"", R"({"event_id":"e1","kwh_consumed":1.10})"},
      {absl::UnixEpoch(), "\xff", "{}"}};
  const std::string text = ToJson(letters);
  CHECK_THAT(text, Catch::StartsWith(R"([{"time":"1970-01-01T00:00:00.000000+00:00",)"
                                     R"("reason":"no \"room\"",)"
                                     R"("event":{"event_id":"e1","kwh_consumed":1.10}},)"));
  CHECK(Json::parse(text).size() == 2);
}

TEST_CASE("An error text that is no UTF-8 still makes JSON") {
  PipelineStats stats;
  stats.writer.last_error = "\xff";
  CHECK(Json::parse(ToJson(stats))["last_error"].is_string());
}

TEST_CASE("Open refuses bad options, and a missing store") {
  Options options = TestOptions();
  options.database_url = "gopher://x";
  CHECK(absl::IsInvalidArgument(Pipeline::Open(options).status()));
  options = TestOptions();
  options.writer.batch_size = 0;
  CHECK(absl::IsInvalidArgument(Pipeline::Open(options).status()));
  CHECK(absl::IsInvalidArgument(Pipeline::Open(TestOptions(), nullptr).status()));
  options = TestOptions();
  options.database_url = "";
  CHECK(Pipeline::Open(options, std::make_shared<FakeStore>()).ok());
}

}  // namespace
}  // namespace nerava::analytics
