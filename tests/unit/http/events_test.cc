// GET /v1/analytics/events, as a tool sees it that exports them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/http/headers.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/charging.h"
#include "tests/support/fake_store.h"

namespace nerava::analytics {
namespace {

using http::HeaderOf;
using Json = nlohmann::json;
using Ids = std::vector<std::string>;
using testing::Started;
using testing::Stopped;

const absl::Time kNoon = absl::FromUnixSeconds(1'772'280'000);  // 2026-02-28T12:00:00Z
const std::string kEvents = "/v1/analytics/events";

// A store in memory whose syncs may fail.
class SyncedStore final : public Store {
 public:
  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    return store_->Write(body);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    is_synced = false;
    return store_->Read(body);
  }
  absl::Status Sync() override {
    is_synced = true;
    return sync_error;
  }
  std::string Description() const override { return "synced:"; }

  bool is_synced = false;  // since the last read
  absl::Status sync_error;

 private:
  const std::shared_ptr<Store> store_ = *OpenStore("memory:");
};

struct Served {
  explicit Served(std::shared_ptr<Store> store_in = *OpenStore("memory:"))
      : store(std::move(store_in)) {
    Options options;
    options.data_retention.enabled = false;
    pipeline = *Pipeline::Open(std::move(options), store);
    api = std::make_unique<HttpApi>(*pipeline);
  }

  void Insert(const std::vector<EventPtr>& events) {
    REQUIRE(store
                ->Write([&](WriteTransaction& transaction) {
                  return transaction.Insert(events, kNoon).status();
                })
                .ok());
  }
  HttpResponse Get(const std::string& query, std::vector<HttpHeader> headers = {}) const {
    return api->Handle({"GET", kEvents + query, std::move(headers)});
  }
  Json Page(const std::string& query) const {
    const HttpResponse response = Get(query);
    INFO(query << " " << response.body);
    REQUIRE(response.status == 200);
    return Json::parse(response.body);
  }
  // From page to page, until there is no more.
  Ids Walk(const std::string& query) const {
    Ids ids;
    std::string after = "0";
    for (bool more = true; more;) {
      const Json page = Page("?" + query + "&after=" + after);
      for (const Json& event : page["events"]) ids.push_back(event["event_id"]);
      more = page["more"];
      after = page["next"];
    }
    return ids;
  }

