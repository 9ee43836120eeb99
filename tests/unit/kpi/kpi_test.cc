// Each definition of docs/kpis.md by an example small enough to count by hand. That all stores
// agree on any events is the property tests' business.
#include "nerava/analytics/kpi.h"

#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "lib/projection/commit.h"
#include "tests/support/charging.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::Credited;
using testing::Started;
using testing::Stopped;
using testing::TempDir;

const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z

class FixedClock final : public Clock {
 public:
  explicit FixedClock(absl::Time now) : now_(now) {}
  absl::Time Now() const override { return now_; }

 private:
  const absl::Time now_;
};

// A SQLite store with these events, asked about the day around noon.
KpiSummary SummaryOf(const std::vector<EventPtr>& events, KpiFilter filter = {}) {
  const TempDir dir;
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  REQUIRE(CommitBatch(**store, events, kNoon).ok());
  auto summary = KpiCalculator(*store, "default")
                     .Summarize({{kNoon - absl::Hours(24), kNoon + absl::Hours(24)}, filter});
  REQUIRE(summary.ok());
  return *summary;
}

template <typename Event>
std::shared_ptr<AnalyticsEvent> With(Event event, std::string AnalyticsEvent::*member,
                                     std::string value) {
  event.get()->*member = std::move(value);
  return event;
}

TEST_CASE("sessions_credited counts sessions, not users and not credits") {
  const auto summary = SummaryOf({Started("1", "s1", kNoon), Stopped("2", "s1", kNoon),
                                  Credited("3", "s1", kNoon, 100), Credited("4", "s1", kNoon, 50),
                                  Started("5", "s2", kNoon), Stopped("6", "s2", kNoon),
                                  Credited("7", "s2", kNoon, 100)});
  CHECK(summary.totals.sessions_credited == 2);
  CHECK(summary.totals.credited_cents == 250);
}

TEST_CASE("completion never passes 100 %: stops without a start are orphans") {
  const auto summary = SummaryOf({Started("1", "s1", kNoon), Stopped("2", "s1", kNoon),
                                  Stopped("3", "s2", kNoon), Stopped("4", "s3", kNoon)});
  const ConversionFunnel funnel = MakeConversionFunnel(summary);
  CHECK(funnel.sessions_started == 1);
  CHECK(funnel.sessions_completed == 1);
  CHECK(funnel.completion_rate == 100.0);
  CHECK(funnel.orphan_stops == 2);
  CHECK(summary.totals.total_sessions == 3);
}

TEST_CASE("a session that stopped before it started is not completed") {
  const auto summary =
      SummaryOf({Started("1", "s1", kNoon), Stopped("2", "s1", kNoon - absl::Microseconds(1))});
  CHECK(summary.totals.sessions_completed == 0);
  CHECK(summary.totals.total_sessions == 1);
  CHECK(
      SummaryOf({Started("1", "s1", kNoon), Stopped("2", "s1", kNoon)}).totals.sessions_completed ==
      1);
}

TEST_CASE("a credit of nothing credits no session, and a credit without a session only money") {
  const auto summary = SummaryOf({Started("1", "s1", kNoon), Stopped("2", "s1", kNoon),
                                  Credited("3", "s1", kNoon, 0), Credited("4", "", kNoon, 75)});
  CHECK(summary.totals.sessions_credited == 0);
  CHECK(summary.totals.credited_cents == 75);
  CHECK(MakeRevenueMetrics(summary).credited_usd == 0.75);
}

TEST_CASE("of several starts and stops the earliest count, ties by event id, others are extra") {
  const auto late = Stopped("a", "s1", kNoon + absl::Hours(2), 9'000'000);
  const auto tie = Stopped("c", "s1", kNoon + absl::Hours(1), 8'000'000);
  const auto first = Stopped("b", "s1", kNoon + absl::Hours(1), 1'000'000);
  const auto summary =
      SummaryOf({Started("2", "s1", kNoon), Started("1", "s1", kNoon), late, tie, first});
  CHECK(summary.totals.sessions_started == 1);
  CHECK(summary.totals.total_sessions == 1);
  CHECK(summary.totals.reward_microusd == 1'000'000);
  CHECK(summary.totals.extra_events == 3);
}

TEST_CASE("user, window and region are those of the start, else of the stop") {
  auto start = With(Started("1", "s1", kNoon), &AnalyticsEvent::user_id, "anna");
  start = With(start, &AnalyticsEvent::region, "west");
  auto stop = With(Stopped("2", "s1", kNoon), &AnalyticsEvent::user_id, "bert");
  stop = With(stop, &AnalyticsEvent::window_id, "green_hour");
  const auto other = With(Stopped("3", "s2", kNoon), &AnalyticsEvent::user_id, "anna");
  const auto summary = SummaryOf({start, stop, other});
  CHECK(summary.unique_users == 1);
  CHECK(summary.totals.active_window_sessions == 0);
  CHECK(SummaryOf({start, stop, other}, {.region = "west"}).totals.total_sessions == 1);
}

