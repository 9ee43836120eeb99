// What is in a real Redis, and what becomes of the pipeline when that is not well.
#include "nerava/analytics/redis/publisher.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "tests/support/child.h"
#include "tests/unit/redis/redis_server.h"

namespace nerava::analytics {
namespace {

using testing::RedisServer;
using testing::TempDir;

const std::string kFunnel =
    "/v1/analytics/kpis/conversion-funnel?from=2026-01-01&to=2026-02-01&tz=Europe/Berlin";
const std::string kPrefix = "nerava:analytics:";

RedisPublisherOptions OptionsFor(const std::string& url) {
  RedisPublisherOptions options;
  options.url = url;
  options.targets = {kFunnel, "/v1/analytics/stats"};
  options.interval = absl::Hours(1);  // rounds are asked for
  options.expiry = absl::Hours(2);
  options.timeout = absl::Seconds(10);
  return options;
}

std::unique_ptr<Pipeline> OpenPipeline(const std::string& url = "memory:") {
  Options options;
  options.database_url = url;
  options.data_retention.enabled = false;
  auto pipeline = Pipeline::Open(options);
  REQUIRE(pipeline.ok());
  return *std::move(pipeline);
}

absl::Status Publish(Pipeline& pipeline, int number) {
  return pipeline
      .PublishJson(fmt::format(R"({{"event_type":"charge_started","session_id":"s{0}",)"
                               R"("event_id":"e{0}","started_at":"2026-01-15T12:00:00Z"}})",
                               number))
      .status();
}

std::unique_ptr<RedisPublisher> OpenPublisher(Pipeline& pipeline, RedisPublisherOptions options) {
  auto publisher = RedisPublisher::Open(pipeline, std::move(options));
  INFO(publisher.status().ToString());
  REQUIRE(publisher.ok());
  return *std::move(publisher);
}

std::string Answer(Pipeline& pipeline, const std::string& target) {
  return HttpApi(pipeline).Handle({"GET", target}).body;
}

// Until it is, for what comes about by itself.
template <typename Condition>
void Await(Condition condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!condition()) {
    REQUIRE(absl::Now() < deadline);
    absl::SleepFor(absl::Milliseconds(5));
  }
}

TEST_CASE("Redis has what the endpoints answer, and what was committed since") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  const auto publisher = OpenPublisher(*pipeline, OptionsFor(server.url()));
  for (int number = 0; number < 3; ++number) {
    REQUIRE(Publish(*pipeline, number).ok());
    REQUIRE(pipeline->Flush() == 0);
    REQUIRE(publisher->PublishNow().ok());
    CHECK(server.Ask({"GET", kPrefix + kFunnel}) == Answer(*pipeline, kFunnel));
    CHECK(server.Ask({"HGET", kPrefix + "counters", "committed"}) == std::to_string(number + 1));
    CHECK(server.Ask({"HGET", kPrefix + "counters", "status"}) == "healthy");
    const auto stats = nlohmann::json::parse(server.Ask({"GET", kPrefix + "/v1/analytics/stats"}));
    CHECK(stats["accepted"] == number + 1);
  }
  for (const std::string& key :
       {kFunnel, std::string("/v1/analytics/stats"), std::string("counters")}) {
    const int left = std::stoi(server.Ask({"PTTL", kPrefix + key}));
    CHECK((left > 7'000'000 && left <= 7'200'000));
  }
  CHECK(server.Ask({"DBSIZE"}) == "3");
  const RedisPublisherStats stats = publisher->stats();
  CHECK((stats.connected && stats.rounds >= 3 && stats.failures == 0 && stats.last_error.empty()));
}

