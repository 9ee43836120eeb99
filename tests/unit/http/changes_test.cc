// GET /v1/analytics/changes, part by part.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "lib/projection/commit.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/charging.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

const std::string kChanges = "/v1/analytics/changes";

struct Served {
  explicit Served(std::shared_ptr<Store> store) {
    Options options;
    options.data_retention.enabled = false;
    pipeline = *Pipeline::Open(std::move(options), std::move(store));
    api = std::make_unique<HttpApi>(*pipeline);
  }
  HttpResponse Get(const std::string& target, std::vector<HttpHeader> headers = {}) const {
    return api->Handle({"GET", target, std::move(headers)});
  }

  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<HttpApi> api;
};

void Insert(Store& store, const std::string& id) {
  const std::vector<EventPtr> events = {
      testing::Started(id, id, absl::FromUnixSeconds(1'772'280'000))};
  REQUIRE(CommitBatch(store, events, absl::Now()).ok());
}

bool IsMessage(const HttpResponse& part) {
  return part.status == 200 && part.body.starts_with("retry: 2000\nid: ") &&
         part.body.ends_with("\n\n");
}

TEST_CASE("A message comes at once, and then whenever something was committed") {
  const testing::TempDir dir;
  const std::string url = GENERATE(true, false) ? "memory:" : dir.SqliteUrl("a.db");
  INFO(url);
  const std::shared_ptr<Store> store = *OpenStore(url);
  // Of another process, as it were.
  const std::shared_ptr<Store> other = url == "memory:" ? store : *OpenStore(url);
  const Served served(store);
  HttpResponse part = served.Get(kChanges);
  CHECK(part.headers.front().value == "text/event-stream");
  for (int round = 0; round < 3; ++round) {
    REQUIRE(IsMessage(part));
    for (int quiet = 0; quiet < 5; ++quiet) {
      part = served.Get(part.next_target);
      CHECK(part.status == 200);
      CHECK(part.body.empty());
      CHECK(part.next_after == absl::Milliseconds(500));
    }
    Insert(round == 1 ? *other : *store, "e" + std::to_string(round));
    part = served.Get(part.next_target);
  }
  CHECK(served.Get(part.next_target).body.empty());
}

TEST_CASE("What is quiet for long says so now and then") {
  const Served served(*OpenStore("memory:"));
  HttpResponse part = served.Get(kChanges);
  std::string bodies;
  for (int i = 0; i < 93; ++i) {
    part = served.Get(part.next_target);
    bodies += part.body.empty() ? "." : part.body;
  }
  const std::string quiet(30, '.');
  CHECK(bodies == quiet + ":\n\n" + quiet + ":\n\n" + quiet + ":\n\n");
}

TEST_CASE("Who was told already hears of what came since") {
  const std::shared_ptr<Store> store = *OpenStore("memory:");
  const Served served(store);
  const std::string body = served.Get(kChanges).body;
  const std::size_t at = body.find("data: ") + 6;
  const std::string id = body.substr(at, body.size() - 2 - at);
  CHECK(served.Get(kChanges + "?since=" + id).body.empty());
  CHECK(served.Get(kChanges, {{"last-event-id", id}}).body.empty());
  CHECK(IsMessage(served.Get(kChanges, {{"Last-Event-ID", "nonsense"}})));
  Insert(*store, "e1");
  CHECK(IsMessage(served.Get(kChanges + "?since=" + id)));
  CHECK(IsMessage(served.Get(kChanges, {{"Last-Event-ID", id}})));
  for (const char* wrong : {"?since=x", "?since=-1", "?since=1.5", "?quiet=31", "?days=7"}) {
    CHECK(served.Get(kChanges + wrong).status == 422);
  }
}

TEST_CASE("A store without a version is 501") {
  const auto store = std::make_shared<FakeStore>();
  const Served served(store);
  CHECK(served.Get(kChanges).status == 501);
}

}  // namespace
}  // namespace nerava::analytics
