// The endpoints over a pipeline, as a client sees them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/http/headers.h"
#include "lib/http/routes.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/charging.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using http::HeaderOf;
using Json = nlohmann::json;

struct FixedClock final : Clock {
  absl::Time Now() const override { return now; }
  absl::Time now = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z
};

Options TestOptions() {
  Options options;
  options.database_url = "memory:";
  options.writer.flush_interval = absl::Hours(1);
  options.writer.retry_initial_backoff = absl::Milliseconds(1);
  options.writer.retry_max_backoff = absl::Milliseconds(4);
  options.data_retention.enabled = false;
  options.alerts.interval = absl::InfiniteDuration();
  return options;
}

// Ten sessions, one an hour up to an hour ago, of five users at two hubs.
struct Served {
  explicit Served(std::shared_ptr<Store> store = nullptr, Options options = TestOptions()) {
    if (store == nullptr) store = *OpenStore("memory:");
    pipeline = *Pipeline::Open(std::move(options), std::move(store), clock);
    api = std::make_unique<HttpApi>(*pipeline, HttpApiOptions{.flush_timeout = patience});
  }

  void Fill() {
    for (int i = 0; i < 10; ++i) {
      const std::string id = std::to_string(i);
      const auto at = [&](int minutes) {
        return FormatTimestamp(clock.now - absl::Hours(10 - i) + absl::Minutes(minutes));
      };
      const auto common =
          fmt::format(R"("session_id":"s{}","user_id":"u{}","hub_id":"hub {}",)", i, i % 5, i % 2);
      Publish(
          fmt::format(R"({{"event_type":"charge_started","event_id":"a{}",{}"started_at":"{}"}})",
                      id, common, at(0)));
      Publish(fmt::format(R"({{"event_type":"charge_stopped","event_id":"b{}",{}"stopped_at":"{}",)"
                          R"("total_reward_usd":1.5,"window_id":"green_hour"}})",
                          id, common, at(30)));
    }
    REQUIRE(pipeline->Flush() == 0);
  }
  void Publish(const std::string& json) {
    const auto event = pipeline->PublishJson(json);
    INFO(event.status().ToString());
    REQUIRE(event.ok());
  }

  HttpResponse Ask(const std::string& method, const std::string& target,
                   std::vector<HttpHeader> headers = {}, std::string body = "") const {
    return api->Handle({method, target, std::move(headers), std::move(body)});
  }
  HttpResponse Get(const std::string& target, std::vector<HttpHeader> headers = {}) const {
    return Ask("GET", target, std::move(headers));
  }
  HttpResponse Post(const std::string& body, const std::string& query = "",
                    std::vector<HttpHeader> headers = {}) const {
    return Ask("POST", "/v1/analytics/events" + query, std::move(headers), body);
  }
  Json Answer(const std::string& target) const {
    const HttpResponse response = Get(target);
    INFO(target << " " << response.body);
    REQUIRE(response.status == 200);
    return Json::parse(response.body);
  }
  // The parts of a 422 that are wrong.
  std::vector<std::string> Wrong(const std::string& target) const {
    const HttpResponse response = Get(target);
    INFO(target << " " << response.body);
    REQUIRE(response.status == 422);
    std::vector<std::string> names;
    const Json body = Json::parse(response.body);
    for (const Json& problem : body["detail"]) {
      CHECK(problem["loc"][0] == "query");
      CHECK_FALSE(problem["msg"].get<std::string>().empty());
      names.push_back(problem["loc"].back().get<std::string>());
    }
    return names;
  }

  FixedClock clock;
  absl::Duration patience = absl::Seconds(30);
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<HttpApi> api;
};

using Names = std::vector<std::string>;
const std::string kBase = "/v1/analytics/";