TEST_CASE(
    "An answer that is the same is kept without being sent again, and anew if it was removed") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  RedisPublisherOptions options = OptionsFor(server.url());
  options.targets = {kFunnel};
  const auto publisher = OpenPublisher(*pipeline, options);
  REQUIRE(publisher->PublishNow().ok());
  const std::string answer = server.Ask({"GET", kPrefix + kFunnel});
  REQUIRE_FALSE(answer.empty());
  server.Ask({"SET", kPrefix + kFunnel, "another's", "PX", "60000"});
  REQUIRE(publisher->PublishNow().ok());
  CHECK(server.Ask({"GET", kPrefix + kFunnel}) == "another's");
  CHECK(std::stoi(server.Ask({"PTTL", kPrefix + kFunnel})) > 7'000'000);
  server.Ask({"FLUSHALL"});
  REQUIRE(publisher->PublishNow().ok());  // sees that it is gone
  REQUIRE(publisher->PublishNow().ok());
  CHECK(server.Ask({"GET", kPrefix + kFunnel}) == answer);
}

TEST_CASE("Who subscribes is told of changes, and only of these") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  RedisPublisherOptions options = OptionsFor(server.url());
  options.targets = {kFunnel};
  const auto publisher = OpenPublisher(*pipeline, options);
  REQUIRE(publisher->PublishNow().ok());
  const std::unique_ptr<redisContext, void (*)(redisContext*)> link(
      redisConnectUnix(server.socket().c_str()), redisFree);
  freeReplyObject(redisCommand(link.get(), "SUBSCRIBE nerava:analytics:changes"));
  REQUIRE(publisher->PublishNow().ok());  // nothing changed
  REQUIRE(Publish(*pipeline, 1).ok());
  REQUIRE(pipeline->Flush() == 0);
  REQUIRE(publisher->PublishNow().ok());
  const std::string published = server.Ask({"HGET", kPrefix + "counters", "published_at"});
  void* read = nullptr;
  REQUIRE(redisGetReply(link.get(), &read) == REDIS_OK);
  const redis::Reply message(static_cast<redisReply*>(read));
  REQUIRE(message->elements == 3);
  CHECK(std::string(message->element[2]->str).substr(0, 19) == published.substr(0, 19));
}

TEST_CASE("By itself it publishes every so often, and what nobody publishes any more expires") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  RedisPublisherOptions options = OptionsFor(server.url());
  options.interval = absl::Milliseconds(100);
  options.expiry = absl::Seconds(1);
  auto publisher = OpenPublisher(*pipeline, options);
  Await([&] { return publisher->stats().rounds >= 3; });
  REQUIRE(Publish(*pipeline, 1).ok());
  REQUIRE(pipeline->Flush() == 0);
  Await([&] { return server.Ask({"GET", kPrefix + kFunnel}) == Answer(*pipeline, kFunnel); });
  publisher = nullptr;
  Await([&] { return server.Ask({"DBSIZE"}) == "0"; });
}

TEST_CASE("A Redis that is killed and started again costs the pipeline nothing") {
  const TempDir dir;
  RedisServer server;
  const auto pipeline = OpenPipeline(dir.SqliteUrl("a.db"));
  RedisPublisherOptions options = OptionsFor(server.url());
  options.interval = absl::Milliseconds(100);
  options.timeout = absl::Milliseconds(200);
  const auto publisher = OpenPublisher(*pipeline, options);
  std::atomic<bool> done{false};
  std::atomic<int> refused{0};
  int published = 0;
  std::thread load([&] {
    for (; !done; ++published) {
      if (!Publish(*pipeline, published).ok()) ++refused;
    }
  });
  for (int round = 0; round < 3; ++round) {
    const RedisPublisherStats before = publisher->stats();
    Await([&] { return publisher->stats().rounds > before.rounds; });
    server.Kill();
    CHECK(absl::IsUnavailable(publisher->PublishNow()));
    CHECK_FALSE(publisher->stats().connected);
    CHECK_FALSE(publisher->stats().last_error.empty());
    server.Start();
    // By itself, though rounds are put off.
    Await([&] { return publisher->stats().connected; });
  }
  done = true;
  load.join();
  CHECK(refused == 0);
  REQUIRE(pipeline->Flush(absl::Seconds(60)) == 0);
  CHECK(pipeline->stats()->stored.total == static_cast<std::uint64_t>(published));
  REQUIRE(publisher->PublishNow().ok());
  CHECK(server.Ask({"GET", kPrefix + kFunnel}) == Answer(*pipeline, kFunnel));
  CHECK(publisher->stats().failures >= 3);
}

