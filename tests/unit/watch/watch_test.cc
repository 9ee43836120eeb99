// Watches: what they see, when they fire, whom they tell.
#include "nerava/analytics/watch.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "lib/projection/commit.h"
#include "lib/watch/alert_book.h"
#include "lib/watch/operation.h"
#include "lib/watch/readings.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/charging.h"
#include "tests/support/child.h"
#include "tests/support/fake_store.h"

namespace nerava::analytics {
namespace {

using Json = nlohmann::json;
using testing::Credited;
using testing::Started;
using testing::Stopped;

constexpr absl::Duration kPatience = absl::Seconds(30);
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

struct SettableClock final : Clock {
  absl::Time Now() const override { return absl::FromUnixMicros(now); }
  void Set(absl::Time time) { now = absl::ToUnixMicros(time); }
  std::atomic<std::int64_t> now{absl::ToUnixMicros(kNow)};
};

// What on_alert was told. Thread-safe.
class Told {
 public:
  void Add(const Alert& alert) {
    const std::lock_guard lock(mutex_);
    alerts_.push_back(alert);
    changed_.notify_all();
  }
  std::vector<Alert> alerts() const {
    const std::lock_guard lock(mutex_);
    return alerts_;
  }
  // "name group state" of all, in order.
  std::vector<std::string> Words() const {
    constexpr const char* kStates[] = {"pending", "firing", "resolved"};
    std::vector<std::string> words;
    for (const Alert& alert : alerts()) {
      words.push_back(alert.watch + " " + alert.group + " " +
                      kStates[static_cast<int>(alert.state)]);
    }
    return words;
  }
  bool Await(std::size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, FakeStore::kPatience, [&] { return alerts_.size() >= n; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Alert> alerts_;
};

using Words = std::vector<std::string>;

struct Scene {
  explicit Scene(std::shared_ptr<Store> store_in = *OpenStore("memory:")) : store(store_in) {
    options.writer.flush_interval = absl::Hours(1);
    options.writer.retry_initial_backoff = absl::Milliseconds(1);
    options.writer.retry_max_backoff = absl::Milliseconds(4);
    options.alerts.interval = absl::InfiniteDuration();  // tests look by hand
    options.alerts.on_alert = [told = told](const Alert& alert) { told->Add(alert); };
  }
  void Open() { pipeline = *Pipeline::Open(options, store, clock); }
  void Commit(const std::vector<EventPtr>& events) {
    REQUIRE(CommitBatch(*store, events, kNow).ok());
  }
  // Sessions that stop an hour before `time`.
  void Charge(int sessions, absl::Time time, const std::string& hub = "hub") {
    std::vector<EventPtr> events;
    for (int i = 0; i < sessions; ++i) {
      const std::string id = std::to_string(next++);
      const auto started = Started("a" + id, id, time - absl::Hours(2));
      const auto stopped = Stopped("o" + id, id, time - absl::Hours(1), 1'000'000);
      started->hub_id = stopped->hub_id = hub;
      events.insert(events.end(), {started, stopped});
    }
    Commit(events);
  }

  Options options;
  SettableClock clock;
  std::shared_ptr<Told> told = std::make_shared<Told>();
  std::shared_ptr<Store> store;
  std::unique_ptr<Pipeline> pipeline;
  int next = 0;
};

Watch Below(const std::string& kpi, double threshold) {
  Watch watch;
  watch.name = "low " + kpi;
  watch.kpi = kpi;
  watch.relation = WatchRelation::kBelow;
  watch.threshold = threshold;
  return watch;
}
Watch Above(const std::string& kpi, double threshold) {
  Watch watch = Below(kpi, threshold);
  watch.name = "high " + kpi;
  watch.relation = WatchRelation::kAbove;
  return watch;
}

TEST_CASE("Each number that can be watched is that of the answers' JSON") {
  const std::string error(CheckKpi(Below("no such", 0)).message());
  REQUIRE(error.find("there is no KPI \"no such\" to watch; there are sessions_started, ") == 0);
  const std::vector<std::string> names =
      absl::StrSplit(error.substr(error.find("there are ") + 10), ", ");
  CHECK(names.size() == 27);
  const auto store = *OpenStore("memory:");
  const SettableClock clock;
  const KpiCalculator kpis(store, "", clock);
  const KpiQuery query{{kNow - kDay, kNow}};
  for (const bool empty : {true, false}) {
    if (!empty) {
      REQUIRE(CommitBatch(*store,
                          {Started("a1", "1", kNow - absl::Hours(5)),
                           Stopped("o1", "1", kNow - absl::Hours(4), 2'500'000),
                           Credited("c1", "1", kNow - absl::Hours(3), 100),
                           Started("a2", "2", kNow - absl::Hours(5)),
                           Stopped("o3", "3", kNow - absl::Hours(2))},
                          kNow)
                  .ok());
    }
    Json all = Json::parse(ToJson(*kpis.Summarize(query)));
    all.update(Json::parse(ToJson(*kpis.GetFunnel({query.period}))));
    all.update(Json::parse(ToJson(*kpis.GetActiveUsers({kNow}))));
    for (const std::string& name : names) {
      INFO(name << (empty ? " over nothing" : ""));
      Watch watch = Below(name, 0);
      if (name == "sessions_abandoned") watch.period = 3 * kDay;
      REQUIRE(watch.Validate().ok());
      const auto readings = Read(kpis, watch, kNow);
      REQUIRE(readings.ok());
      REQUIRE(readings->size() == 1);
      const Reading& reading = readings->at("");
      REQUIRE(all.contains(name));
      if (reading.value) {
        CHECK(all[name] == *reading.value);
        CHECK(reading.sample > (empty ? -1 : 0));
      } else {
        CHECK(empty);
        CHECK((all[name].is_null() || all[name] == 0));
      }
    }
  }
}

TEST_CASE("An alert waits, fires, holds on and resolves") {
  Watch watch = Above("total_sessions", 10);
  watch.hysteresis = 3;
  watch.hold_for = absl::Minutes(5);
  watch.min_sample = 2;
  AlertBook book;
  const auto look = [&](std::optional<double> value, int minutes, std::int64_t sample = 2) {
    std::vector<Alert> changes;
    book.Note(watch, {{"", {value, sample}}}, kNow + absl::Minutes(minutes), &changes);
    REQUIRE(changes.size() <= 1);
    std::string words = changes.empty() ? "-" : "";
    if (!changes.empty()) words = changes[0].state == AlertState::kFiring ? "fires" : "resolves";
    words += book.List().empty()                           ? ""
             : book.List()[0].state == AlertState::kFiring ? " on"
                                                           : " wait";
    return words;
  };
  CHECK(look(10, 0) == "-");
  CHECK(look(10.01, 1) == "- wait");
  CHECK(look(11, 5) == "- wait");
  CHECK(look(9, 5) == "-");  // not all the time
  CHECK(look(11, 6) == "- wait");
  CHECK(look(11, 11) == "fires on");
  CHECK(book.List()[0].since == kNow + absl::Minutes(6));
  CHECK(book.List()[0].at == kNow + absl::Minutes(11));
  CHECK(book.List()[0].message ==
        "high total_sessions: total_sessions is 11.0, the threshold is above 10.0");
  CHECK(look(7.01, 12) == "- on");  // not yet back
  CHECK(look(11, 13) == "- on");
  CHECK(look(7, 14) == "resolves");
  CHECK(look(99, 15, 1) == "-");  // of too few
  CHECK(look(11, 16) == "- wait");
  CHECK(look(11, 21) == "fires on");
  CHECK(look(std::nullopt, 22) == "resolves");
  CHECK(look(11, 30) == "- wait");
  CHECK(look(11, 3) == "- wait");  // the clock was set back
  CHECK(look(11, 8) == "fires on");
  CHECK(book.List()[0].since == kNow + absl::Minutes(3));
  watch.relation = WatchRelation::kBelow;
  CHECK(look(12.99, 9) == "- on");
  CHECK(look(13, 10) == "resolves");
  watch.hold_for = absl::ZeroDuration();
  CHECK(look(9.99, 11) == "fires on");
  book.Forget("another");
  CHECK(book.List().size() == 1);
  book.Forget(watch.name);
  CHECK(look(99, 12) == "-");  // and nobody is told
}

TEST_CASE("A commit makes the pipeline look, and on_alert is told") {
  Scene scene;
  scene.options.alerts.interval = absl::Hours(1);
  scene.Open();
  REQUIRE(scene.pipeline->AddWatch(Below("completion_rate", 50)).ok());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{});  // of nothing nothing is known
  ChargeStarted started;
  started.session_id = "s1";
  started.started_at = kNow - absl::Hours(1);
  REQUIRE(scene.pipeline->Publish(started).ok());
  REQUIRE(scene.pipeline->Flush(kPatience) == 0);
  REQUIRE(scene.told->Await(1));
  const Alert alert = scene.told->alerts()[0];
  CHECK(alert.watch == "low completion_rate");
  CHECK(alert.group.empty());
  CHECK(alert.state == AlertState::kFiring);
  CHECK(alert.value == 0);
  CHECK(alert.threshold == 50);
  CHECK(alert.sample == 1);
  CHECK(alert.since == kNow);
  CHECK(Json::parse(ToJson(alert)) ==
        Json::parse(R"({"watch": "low completion_rate", "group": "", "state": "firing",
            "value": 0.0, "threshold": 50.0, "sample": 1,
            "since": "2027-01-15T08:00:00.000000+00:00", "at": "2027-01-15T08:00:00.000000+00:00",
            "message":
            "low completion_rate: completion_rate is 0.0, the threshold is below 50.0"})"));
  const Json health = Json::parse(ToJson(scene.pipeline->health()));
  REQUIRE(health["alerts"].size() == 1);
  CHECK(health["alerts"][0]["watch"] == "low completion_rate");
  CHECK(health["status"] == "degraded");

  ChargeStopped stopped;
  stopped.session_id = "s1";
  stopped.stopped_at = kNow;
  REQUIRE(scene.pipeline->Publish(stopped).ok());
  REQUIRE(scene.pipeline->Flush(kPatience) == 0);
  REQUIRE(scene.told->Await(2));
  CHECK(scene.told->Words() ==
        Words{"low completion_rate  firing", "low completion_rate  resolved"});
  CHECK(scene.pipeline->alerts().empty());
}

TEST_CASE("Without commits it looks on a timer") {
  Scene scene;
  scene.options.alerts.interval = absl::Seconds(1);
  scene.Charge(3, kNow);
  scene.Open();
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", 2)).ok());
  REQUIRE(scene.told->Await(1));
  scene.clock.Set(kNow + 2 * kDay);  // nothing comes
  REQUIRE(scene.told->Await(2));
  CHECK(scene.told->Words() ==
        Words{"high total_sessions  firing", "high total_sessions  resolved"});
}

TEST_CASE("Each hub is watched for itself, and one that falls silent is noticed") {
  Scene scene;
  scene.Open();
  Watch watch = Below("total_sessions", 2);
  watch.each = Dimension::kHub;
  REQUIRE(scene.pipeline->AddWatch(watch).ok());
  scene.Charge(3, kNow, "busy");
  scene.Charge(3, kNow, "quiet");
  scene.Charge(1, kNow, "small");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"low total_sessions small firing"});
  scene.clock.Set(kNow + kDay);
  scene.Charge(3, kNow + kDay, "busy");
  scene.Charge(2, kNow + kDay, "small");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"low total_sessions small firing",
                                     "low total_sessions quiet firing",
                                     "low total_sessions small resolved"});
  CHECK(scene.told->alerts()[1].value == 0);
  CHECK(scene.told->alerts()[1].message ==
        "low total_sessions: total_sessions of hub \"quiet\" is 0.0, the threshold is below 2.0");
  // Once nobody knows it any more, it is no more missed.
  scene.clock.Set(kNow + 2 * kDay);
  scene.Charge(3, kNow + 2 * kDay, "busy");
  scene.Charge(2, kNow + 2 * kDay, "small");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words().back() == "low total_sessions quiet resolved");
  CHECK(scene.told->alerts().back().value == std::nullopt);
}