TEST_CASE("users are counted once, however many sessions and days they have; nobody is no user") {
  const auto by = [](std::shared_ptr<AnalyticsEvent> event, const std::string& user) {
    return With(std::move(event), &AnalyticsEvent::user_id, user);
  };
  const auto summary =
      SummaryOf({by(Stopped("1", "s1", kNoon), "anna"), by(Stopped("2", "s2", kNoon), "anna"),
                 by(Stopped("3", "s3", kNoon + absl::Hours(13)), "anna"),
                 by(Stopped("4", "s4", kNoon), "bert"), by(Stopped("5", "s5", kNoon), "")});
  CHECK(summary.unique_users == 2);
  CHECK(summary.totals.total_sessions == 5);
  CHECK(MakeStreakMetrics(summary).sessions_per_user == 2.0);
}

TEST_CASE("an explicit reward of 0 counts in the average, an unknown one does not") {
  const auto summary = SummaryOf({Stopped("1", "s1", kNoon, 3'000'000),
                                  Stopped("2", "s2", kNoon, 0), Stopped("3", "s3", kNoon)});
  const RevenueMetrics revenue = MakeRevenueMetrics(summary);
  CHECK(revenue.avg_reward_usd == 1.5);
  CHECK(revenue.total_rewards_usd == 3.0);
  CHECK(revenue.total_sessions == 3);
}

TEST_CASE("rates and averages over nothing are 0") {
  const KpiSummary nothing;
  CHECK(MakeConversionFunnel(nothing).completion_rate == 0);
  CHECK(MakeConversionFunnel(nothing).credit_rate == 0);
  CHECK(MakeGreenHourUtilization(nothing).utilization_rate == 0);
  CHECK(MakeStreakMetrics(nothing).sessions_per_user == 0);
  CHECK(MakeRevenueMetrics(nothing).avg_reward_usd == 0);
}

TEST_CASE("rates and money are rounded once, half away from zero, to 2 decimals") {
  KpiSummary summary;
  summary.totals.sessions_started = 3;
  summary.totals.sessions_completed = 2;
  summary.totals.reward_microusd = 1'005'000;  // 1.005 is 1.00499... in binary
  summary.totals.sessions_with_reward = 1;
  CHECK(MakeConversionFunnel(summary).completion_rate == 66.67);
  CHECK(MakeRevenueMetrics(summary).total_rewards_usd == 1.01);
  CHECK(MakeRevenueMetrics(summary).avg_reward_usd == 1.01);
}

TEST_CASE("an event counts in the period that holds its microsecond") {
  const TempDir dir;
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  REQUIRE(CommitBatch(**store, {Started("1", "s1", kNoon)}, kNoon).ok());
  const KpiCalculator kpis(*store, "default");
  const absl::Duration tick = absl::Microseconds(1);
  const auto started = [&](absl::Time from, absl::Time to) {
    return kpis.Summarize({{from, to}, {}})->totals.sessions_started;
  };
  CHECK(started(kNoon, kNoon + tick) == 1);
  CHECK(started(kNoon - absl::Hours(50), kNoon) == 0);
  CHECK(started(kNoon - absl::Hours(50), kNoon + tick) == 1);
  CHECK(started(kNoon + tick, kNoon + absl::Hours(50)) == 0);
  CHECK(started(kNoon, kNoon) == 0);
}

TEST_CASE("a bound between two microseconds divides events as any other") {
  const TempDir dir;
  const absl::Duration half = absl::Nanoseconds(500);
  for (const std::string& url : {std::string("memory:"), dir.SqliteUrl("events.db")}) {
    INFO(url);
    auto store = OpenStore(url);
    REQUIRE(store.ok());
    REQUIRE(CommitBatch(**store, {Started("1", "s1", kNoon)}, kNoon).ok());
    const KpiCalculator kpis(*store, "default");
    const auto started = [&](absl::Time from, absl::Time to) {
      return kpis.Summarize({{from, to}, {}})->totals.sessions_started;
    };
    for (const absl::Duration rest : {absl::Microseconds(50), absl::Hours(50)}) {
      CHECK(started(kNoon - rest, kNoon + half) == 1);
      CHECK(started(kNoon + half, kNoon + rest) == 0);
      CHECK(started(kNoon - half, kNoon + rest) == 1);
      CHECK(started(kNoon - rest, kNoon - half) == 0);
    }
    CHECK(kpis.Summarize({{kNoon - half, kNoon + half}, {}})->period.to ==
          kNoon + absl::Microseconds(1));
  }
}