TEST_CASE("Why Redis does not take it is told once, until it is something else") {
  const TempDir dir;
  const auto pipeline = OpenPipeline();
  RedisPublisherOptions options = OptionsFor("unix://" + dir.File("nowhere"));
  std::vector<std::string> told;  // while a round that was asked for runs
  options.on_error = [&](const absl::Status& error) {
    told.emplace_back(error.message());
    throw std::runtime_error("which is swallowed");
  };
  {
    const auto publisher = OpenPublisher(*pipeline, options);
    for (int i = 0; i < 3; ++i) CHECK(absl::IsUnavailable(publisher->PublishNow()));
  }
  CHECK(told == std::vector<std::string>{"Redis: No such file or directory"});
  told.clear();
  RedisServer server;
  options.url = server.url();
  options.timeout = absl::Milliseconds(50);
  {
    const auto publisher = OpenPublisher(*pipeline, options);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(publisher->PublishNow().ok());
      server.Send(SIGSTOP);
      CHECK(absl::IsUnavailable(publisher->PublishNow()));
      server.Send(SIGCONT);
    }
    REQUIRE(publisher->PublishNow().ok());
  }
  CHECK(told.size() == 2);
}

TEST_CASE("A Redis that hangs holds up nobody but its own thread") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  RedisPublisherOptions options = OptionsFor(server.url());
  options.timeout = absl::Milliseconds(50);
  {
    const auto publisher = OpenPublisher(*pipeline, options);
    REQUIRE(publisher->PublishNow().ok());
    server.Send(SIGSTOP);
    CHECK(publisher->PublishNow().message() == "Redis: no reply in time");
    REQUIRE(Publish(*pipeline, 1).ok());
    REQUIRE(pipeline->Flush() == 0);
    server.Send(SIGCONT);
    CHECK(publisher->PublishNow().ok());
    server.Send(SIGSTOP);
  }
  options.timeout = absl::Seconds(60);
  {
    const auto publisher = OpenPublisher(*pipeline, options);
    CHECK(absl::IsDeadlineExceeded(publisher->PublishNow(absl::Milliseconds(20))));
  }  // does not wait for the minute
  server.Send(SIGCONT);
}

TEST_CASE("A password is needed where there is one, and told nobody") {
  RedisServer server;
  server.Ask({"CONFIG", "SET", "requirepass", "right secret"});
  const auto pipeline = OpenPipeline();
  for (const char* user : {"", ":wrong%20secret@", "nobody:wrong%20secret@"}) {
    const auto publisher = OpenPublisher(*pipeline, OptionsFor(server.url(user)));
    const absl::Status status = publisher->PublishNow();
    CHECK(absl::IsUnavailable(status));
    CHECK(status.ToString().find("secret") == std::string::npos);
    CHECK(status.ToString().find("AUTH") != std::string::npos);
  }
  for (const char* user : {":right%20secret@", "default:right%20secret@"}) {
    const auto publisher = OpenPublisher(*pipeline, OptionsFor(server.url(user)));
    CHECK(publisher->PublishNow().ok());
  }
  // Of one that does not know AUTH, which repeats what it was sent.
  RedisServer other({"--rename-command", "AUTH", ""});
  for (const char* user : {":secret@", "secret:secret@"}) {
    const auto publisher = OpenPublisher(*pipeline, OptionsFor(other.url(user)));
    CHECK(publisher->PublishNow().message() == "Redis: AUTH: ERR");
    CHECK(publisher->stats().last_error == "Redis: AUTH: ERR");
  }
}

// Answers whatever is asked with the same bytes, then ends.
class Impostor {
 public:
  Impostor(const std::string& path, std::string bytes) : bytes_(std::move(bytes)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 8) != 0) {
      throw std::runtime_error("cannot listen");
    }
    thread_ = std::thread([this] { Run(); });
  }
  ~Impostor() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

 private:
  void Run() {
    for (;;) {
      const int link = accept(listener_, nullptr, nullptr);
      if (link < 0) return;
      char buffer[4096];
      if (recv(link, buffer, sizeof buffer, 0) > 0) {
        static_cast<void>(send(link, bytes_.data(), bytes_.size(), MSG_NOSIGNAL));
      }
      close(link);
    }
  }

  const std::string bytes_;
  int listener_;
  std::thread thread_;
};