  std::shared_ptr<Store> store;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<HttpApi> api;
};

Ids IdsOfLines(const std::string& body) {
  Ids ids;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = body.find('\n', at);
    REQUIRE(end != std::string::npos);
    ids.push_back(Json::parse(body.substr(at, end - at))["event_id"]);
    at = end + 1;
  }
  return ids;
}

// Later ones happened earlier.
std::vector<EventPtr> Backwards(int count) {
  std::vector<EventPtr> events;
  for (int i = 0; i < count; ++i) {
    events.push_back(
        Started(fmt::format("e{}", i), fmt::format("s{}", i), kNoon - i * absl::Hours(7)));
  }
  return events;
}

Ids IdsOf(const std::vector<EventPtr>& events) {
  Ids ids;
  for (const EventPtr& event : events) ids.push_back(event->event_id);
  return ids;
}

TEST_CASE("Pages of any size are all events in the order of their commits") {
  Served served;
  const auto events = Backwards(23);
  served.Insert(events);
  for (int limit = 1; limit <= 25; ++limit) {
    CHECK(served.Walk(fmt::format("limit={}", limit)) == IdsOf(events));
  }
  const Json all = served.Page("");
  REQUIRE(all["events"].size() == events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(all["events"][i] == Json::parse(ToJson(*events[i])));
  }
}

TEST_CASE("The cursor is always there, and goes on with what is committed later") {
  Served served;
  CHECK(served.Page("") == Json{{"events", Json::array()}, {"next", "0"}, {"more", false}});
  const auto events = Backwards(3);
  served.Insert(events);
  const Json first = served.Page("?limit=2");
  CHECK(first["more"] == true);
  const std::string next = first["next"];
  const HttpResponse second = served.Get("?limit=1&after=" + next);
  const Json last = Json::parse(second.body);
  CHECK(last["more"] == false);
  CHECK(HeaderOf(second, "Next-Cursor") == last["next"]);
  CHECK(HeaderOf(second, "Cache-Control") == "no-store");
  const std::string end = last["next"];
  const Json none = served.Page("?after=" + end);
  CHECK(none == Json{{"events", Json::array()}, {"next", end}, {"more", false}});
  served.Insert({Started("late", "s", kNoon - absl::Hours(999))});
  CHECK(served.Page("?after=" + end)["events"][0]["event_id"] == "late");
}

TEST_CASE("A negative cursor counts from the last event") {
  Served served;
  CHECK(served.Page("?after=-20") ==
        Json{{"events", Json::array()}, {"next", "0"}, {"more", false}});
  const auto events = Backwards(30);
  served.Insert(events);
  const std::string end = served.Page("")["next"];
  for (int count = 1; count <= 30; ++count) {
    const Json page = served.Page(fmt::format("?after=-{}", count));
    CHECK(page["events"].size() == static_cast<std::size_t>(count));
    CHECK(page["events"].back()["event_id"] == "e29");
    CHECK(page["next"] == end);
  }
  CHECK(served.Page("?after=-31")["events"].size() == 30);
  const Json first = served.Page("?after=-20&limit=3");
  CHECK(first["events"][0]["event_id"] == "e10");
  CHECK(first["next"] == "13");
  // Of those that are gone the cursor is one all the same.
  Horizons wanted;
  wanted.days = wanted.events = wanted.aggregates = kNoon + absl::Hours(48);
  REQUIRE(served.store->Retain(wanted, absl::InfiniteDuration()).ok());
  CHECK(served.Page("?after=-5") ==
        Json{{"events", Json::array()}, {"next", "25"}, {"more", false}});
}

TEST_CASE("Events are filtered by what they have") {
  Served served;
  auto other = Stopped("b", "s2", kNoon);
  other->region = "süd";
  other->hub_id = "hub & co=1+1%";
  other->window_id = "green_hour";
  served.Insert({Started("a", "s1", kNoon), other, Started("c", "s2", kNoon)});
  CHECK(served.Walk("event_type=charge_stopped") == Ids{"b"});
  CHECK(served.Walk("event_type=analytics_charge_started") == Ids{"a", "c"});
  CHECK(served.Walk("region=s%C3%BCd") == Ids{"b"});
  CHECK(served.Walk("hub=hub+%26+co%3D1%2B1%25") == Ids{"b"});
  CHECK(served.Walk("window=green_hour") == Ids{"b"});
  CHECK(served.Walk("user=user+of+s1") == Ids{"a"});
  CHECK(served.Walk("session=s2") == Ids{"b", "c"});
  CHECK(served.Walk("session=s2&event_type=charge_started") == Ids{"c"});
  CHECK(served.Walk("session=s2&event_type=charge_started&limit=1") == Ids{"c"});
  CHECK(served.Walk("session=S2").empty());
  CHECK(served.Walk("region=&session=") == Ids{"a", "b", "c"});
}

TEST_CASE("What a request looks at is bounded, and the cursor goes on behind it") {
  Served served;
  std::vector<EventPtr> events = Backwards(10'001);
  events.push_back(Stopped("wanted", "s", kNoon));
  served.Insert(events);
  const Json first = served.Page("?event_type=charge_stopped");
  CHECK(first["events"].empty());
  CHECK(first["more"] == true);
  CHECK(served.Walk("event_type=charge_stopped") == Ids{"wanted"});
  const Json most = served.Page("?limit=10000");
  CHECK(most["events"].size() == 10'000);
  CHECK(served.Page("")["events"].size() == 1'000);
}

TEST_CASE("A page of large events ends after 8 MiB") {
  Served served;
  std::vector<EventPtr> events;
  for (int i = 0; i < 200; ++i) {
    auto event = Started(fmt::format("e{}", i), "s", kNoon);
    event->properties = fmt::format(R"({{"text":"{}"}})", std::string(60'000, 'x'));
    events.push_back(event);
  }
  served.Insert(events);
  const HttpResponse page = served.Get("");
  CHECK(page.body.size() > (8 << 20));
  CHECK(page.body.size() < (8 << 20) + 100'000);
  CHECK(Json::parse(page.body)["more"] == true);
  CHECK(served.Walk("") == IdsOf(events));
}

TEST_CASE("Parameters that are wrong are told, all at once") {
  const Served served;
  const auto wrong = [&](const std::string& query) {
    const HttpResponse response = served.Get(query);
    INFO(query << " " << response.body);
    REQUIRE(response.status == 422);
    Ids names;
    const Json body = Json::parse(response.body);
    for (const Json& problem : body["detail"]) names.push_back(problem["loc"][1]);
    return names;
  };
  for (const char* after : {"-10001", "--1", "1.5", "x", "9007199254740993", "9223372036854775808",
                            "0x10", "1%00", "+1", "1e3"}) {
    INFO(after);
    const HttpResponse response = served.Get(fmt::format("?after={}", after));
    CHECK(response.status == 422);
  }
  for (const char* limit : {"0", "-1", "10001", "99999999999999999999"}) {
    CHECK(wrong(fmt::format("?limit={}", limit)) == Ids{"limit"});
  }
  CHECK(wrong("?format=csv") == Ids{"format"});
  CHECK(wrong("?session=" + std::string(101, 's')) == Ids{"session"});
  CHECK(wrong("?after=x&limit=x&format=x&days=7") == Ids{"after", "limit", "format", "days"});
  CHECK(wrong("?after=1&after=2") == Ids{"after"});
}

TEST_CASE("A cursor that is beyond the last event is refused: it is another store's") {
  Served served;
  served.Insert(Backwards(2));
  const std::string end = served.Page("")["next"];
  CHECK(served.Get("?after=" + end).status == 200);
  for (const std::string& after :
       {std::to_string(std::stoll(end) + 1), std::to_string(std::int64_t{1} << 53)}) {
    const HttpResponse response = served.Get("?after=" + after);
    CHECK(response.status == 422);
    CHECK(Json::parse(response.body)["detail"][0]["type"] == "out_of_range");
    CHECK(Json::parse(response.body)["detail"][0]["loc"] == Json{"query", "after"});
  }
}

TEST_CASE("NDJSON is an event a line, by format or by Accept") {
  Served served;
  auto event = Started("e1", "s", kNoon);
  event->properties = "{\"list\":[1,\n\n2],\"text\":\"a\\nb\"}";
  served.Insert({event, Started("e2", "s", kNoon)});
  for (const HttpResponse& response :
       {served.Get("?format=ndjson"), served.Get("", {{"accept", "Application/X-NDJSON"}})}) {
    CHECK(response.status == 200);
    CHECK(HeaderOf(response, "Content-Type") == "application/x-ndjson");
    CHECK(IdsOfLines(response.body) == Ids{"e1", "e2"});
    CHECK(HeaderOf(response, "Next-Cursor") == served.Page("")["next"]);
    CHECK(response.next_target.empty());
    const Json line = Json::parse(response.body.substr(0, response.body.find('\n')));
    CHECK(line == Json::parse(ToJson(*event)));
  }
  CHECK(served.Page("")["events"][0] == Json::parse(ToJson(*event)));
  const HttpResponse json = served.Get("?format=json", {{"Accept", "application/x-ndjson"}});
  CHECK(HeaderOf(json, "Content-Type") == "application/json");
  CHECK(served.Get("?format=ndjson&region=nowhere").body.empty());
  const HttpResponse refused = served.Get("?format=ndjson&limit=0");
  CHECK(HeaderOf(refused, "Content-Type") == "application/json");
}

TEST_CASE("Lines without a limit go on at next_target, to the last event") {
  Served served;
  auto events = Backwards(3'500);
  Ids wanted;
  for (std::size_t i = 0; i < events.size(); i += 2) {
    auto event = std::make_shared<AnalyticsEvent>(*events[i]);
    event->hub_id = "hub?a=1&b=2;#%2B+ \"ü/";
    event->region = "süd";
    wanted.push_back(event->event_id);
    events[i] = std::move(event);
  }
  served.Insert(events);
  const auto walk = [&](std::string target, const std::vector<HttpHeader>& headers = {}) {
    Ids ids;
    int pages = 0;
    while (!target.empty()) {
      const HttpResponse response = served.api->Handle({"GET", target, headers});
      INFO(target << " " << response.body.substr(0, 200));
      REQUIRE(response.status == 200);
      for (std::string& id : IdsOfLines(response.body)) ids.push_back(std::move(id));
      target = response.next_target;
      ++pages;
    }
    CHECK(pages > 1);
    return ids;
  };
  CHECK(walk(kEvents + "?format=ndjson") == IdsOf(events));
  CHECK(walk(kEvents, {{"Accept", "application/x-ndjson"}}) == IdsOf(events));
  CHECK(walk(kEvents + "?format=ndjson&event_type=charge_started&region=s%C3%BCd" +
             "&hub=hub?a=1%26b%3D2;%23%252B%2B+%22%C3%BC%2F") == wanted);
  const Ids from = walk(kEvents + "?after=1200&format=ndjson");
  CHECK(from.size() == 2'300);
  // Who says how much he wants gets that much, and who reads no lines a page.
  CHECK(served.Get("?format=ndjson&limit=10").next_target.empty());
  CHECK(served.Get("").next_target.empty());
  const HttpResponse head = served.api->Handle({"HEAD", kEvents + "?format=ndjson"});
  CHECK(head.next_target.empty());
  CHECK(HeaderOf(head, "Next-Cursor") == "1000");
}

TEST_CASE("What a page has would survive a failure of the power") {
  const auto store = std::make_shared<SyncedStore>();
  Served served(store);
  store->sync_error = absl::UnavailableError("secret: the disk failed");
  CHECK(served.Get("").status == 200);  // nothing to lose
  served.Insert(Backwards(2));
  const HttpResponse response = served.Get("");
  CHECK(response.status == 503);
  CHECK(response.body.find("secret") == std::string::npos);
  CHECK(HeaderOf(response, "Next-Cursor").empty());
  store->sync_error = absl::OkStatus();
  CHECK(served.Get("").status == 200);
  CHECK(store->is_synced);
}

TEST_CASE("A store that cannot tell is 501, and its errors are told without their words") {
  const auto store = std::make_shared<FakeStore>();
  const Served served(store);
  const HttpResponse response = served.Get("?format=ndjson");
  CHECK(response.status == 501);
  CHECK_THAT(Json::parse(response.body)["detail"].get<std::string>(), Catch::Contains("the store"));
  const std::pair<absl::Status, int> statuses[] = {{absl::UnavailableError("secret"), 503},
                                                   {absl::DataLossError("secret"), 500},
                                                   {absl::UnimplementedError("secret"), 501},
                                                   {absl::OutOfRangeError("secret"), 422}};
  for (const auto& [error, status] : statuses) {
    store->FailReads(error);
    const HttpResponse failed = served.Get("");
    CHECK(failed.status == status);
    CHECK(failed.body.find("secret") == std::string::npos);
  }
}

}  // namespace
}  // namespace nerava::analytics