TEST_CASE("what a store throws comes back as an error") {
  struct ThrowingStore final : Store {
    absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)>) override {
      return absl::OkStatus();
    }
    absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)>) override {
      on_read();
      return absl::OkStatus();
    }
    std::string Description() const override { return "throwing:"; }
    std::function<void()> on_read;
  };
  const auto store = std::make_shared<ThrowingStore>();
  const KpiCalculator kpis(store, "default");
  store->on_read = [] { throw std::runtime_error("no such shelf"); };
  absl::Status status = kpis.GetAllKpis(*kpis.LastDays(1)).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message() == "the store threw: no such shelf");
  store->on_read = [] { throw 1; };
  status = kpis.GetAllKpis(*kpis.LastDays(1)).status();
  CHECK(absl::IsUnavailable(status));
}

TEST_CASE("days are rolling: N times 24 hours before now, and the answer says so") {
  const FixedClock clock(kNoon);
  const KpiCalculator kpis(*OpenStore("memory:"), "default", clock);
  const auto funnel = kpis.GetConversionFunnel(*kpis.LastDays(7));
  REQUIRE(funnel.ok());
  const auto json = nlohmann::json::parse(ToJson(*funnel));
  CHECK(json["period_days"] == 7);
  CHECK(json["from"] == "2026-02-21T12:00:00.000000+00:00");
  CHECK(json["to"] == "2026-02-28T12:00:00.000000+00:00");
}

TEST_CASE("days out of range and periods that end before they begin are refused") {
  const KpiCalculator kpis(*OpenStore("memory:"), "default");
  for (const int days : {-1, 0, Period::kMaxDays + 1}) {
    CHECK(kpis.LastDays(days).status().code() == absl::StatusCode::kInvalidArgument);
  }
  CHECK(kpis.LastDays(Period::kMaxDays).ok());
  for (const Period& period :
       {Period{kNoon, kNoon - absl::Microseconds(1)}, Period{absl::InfinitePast(), kNoon},
        Period{kNoon, absl::InfiniteFuture()}}) {
    CHECK(kpis.Summarize({period, {}}).status().code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("the JSON has the keys that the backend's clients read") {
  const FixedClock clock(kNoon);
  const KpiCalculator kpis(*OpenStore("memory:"), "west", clock);
  const auto json = nlohmann::json::parse(ToJson(*kpis.GetAllKpis(*kpis.LastDays(7))));
  const std::vector<std::pair<std::string, std::vector<std::string>>> groups = {
      {"conversion_funnel",
       {"sessions_started", "sessions_completed", "sessions_credited", "completion_rate",
        "credit_rate", "period_days"}},
      {"green_hour_utilization",
       {"active_window_sessions", "total_sessions", "utilization_rate", "avg_reward_usd",
        "period_days"}},
      {"streak_metrics",
       {"unique_users", "total_sessions", "sessions_per_user", "avg_reward_usd", "period_days"}},
      {"revenue_metrics",
       {"total_rewards_usd", "total_sessions", "avg_reward_usd", "period_days"}}};
  for (const auto& [group, keys] : groups) {
    for (const std::string& key : keys) {
      INFO(group << "." << key);
      CHECK(json.at(group).contains(key));
    }
  }
  CHECK(json.at("region") == "west");
  CHECK(json.at("generated_at") == "2026-02-28T12:00:00.000000+00:00");
}

TEST_CASE("users of very many days count once") {
  const TempDir dir;
  auto store = OpenStore(dir.SqliteUrl("events.db"));
  REQUIRE(store.ok());
  std::vector<EventPtr> events;
  const auto add = [&](int day, int user) {
    const std::string id = std::to_string(events.size());
    auto event = Stopped("e" + id, "s" + id, kNoon - absl::Hours(24 * day));
    event->user_id = "user" + std::to_string(user);
    events.push_back(std::move(event));
  };
  for (int day = 0; day < 300; ++day) {
    add(day, day % 33);
    if (day % 2 == 0) {  // a large set
      for (int user = 0; user < 70; ++user) add(day, 100 + (user + day) % 333);
    }
  }
  REQUIRE(CommitBatch(**store, events, kNoon).ok());
  const KpiQuery years{{kNoon - absl::Hours(24 * 800), kNoon + absl::Hours(1)}, {}};
  auto summary = KpiCalculator(*store, "default").Summarize(years);
  REQUIRE(summary.ok());
  CHECK(summary->totals.total_sessions == static_cast<std::int64_t>(events.size()));
  CHECK(summary->unique_users == 33 + 333);
}

TEST_CASE("the JSON is JSON although a filter is no UTF-8") {
  const FixedClock clock(kNoon);
  const KpiCalculator kpis(*OpenStore("memory:"), "west", clock);
  const auto query = *kpis.LastDays(7, {.region = "\xB7"});
  const auto json = nlohmann::json::parse(ToJson(*kpis.GetAllKpis(query)));
  CHECK(json.at("region") == R"(\xb7)");
}

}  // namespace
}  // namespace nerava::analytics