TEST_CASE("A change is against the period before, for each hub too") {
  Scene scene;
  scene.Open();
  Watch watch = Above("total_sessions", 50);
  watch.measure = WatchMeasure::kChange;
  REQUIRE(scene.pipeline->AddWatch(watch).ok());
  watch.name = "each";
  watch.each = Dimension::kHub;
  watch.relation = WatchRelation::kBelow;
  watch.threshold = -50;
  REQUIRE(scene.pipeline->AddWatch(watch).ok());
  scene.Charge(2, kNow - kDay, "a");
  scene.Charge(4, kNow - kDay, "b");
  scene.Charge(8, kNow, "a");
  scene.Charge(1, kNow, "b");
  scene.Charge(1, kNow, "new");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"high total_sessions  firing", "each b firing"});
  CHECK(scene.told->alerts()[0].value == 66.67);
  CHECK(scene.told->alerts()[0].sample == 10);
  CHECK(scene.told->alerts()[1].value == -75);
  CHECK(scene.told->alerts()[1].message ==
        "each: total_sessions of hub \"b\" changed by -75.0 %, the threshold is below -50.0 %");
  // From nothing to something is no number.
  scene.clock.Set(kNow + 3 * kDay);
  scene.Charge(5, kNow + 3 * kDay, "a");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.pipeline->alerts().empty());
}