TEST_CASE("What is no Redis is an error, and no more") {
  const auto pipeline = OpenPipeline();
  std::string many;
  for (int i = 0; i < 20; ++i) many += "+OK\r\n";
  for (const std::string& bytes :
       {std::string(), std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("-ERR no\r\n"),
        std::string("$5\r\nab"), std::string("$999999999999\r\nab"), std::string("*-7\r\n"),
        std::string("*1000000\r\n"), "-" + std::string(100'000, 'x') + "\r\n",
        std::string("\0\xff\xfe", 3), many}) {
    INFO(bytes);
    const TempDir dir;
    const Impostor impostor(dir.File("s"), bytes);
    RedisPublisherOptions options = OptionsFor("unix://" + dir.File("s"));
    options.timeout = absl::Seconds(5);
    const auto publisher = OpenPublisher(*pipeline, options);
    CHECK(absl::IsUnavailable(publisher->PublishNow()));
    CHECK(publisher->stats().rounds == 0);
    CHECK(publisher->stats().last_error.size() < 300);
  }
}

TEST_CASE("Options that are wrong are told") {
  const auto pipeline = OpenPipeline();
  const auto refusal = [&](auto change) {
    RedisPublisherOptions options;
    change(options);
    const auto publisher = RedisPublisher::Open(*pipeline, options);
    REQUIRE(absl::IsInvalidArgument(publisher.status()));
    return std::string(publisher.status().message());
  };
  using O = RedisPublisherOptions;
  CHECK_THAT(refusal([](O& o) { o.url = "http://x"; }), Catch::Contains("redis://"));
  CHECK_THAT(refusal([](O& o) { o.prefix = ""; }), Catch::Contains("prefix"));
  CHECK_THAT(refusal([](O& o) { o.prefix = "a\nb"; }), Catch::Contains("prefix"));
  CHECK_THAT(refusal([](O& o) { o.targets = {}; }), Catch::Contains("targets"));
  CHECK_THAT(refusal([](O& o) { o.targets = {"/nowhere"}; }), Catch::Contains("'/nowhere'"));
  CHECK_THAT(refusal([](O& o) { o.targets = {"/v1/analytics/changes"}; }),
             Catch::Contains("in parts"));
  CHECK_THAT(refusal([](O& o) { o.targets = {"/v1/analytics/kpis?days=0"}; }),
             Catch::Contains("days"));
  CHECK_THAT(refusal([](O& o) { o.interval = absl::Milliseconds(99); }),
             Catch::Contains("interval is 99ms; it must be from 100ms"));
  CHECK_THAT(refusal([](O& o) { o.expiry = absl::Seconds(1.9); }), Catch::Contains("expiry"));
  CHECK_THAT(refusal([](O& o) { o.timeout = absl::InfiniteDuration(); }),
             Catch::Contains("timeout"));
}

TEST_CASE("A closed pipeline's publisher fails, and can be destroyed") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  const auto publisher = OpenPublisher(*pipeline, OptionsFor(server.url()));
  pipeline->Close();
  CHECK(publisher->PublishNow().ok());
  CHECK(server.Ask({"HGET", kPrefix + "counters", "status"}) == "unhealthy");
}

#if NERAVA_CAN_FORK
TEST_CASE("A forked child does not publish, and leaves the parent's connection alone") {
  RedisServer server;
  const auto pipeline = OpenPipeline();
  auto publisher = OpenPublisher(*pipeline, OptionsFor(server.url()));
  REQUIRE(publisher->PublishNow().ok());
  CHECK(testing::InChild([&] {
          const bool refused = absl::IsFailedPrecondition(publisher->PublishNow());
          const bool empty = publisher->stats().rounds == 0;
          publisher = nullptr;
          return refused && empty ? 0 : 1;
        }) == 0);
  CHECK(publisher->PublishNow().ok());
}
#endif

}  // namespace
}  // namespace nerava::analytics