TEST_CASE("The KPI endpoints answer what the library does") {
  Served served;
  served.Fill();
  const KpiCalculator& kpis = served.pipeline->kpis();
  const auto week = *kpis.LastDays(7);
  const auto body = [&](const std::string& path) { return served.Get(kBase + path).body; };
  CHECK(body("kpis") == ToJson(*kpis.GetAllKpis(week)));
  CHECK(body("kpis/conversion-funnel") == ToJson(*kpis.GetConversionFunnel(week)));
  CHECK(body("kpis/green-hour-utilization") == ToJson(*kpis.GetGreenHourUtilization(week)));
  CHECK(body("kpis/streak-metrics") == ToJson(*kpis.GetStreakMetrics(*kpis.LastDays(30))));
  CHECK(body("kpis/revenue-metrics") == ToJson(*kpis.GetRevenueMetrics(week)));
  CHECK(body("kpis/conversion-funnel?days=1&hub=hub+1") ==
        ToJson(*kpis.GetConversionFunnel(*kpis.LastDays(1, {.hub_id = "hub 1"}))));
  const auto month = *kpis.LastDays(28);
  CHECK(body("trends") == ToJson(*kpis.GetTrend({month.period})));
  CHECK(body("trends?days=1&interval=hour&tz=Europe/Berlin") ==
        ToJson(*kpis.GetTrend({kpis.LastDays(1)->period, {}, Interval::kHour, "Europe/Berlin"})));
  CHECK(body("funnel?conversion_window_s=600&abandon_after_s=60") ==
        ToJson(*kpis.GetFunnel({week.period, {}, absl::Minutes(10), absl::Minutes(1)})));
  CHECK(body("funnel?breakdown=hub&top=1") ==
        ToJson(*kpis.GetFunnelBreakdown({week.period}, Dimension::kHub, 1)));
  CHECK(body("load?longest_session_s=60") ==
        ToJson(*kpis.GetLoad({month.period, {}, "UTC", absl::Minutes(1)})));
  CHECK(body("load?breakdown=window") ==
        ToJson(*kpis.GetLoadBreakdown({month.period}, Dimension::kWindow, 10)));
  CHECK(body("session-sizes?length_bin_s=60&energy_bin_wh=2") ==
        ToJson(*kpis.GetSessionSizes({week.period, {}, absl::Minutes(1), 2'000})));
  CHECK(body("sessions-per-user") == ToJson(*kpis.GetSessionsPerUser(week)));
  CHECK(body("active-users?at=2026-02-28") ==
        ToJson(*kpis.GetActiveUsers({absl::FromUnixSeconds(1'772'236'800)})));
  CHECK(body("streaks?leaders=2") == ToJson(*kpis.GetStreaks({}, 2)));
  CHECK(body("streaks") == ToJson(*kpis.GetStreaks({}, 0)));
  CHECK(body("retention?interval=day&days=3") ==
        ToJson(*kpis.GetRetention({kpis.LastDays(3)->period, {}, Interval::kDay})));
  CHECK(served.Answer(kBase + "kpis")["conversion_funnel"]["sessions_completed"] == 10);
}

TEST_CASE("A comparison, a breakdown and a trend come beside the numbers if asked for") {
  Served served;
  served.Fill();
  const Json plain = served.Answer(kBase + "kpis?days=1");
  CHECK_FALSE(plain.contains("comparison"));
  const Json all =
      served.Answer(kBase + "kpis?days=1&compare=previous&breakdown=hub&top=1&interval=hour");
  CHECK(all["conversion_funnel"] == plain["conversion_funnel"]);
  CHECK(all["comparison"]["current"]["sessions_started"] == 10);
  CHECK(all["comparison"]["previous"]["sessions_started"] == 0);
  CHECK(all["breakdown"]["rows"].size() == 1);
  CHECK(all["breakdown"]["others"] == 1);
  CHECK(all["trend"]["buckets"].size() == 24);
}

TEST_CASE("A period is days, or from and to, in the time zone that is asked for") {
  Served served;
  served.Fill();
  const auto period = [&](const std::string& query) {
    const Json answer = served.Answer(kBase + "kpis/conversion-funnel?" + query);
    return std::pair(answer["from"].get<std::string>(), answer["to"].get<std::string>());
  };
  using Bounds = std::pair<std::string, std::string>;
  const std::string now = "2026-02-28T12:00:00.000000+00:00";
  CHECK(period("days=2") == Bounds{"2026-02-26T12:00:00.000000+00:00", now});
  CHECK(period("from=2026-02-01") == Bounds{"2026-02-01T00:00:00.000000+00:00", now});
  CHECK(period("to=2026-02-20&days=") ==
        Bounds{"2026-02-13T00:00:00.000000+00:00", "2026-02-20T00:00:00.000000+00:00"});
  CHECK(period("from=2026-02-01&to=2026-02-02T03:04:05.5&tz=Asia/Kathmandu") ==
        Bounds{"2026-01-31T18:15:00.000000+00:00", "2026-02-01T21:19:05.500000+00:00"});
  CHECK(period("from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00%2B01:00&tz=Asia/Kathmandu") ==
        Bounds{"2026-02-01T00:00:00.000000+00:00", "2026-02-01T23:00:00.000000+00:00"});
}

TEST_CASE("Every parameter that is wrong is named, and nothing is answered") {
  Served served;
  const std::string kpis = kBase + "kpis";
  CHECK(served.Wrong(kpis + "?days=0") == Names{"days"});
  CHECK(served.Wrong(kpis + "?days=1831") == Names{"days"});
  CHECK(served.Wrong(kpis + "?days=7.0") == Names{"days"});
  CHECK(served.Wrong(kpis + "?days=99999999999999999999") == Names{"days"});
  CHECK(served.Wrong(kpis + "?day=7") == Names{"day"});
  CHECK(served.Wrong(kpis + "?days=1&days=2") == Names{"days"});
  CHECK(served.Wrong(kpis + "?days=1&from=2026-02-01") == Names{"days"});
  CHECK(served.Wrong(kpis + "?from=2026-02-29") == Names{"from"});
  CHECK(served.Wrong(kpis + "?from=2026-02-20&to=2026-02-19") == Names{"from"});
  CHECK(served.Wrong(kpis + "?from=2026-03-01") == Names{"from"});
  CHECK(served.Wrong(kpis + "?to=1970-01-03") == Names{"from"});
  CHECK(served.Wrong(kpis + "?tz=Mars/Olympus") == Names{"tz"});
  CHECK(served.Wrong(kpis + "?tz=..%2f..%2fetc%2fpasswd") == Names{"tz"});
  CHECK(served.Wrong(kpis + "?hub=" + std::string(101, 'x')) == Names{"hub"});
  CHECK(served.Wrong(kpis + "?breakdown=user") == Names{"breakdown"});
  CHECK(served.Wrong(kpis + "?top=3") == Names{"top"});
  CHECK(served.Wrong(kpis + "?interval=year&compare=next") == Names{"compare", "interval"});
  CHECK(served.Wrong(kBase + "retention?interval=hour") == Names{"interval"});
  CHECK(served.Wrong(kBase + "trends?interval=hour&days=1830") == Names{"query"});  // too many
  CHECK(served.Wrong(kBase + "stats?days=1") == Names{"days"});
  CHECK(served.Wrong(kpis + "?hub=%ff") == Names{"query"});
  CHECK(served.Ask("POST", kBase + "events?flush=maybe", {}, "{}").status == 422);
}

TEST_CASE("Unknown paths are 404, wrong methods 405, large bodies 413, zipped ones 415") {
  Served served;
  for (const char* path : {"", "/", "/v1/analytics", "/v1/analytics/", "/v1/analytics/kpis/",
                           "/v1/analytics/KPIS", "/v2/analytics/kpis", "/v1/analytics/../kpis"}) {
    INFO(path);
    CHECK(served.Get(path).status == 404);
    CHECK(Json::parse(served.Get(path).body)["detail"] == "Not Found");
  }
  const HttpResponse post = served.Ask("POST", kBase + "kpis");
  CHECK(post.status == 405);
  CHECK(HeaderOf(post, "Allow") == "GET, HEAD");
  const HttpResponse put = served.Ask("PUT", kBase + "events");
  CHECK(put.status == 405);
  CHECK(HeaderOf(put, "Allow") == "POST, GET, HEAD");
  CHECK(served.Ask("get", kBase + "kpis").status == 405);
  const std::pair<const char*, int> codings[] = {{"gzip", 415}, {"", 422}, {"identity", 422}};
  for (const auto& [coding, status] : codings) {
    CHECK(served.Post("{}", "", {{"content-encoding", coding}}).status == status);
  }
  CHECK(HttpApi(*served.pipeline, {.max_body_bytes = 10})
            .Handle({"POST", kBase + "events", {}, std::string(11, ' ')})
            .status == 413);
  CHECK(HttpApi(*served.pipeline, {.max_body_bytes = 10})
            .Handle({"POST", kBase + "events", {}, "[        ]"})
            .status == 202);
  CHECK(served.Get("/livez?" + std::string(16'384 - 7, '&')).status == 200);
  CHECK(served.Get("/livez?" + std::string(16'384 - 6, '&')).status == 414);
}

TEST_CASE("HEAD is GET without the body") {
  Served served;
  const HttpResponse head = served.Ask("HEAD", kBase + "kpis");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  for (const char* wrong :
       {"/nowhere", "/v1/analytics/events?after=x", "/%zz", "/v1/analytics/kpis?x=1"}) {
    const HttpResponse response = served.Ask("HEAD", wrong);
    CHECK(response.status >= 400);
    CHECK(response.body.empty());
  }
  CHECK(HeaderOf(head, "ETag") == HeaderOf(served.Get(kBase + "kpis"), "ETag"));
}

TEST_CASE("A tag holds until the numbers change, though a rolling period moves on") {
  Served served;
  served.Fill();
  const std::string path = kBase + "kpis?days=2";
  const HttpResponse first = served.Get(path);
  const std::string tag(HeaderOf(first, "ETag"));
  REQUIRE(tag.substr(0, 3) == "W/\"");
  CHECK(HeaderOf(first, "Cache-Control") == "private, no-cache");
  served.clock.now += absl::Seconds(1);
  for (const std::string& match : {tag, tag.substr(2), "\"x\", " + tag, std::string("*")}) {
    const HttpResponse same = served.Get(path, {{"if-none-match", match}});
    INFO(match);
    CHECK(same.status == 304);
    CHECK(same.body.empty());
    CHECK(HeaderOf(same, "ETag") == tag);
    CHECK(HeaderOf(same, "Content-Type").empty());
  }
  CHECK(served.Get(path, {{"If-None-Match", "W/\"x\""}}).status == 200);
  CHECK(served.Get(kBase + "kpis?days=2&hub=hub+1", {{"If-None-Match", tag}}).status == 200);
  served.Publish(R"({"event_type":"charge_started","session_id":"s",)"
                 R"("started_at":"2026-02-28T11:00:00Z"})");
  REQUIRE(served.pipeline->Flush() == 0);
  const HttpResponse later = served.Get(path, {{"If-None-Match", tag}});
  CHECK(later.status == 200);
  CHECK(HeaderOf(later, "ETag") != tag);
  // What is added counts, too.
  const std::string split = path + "&breakdown=hub";
  const std::string by_hub(HeaderOf(served.Get(split), "ETag"));
  CHECK(by_hub != HeaderOf(later, "ETag"));
  CHECK(HeaderOf(served.Get(split + "&top=1"), "ETag") != by_hub);
}

TEST_CASE("Events are published: one, an array, or one a line") {
  Served served;
  const auto start = [](const std::string& id) {
    return fmt::format(R"({{"event_type":"charge_started","event_id":"e{0}","session_id":"s{0}",)"
                       R"("started_at":"2026-02-28T11:00:00Z"}})",
                       id);
  };
  const HttpResponse one = served.Post(start("1"), "?flush=true");
  INFO(one.body);
  CHECK(one.status == 202);
  CHECK(Json::parse(one.body) ==
        Json::parse(
            R"({"accepted":1,"rejected":0,"results":[{"status":"accepted","event_id":"e1"}]})"));
  CHECK(served.Answer(kBase + "kpis")["conversion_funnel"]["sessions_started"] == 1);
  CHECK(served.Post("[" + start("2") + "," + start("3") + "]").status == 202);
  CHECK(served.Post(start("4") + "\n" + start("5") + "\n").status == 202);
  CHECK(served.Post("[]").status == 202);
  // Again, as after an answer that was lost.
  CHECK(served.Post("[" + start("2") + "," + start("3") + "]", "?flush=1").status == 202);
  CHECK(served.Answer(kBase + "kpis")["conversion_funnel"]["sessions_started"] == 5);

  const HttpResponse mixed = served.Post(start("6") + "\n{\"event_type\":\n" + start("7"), "",
                                         {{"content-type", "application/x-ndjson"}});
  CHECK(mixed.status == 207);
  const Json results = Json::parse(mixed.body);
  CHECK(results["accepted"] == 2);
  CHECK(results["rejected"] == 1);
  CHECK(results["results"][1]["reason"] == "malformed_json");
  CHECK(results["results"][2]["event_id"] == "e7");

  const HttpResponse none = served.Post(R"({"event_type":"charge_started"})");
  CHECK(none.status == 422);
  CHECK(Json::parse(none.body)["results"][0]["reason"] == "missing_field");
  const HttpResponse many = served.Post("[" + std::string(10'000, ',') + "]");
  CHECK(many.status == 422);
  CHECK(many.body.find("10000 events") != std::string::npos);
  const HttpResponse broken = served.Post("[{}");
  CHECK(broken.status == 422);
  CHECK(Json::parse(broken.body)["detail"][0]["loc"] == Json::array({"body"}));
}

TEST_CASE("What a full queue does not take can be sent again, with a 503") {
  auto store = std::make_shared<FakeStore>();
  Options options = TestOptions();
  options.writer.queue_capacity = 2;
  options.writer.batch_size = 2;
  options.writer.max_batch_size = 2;
  options.writer.overflow = Overflow::kReject;
  store->FailWrites(1'000'000, absl::UnavailableError("secret database text"));
  Served served(store, options);
  std::string body;
  for (int i = 0; i < 20; ++i) {
    body += fmt::format(
        "{{\"event_type\":\"charge_started\",\"event_id\":\"e{0}\",\"session_id\":\"s{0}\"}}\n", i);
  }
  const HttpResponse full = served.Post(body);
  INFO(full.body);
  CHECK(full.status == 503);
  CHECK(HeaderOf(full, "Retry-After") == "1");
  const Json results = Json::parse(full.body);
  CHECK(results["results"].size() == 20);
  CHECK(results["results"].back()["status"] == "unavailable");
  REQUIRE(store->AwaitFaults(2));

  const HttpResponse health = served.Get(kBase + "health");
  CHECK(health.status == 503);
  CHECK(Json::parse(health.body)["status"] == "unhealthy");
  CHECK(Json::parse(health.body)["reason"] == "the last commit failed");
  CHECK(served.Get("/readyz").status == 503);
  CHECK(served.Get("/livez").status == 200);
  for (const char* path :
       {"/v1/analytics/health", "/v1/analytics/stats", "/readyz", "/v1/analytics/watches"}) {
    CHECK(served.Get(path).body.find("secret") == std::string::npos);
  }
  store->FailWrites(0, absl::OkStatus());
  std::size_t accepted = 0;
  for (const Json& result : results["results"]) accepted += result["status"] == "accepted" ? 1 : 0;
  CHECK(accepted >= 2);
  CHECK(accepted < 20);
  REQUIRE(served.pipeline->Flush() == 0);
  CHECK(served.Get("/readyz").status == 200);
}

TEST_CASE("Errors of the store are told without its words") {
  auto store = std::make_shared<FakeStore>();
  Served served(store);
  std::vector<absl::Status> told;
  const HttpApi api(*served.pipeline, {.on_error = [&](const absl::Status& error) {
    told.push_back(error);
    throw std::runtime_error("which is swallowed");
  }});
  const std::pair<absl::Status, int> statuses[] = {
      {absl::UnavailableError("secret: disk I/O"), 503},
      {absl::ResourceExhaustedError("secret"), 503},
      {absl::DeadlineExceededError("secret"), 503},
      {absl::AbortedError("secret"), 503},
      {absl::DataLossError("secret table"), 500},
      {absl::FailedPreconditionError("secret: no database"), 500},
      {absl::InvalidArgumentError("secret SELECT"), 500}};
  for (const auto& [error, status] : statuses) {
    store->FailReads(error);
    for (const char* path : {"kpis", "trends", "stats", "health"}) {
      const HttpResponse response = served.Get(kBase + path);
      INFO(path << " " << response.body);
      const bool tells_state =
          std::string_view(path) == "health" || std::string_view(path) == "stats";
      CHECK(response.status == (tells_state ? 503 : status));
      CHECK(response.body.find("secret") == std::string::npos);
      CHECK(Json::accept(response.body));
    }
    CHECK(api.Handle({"GET", kBase + "trends"}).status == status);
    REQUIRE(told.size() == 1);  // to whom it concerns, in its words
    CHECK_THAT(std::string(told[0].message()), Catch::Contains("secret"));
    told.clear();
  }
  CHECK(api.Handle({"GET", kBase + "trends?days=x"}).status == 422);
  CHECK(api.Handle({"GET", kBase + "nothing"}).status == 404);
  CHECK(told.empty());
  served.pipeline->CheckWatches().IgnoreError();
  std::vector<std::string> messages;
  const Json watches = served.Answer(kBase + "watches");
  for (const Json& alert : watches["alerts"])
    messages.push_back(alert["message"].get<std::string>());
  CHECK_THAT(messages,
             Catch::VectorContains(std::string(
                 "store_unreachable: store cannot be read is 1.0, the threshold is above 0.0")));
  CHECK(served.Get(kBase + "health").body.find("secret") == std::string::npos);
}

TEST_CASE("Who asked for a flush is told when the events are not stored in time") {
  auto store = std::make_shared<FakeStore>();
  store->FailWrites(1'000'000, absl::UnavailableError("busy"));
  Served served(store);
  const HttpApi impatient(*served.pipeline, {.flush_timeout = absl::Milliseconds(1)});
  const auto post = [&](const std::string& body) {
    return impatient.Handle({"POST", kBase + "events?flush=true", {}, body});
  };
  served.Publish(R"({"event_type":"charge_started","session_id":"s1"})");
  // Nothing to wait for: nothing is accepted.
  CHECK(post("{}").status == 422);
  const HttpResponse waits = post(R"({"event_type":"charge_started","session_id":"s2"})");
  CHECK(waits.status == 503);
  CHECK(Json::parse(waits.body)["accepted"] == 1);
  CHECK_THAT(Json::parse(waits.body)["detail"].get<std::string>(),
             Catch::Contains("not stored yet"));
  store->FailWrites(0, absl::OkStatus());
}

TEST_CASE("Health is degraded while there is something to look at") {
  auto store = std::make_shared<FakeStore>();
  store->Refuse("poison");
  Served served(store);
  const auto status = [&] { return served.Answer(kBase + "health")["status"].get<std::string>(); };
  CHECK(status() == "healthy");
  for (const char* id : {"poison", "good"}) {
    served.Publish(fmt::format(
        R"({{"event_type":"charge_started","event_id":"{0}","session_id":"{0}"}})", id));
  }
  REQUIRE(served.pipeline->Flush() == 0);
  CHECK(status() == "degraded");
}

TEST_CASE("A journal that is nearly full degrades") {
  const testing::TempDir dir;
  auto store = std::make_shared<FakeStore>();
  Options options = TestOptions();
  options.writer.journal.durability = Durability::kProcess;
  options.writer.journal.directory = dir.File("journal");
  options.writer.journal.segment_bytes = 256 << 10;
  options.writer.journal.max_bytes = 8 * (256 << 10);
  store->FailWrites(1'000'000, absl::UnavailableError("busy"));
  Served served(store, options);
  const std::string event = fmt::format(
      R"({{"event_type":"charge_started","session_id":"s","properties":{{"text":"{}"}}}})",
      std::string(20'000, 'x'));
  CHECK(served.pipeline->health().warnings.empty());
  for (int i = 0; i < 85; ++i) served.Publish(event);
  const auto warnings = served.pipeline->health().warnings;
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Matches("the journal is [0-9]+ % full; .*"));
  store->FailWrites(0, absl::OkStatus());
}

TEST_CASE("The description lists every endpoint, and exactly the parameters that each takes") {
  Served served;
  served.Fill();
  const Json api = served.Answer(kBase + "openapi.json");
  CHECK(api["openapi"] == "3.1.0");
  std::size_t routes = 0;
  http::ForEachRoute([&](const http::Route& route) {
    ++routes;
    const std::string path(route.path);
    INFO(path);
    const Json& operation = api["paths"][path][route.method == "POST" ? "post" : "get"];
    REQUIRE(operation["parameters"].size() == route.parameters.size());
    for (const Json& parameter : operation["parameters"]) {
      const Json& schema = parameter["schema"];
      std::string value = "2026-02-20";
      if (schema["type"] == "integer")
        value = std::to_string(schema["maximum"].get<std::int64_t>());
      if (schema["type"] == "boolean") value = "false";
      if (schema.contains("enum")) value = schema["enum"].back().get<std::string>();
      if (schema.contains("maxLength")) value = "UTC";
      if (parameter["name"] == "after") value = "0";  // a cursor is of an event that there is
      std::string target = path + "?" + parameter["name"].get<std::string>() + "=" + value;
      if (parameter["name"] == "top") target += "&breakdown=hub";
      const HttpResponse response = served.Ask(std::string(route.method), target, {}, "[]");
      INFO(target << " " << response.body);
      CHECK(response.status == (route.method == "POST" ? 202 : 200));
    }
    CHECK(served.Ask(std::string(route.method), path + "?other=1", {}, "[]").status == 422);
  });
  CHECK(routes == 23);
}

}  // namespace
}  // namespace nerava::analytics