TEST_CASE("Active users change, too, and percentiles") {
  Scene scene;
  scene.Open();
  for (const char* kpi : {"dau", "median_time_to_complete_s"}) {
    Watch watch = Below(kpi, -40);
    watch.measure = WatchMeasure::kChange;
    REQUIRE(scene.pipeline->AddWatch(watch).ok());
  }
  scene.Charge(4, kNow - kDay);
  scene.Charge(2, kNow);
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"low dau  firing"});
  CHECK(scene.told->alerts()[0].value == -50);
}

TEST_CASE("A watch keeps to its filter and its period") {
  Scene scene;
  scene.Open();
  Watch watch = Above("total_sessions", 0);
  watch.filter.hub_id = "a";
  watch.period = absl::Minutes(90);
  REQUIRE(scene.pipeline->AddWatch(watch).ok());
  scene.Charge(1, kNow, "b");
  scene.Charge(1, kNow - absl::Hours(1), "a");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words().empty());
  scene.Charge(1, kNow, "a");
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"high total_sessions  firing"});
}

TEST_CASE("Watches come and go") {
  Scene scene;
  scene.Open();
  scene.Charge(1, kNow);
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", 0)).ok());
  const auto again = scene.pipeline->AddWatch(Above("total_sessions", 7));
  REQUIRE(absl::IsAlreadyExists(again));
  CHECK(std::string(again.message()).find("\"high total_sessions\"") != std::string::npos);
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.pipeline->alerts().size() == 1);
  REQUIRE(scene.pipeline->RemoveWatch("high total_sessions").ok());
  CHECK(scene.pipeline->alerts().empty());
  CHECK(absl::IsNotFound(scene.pipeline->RemoveWatch("high total_sessions")));
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"high total_sessions  firing"});
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", 0)).ok());
  scene.pipeline->Close();
  CHECK(absl::IsFailedPrecondition(scene.pipeline->CheckWatches()));
}

TEST_CASE("Watches are listed as they were added, with all their rules") {
  Scene scene;
  scene.Open();
  CHECK(scene.pipeline->watches().empty());
  CHECK(ToJson(scene.pipeline->watches()) == "[]");
  Watch all{"\"all\"", "completion_rate"};
  all.relation = WatchRelation::kBelow;
  all.measure = WatchMeasure::kChange;
  all.threshold = -12.5;
  all.hysteresis = 2;
  all.period = absl::Milliseconds(1500);
  all.hold_for = absl::Minutes(1);
  all.min_sample = 10;
  all.filter = {"eu", "hub_1", "green_hour"};
  all.each = Dimension::kHub;
  REQUIRE(scene.pipeline->AddWatch(all).ok());
  REQUIRE(scene.pipeline->AddWatch({"plain", "dau"}).ok());
  REQUIRE(scene.pipeline->AddWatch({"gone", "dau"}).ok());
  REQUIRE(scene.pipeline->RemoveWatch("gone").ok());
  CHECK(ToJson(scene.pipeline->watches()) ==
        R"([{"name":"\"all\"","kpi":"completion_rate","relation":"below","measure":"change",)"
        R"("threshold":-12.5,"hysteresis":2.0,"period_s":1.5,"hold_for_s":60.0,"min_sample":10,)"
        R"("region":"eu","hub":"hub_1","window":"green_hour","each":"hub"},)"
        R"({"name":"plain","kpi":"dau","relation":"above","measure":"value","threshold":0.0,)"
        R"("hysteresis":0.0,"period_s":86400.0,"hold_for_s":0.0,"min_sample":0,"region":null,)"
        R"("hub":null,"window":null,"each":null}])");
  scene.pipeline->Close();
  CHECK(scene.pipeline->watches().size() == 2);
}

TEST_CASE("What cannot be watched is refused with what is wrong") {
  const auto pipeline = *Pipeline::Open(Options(), *OpenStore("memory:"));
  struct Case {
    void (*spoil)(Watch&);
    const char* error;
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [spoil, error] : std::vector<Case>{
           {[](Watch& watch) { watch.name = ""; }, "the watch's name is missing or empty"},
           {[](Watch& watch) { watch.name = std::string(101, 'x'); },
            "the watch's name is 101 bytes"},
           {[](Watch& watch) {
              watch.kpi = "dau";
              watch.each = Dimension::kHub;
            },
            "dau cannot be watched for each hub"},
           {[](Watch& watch) { watch.kpi = "sessions_abandoned"; },
            "sessions_abandoned needs a period of more than 24h"},
           {[](Watch& watch) {
              watch.kpi = "sessions_running";
              watch.measure = WatchMeasure::kChange;
            },
            "the change of sessions_running says nothing"},
           {[](Watch& watch) { watch.threshold = kNan; }, "the threshold of watch \"w\" is nan"},
           {[](Watch& watch) { watch.hysteresis = -1; }, "the hysteresis of watch \"w\" is -1"},
           {[](Watch& watch) { watch.period = absl::ZeroDuration(); }, "the period of watch \"w\""},
           {[](Watch& watch) { watch.period = absl::Hours(24 * 1831); },
            "the period of watch \"w\""},
           {[](Watch& watch) { watch.hold_for = -absl::Seconds(1); },
            "hold_for of watch \"w\" is -1s"},
           {[](Watch& watch) { watch.min_sample = -1; }, "min_sample of watch \"w\" is -1"}}) {
    Watch watch = Below("completion_rate", 1);
    watch.name = "w";
    spoil(watch);
    const absl::Status status = pipeline->AddWatch(watch);
    CHECK(absl::IsInvalidArgument(status));
    INFO(status.ToString());
    CHECK(std::string(status.message()).find(error) != std::string::npos);
  }
  Watch reserved = Below("completion_rate", 1);
  reserved.name = "error_rate";
  CHECK(absl::IsAlreadyExists(pipeline->AddWatch(reserved)));
  Options options;
  options.alerts.error_rate = 101;
  CHECK(absl::IsInvalidArgument(options.Validate()));
  options.alerts.error_rate = 5;
  options.alerts.window = absl::ZeroDuration();
  CHECK(std::string(options.Validate().message()).find("alerts.window is 0") == 0);
}

TEST_CASE("What on_alert does harms nobody") {
  Scene scene;
  std::atomic<Pipeline*> pipeline{nullptr};
  std::atomic<bool> refused{false};
  scene.options.alerts.on_alert = [&](const Alert&) {
    refused = absl::IsFailedPrecondition(pipeline.load()->CheckWatches());
    throw std::runtime_error("no");
  };
  scene.Open();
  pipeline = scene.pipeline.get();
  scene.Charge(1, kNow);
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", 0)).ok());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(refused);
  CHECK(scene.pipeline->alerts().size() == 1);
}

TEST_CASE("A store that cannot be read is an alert, and so are KPIs that fail for it") {
  const auto store = std::make_shared<FakeStore>();
  Scene scene(store);
  scene.Open();
  REQUIRE(scene.pipeline->AddWatch(Below("completion_rate", 50)).ok());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  store->FailReads(absl::UnavailableError("the disk is gone"));
  CHECK(absl::IsUnavailable(scene.pipeline->CheckWatches()));
  REQUIRE(absl::IsUnavailable(scene.pipeline->kpis().Summarize({{kNow - kDay, kNow}}).status()));
  CHECK(absl::IsUnavailable(scene.pipeline->CheckWatches()));
  const auto words = scene.told->Words();
  CHECK(std::count(words.begin(), words.end(), "store_unreachable  firing") == 1);
  CHECK(std::count(words.begin(), words.end(), "kpi_failures  firing") == 1);
  CHECK(scene.told->alerts()[0].message.find("the disk is gone") != std::string::npos);
  CHECK(scene.pipeline->health().alerts.size() == 2);
  store->FailReads(absl::OkStatus());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words().back() == "store_unreachable  resolved");
  scene.clock.Set(kNow + absl::Minutes(5));
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words().back() == "kpi_failures  resolved");
  CHECK(scene.pipeline->stats()->kpi_cache.failures == 1);  // watches then are not asked for
}

TEST_CASE("Without anybody to be told, health says what is the matter with the pipeline") {
  const auto store = std::make_shared<FakeStore>();
  Scene scene(store);
  scene.options.alerts.on_alert = nullptr;
  scene.Open();
  CHECK(scene.pipeline->health().alerts.empty());
  store->FailReads(absl::UnavailableError("the disk is gone"));
  const auto alerts = scene.pipeline->health().alerts;
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0].watch == "store_unreachable");
}

TEST_CASE("Events that are refused, lost or wait too long are alerts") {
  AlertOptions options;
  Operation operation(options, absl::Seconds(30));
  AlertBook book;
  OperationCounts counts;
  const auto look = [&](int seconds) {
    std::vector<Alert> changes;
    const absl::Time now = kNow + absl::Seconds(seconds);
    for (const auto& [watch, readings] : operation.Look(counts, now)) {
      book.Note(watch, readings, now, &changes);
    }
    Words words;
    for (const Alert& alert : book.List()) words.push_back(alert.watch);
    return words;
  };
  operation.Begin(counts, kNow);
  CHECK(look(0) == Words{});
  counts.events = 19;
  counts.lost = 19;
  CHECK(look(10) == Words{});  // too few
  counts.events = 380;
  CHECK(look(20) == Words{});  // 5 %
  counts.lost = 20;
  CHECK(look(30) == Words{"error_rate"});
  CHECK(book.List()[0].value == 5.26);
  CHECK(book.List()[0].sample == 380);
  CHECK(look(309) == Words{"error_rate"});
  counts.events = 1000;
  CHECK(look(330) == Words{});  // of the last five minutes
  counts.oldest_pending = absl::Seconds(330);
  CHECK(look(340) == Words{});
  counts.oldest_pending = absl::Seconds(331);
  counts.last_error = "the disk is full";
  CHECK(look(350) == Words{"nothing_written"});
  CHECK(book.List()[0].message.ends_with(": the disk is full"));
  counts.oldest_pending = absl::ZeroDuration();
  counts.kpi_failures = 1;
  CHECK(look(360) == Words{"kpi_failures"});
  CHECK(look(659) == Words{"kpi_failures"});
  CHECK(look(660) == Words{});
  counts.kpi_failures = 2;
  CHECK(look(100) == Words{});  // the clock was set back
  counts.kpi_failures = 3;
  for (int second = 101; second < 400; ++second) CHECK(look(second) == Words{"kpi_failures"});
  CHECK(look(401) == Words{});
  counts.kpi_failures = 4;
  CHECK(look(4000) == Words{});  // nobody looked when it was
}

TEST_CASE("Events refused at the door make the error rate") {
  Scene scene;
  scene.Open();
  REQUIRE(scene.pipeline->CheckWatches().ok());
  for (int i = 0; i < 20; ++i) CHECK_FALSE(scene.pipeline->PublishJson("{}").ok());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"error_rate  firing"});
  CHECK(scene.told->alerts()[0].value == 100);
}

TEST_CASE(
    "A close waits for what is told as long as it may, and the end of the pipeline for all of it") {
  Scene scene;
  scene.options.alerts.interval = absl::Hours(1);
  scene.Charge(1, kNow);
  std::atomic<bool> telling{false};
  std::atomic<bool> may_end{false};
  std::atomic<bool> told{false};
  scene.options.alerts.on_alert = [&](const Alert&) {
    telling = true;
    telling.notify_all();
    may_end.wait(false);
    told = true;
  };
  scene.Open();
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", 0)).ok());
  telling.wait(false);
  CHECK(scene.pipeline->Close(absl::Milliseconds(10)) == 0);
  CHECK_FALSE(told);
  std::thread ends([&] {
    may_end = true;
    may_end.notify_all();
  });
  scene.pipeline.reset();
  CHECK(told);
  ends.join();
}

TEST_CASE("What is partly dropped is unknown") {
  Scene scene;
  scene.Open();
  scene.Charge(3, kNow - 2 * kDay);
  scene.Charge(3, kNow);
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", -1)).ok());
  Watch change = Above("orphan_stops", -1000);
  change.measure = WatchMeasure::kChange;
  REQUIRE(scene.pipeline->AddWatch(change).ok());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words() == Words{"high total_sessions  firing", "high orphan_stops  firing"});
  const absl::Time from = kNow - absl::Hours(24) - absl::Hours(8);  // a midnight
  REQUIRE(scene.store->Retain({from, from, from}, kDay).ok());
  REQUIRE(scene.pipeline->CheckWatches().ok());
  CHECK(scene.told->Words().back() == "high orphan_stops  resolved");
}

TEST_CASE("Threads add, remove, check and list watches at once") {
  Scene scene;
  scene.options.alerts.interval = absl::Hours(1);
  scene.Charge(3, kNow);
  scene.Open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&scene, i] {
      for (int round = 0; round < 50; ++round) {
        Watch watch = Above("total_sessions", round % 5);
        watch.name = std::to_string(i);
        scene.pipeline->AddWatch(watch).IgnoreError();
        scene.pipeline->CheckWatches().IgnoreError();
        scene.pipeline->alerts();
        scene.pipeline->RemoveWatch(watch.name).IgnoreError();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(scene.pipeline->alerts().empty());
}

#if NERAVA_CAN_FORK
TEST_CASE("A forked child watches on its own") {
  Scene scene;
  scene.options.alerts.interval = absl::Hours(1);
  scene.Charge(1, kNow);
  scene.Open();
  REQUIRE(scene.pipeline->AddWatch(Above("total_sessions", 0)).ok());
  REQUIRE(scene.told->Await(1));
  CHECK(testing::InChild([&] {
          const bool fires =
              scene.pipeline->CheckWatches().ok() && scene.pipeline->alerts().size() == 1;
          const bool told = scene.told->Words().size() == 2;
          return fires && told && scene.pipeline->RemoveWatch("high total_sessions").ok() ? 0 : 1;
        }) == 0);
  CHECK(scene.pipeline->alerts().size() == 1);
}
#endif

}  // namespace
}  // namespace nerava::analytics
