// nerava-analytics-server: the analytics over HTTP, for those who have no process to embed them in.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "examples/server/command_line.h"
#include "examples/server/dashboard.h"
#include "examples/server/server.h"
#include "nerava/analytics/analytics.h"
#ifdef NERAVA_REDIS
#include "nerava/analytics/redis/publisher.h"
#endif

namespace nerava::examples {
namespace {

int Fail(const std::string& what) {
  fmt::print(stderr, "nerava-analytics-server: {}\n", what);
  return 1;
}

int Serve(const Settings& settings) {
  auto pipeline = analytics::Pipeline::Open(settings.pipeline);
  if (!pipeline.ok()) return Fail(std::string(pipeline.status().message()));
  const analytics::HttpApi api(**pipeline, {.max_body_bytes = settings.server.max_body_bytes});
  const Dashboard dashboard;
  Server server(settings.server, settings.gate, [&](const analytics::HttpRequest& request) {
    auto file = dashboard.Answer(request);
    return file ? *std::move(file) : api.Handle(request);
  });
  const auto port = server.Listen();
  if (!port.ok()) {
    return Fail(fmt::format("{}; --listen takes another address or port, 0 for any free one",
                            std::string(port.status().message())));
  }
#ifdef NERAVA_REDIS
  std::unique_ptr<analytics::RedisPublisher> redis;
  if (!settings.redis.empty()) {
    auto opened = analytics::RedisPublisher::Open(**pipeline, {.url = settings.redis});
    if (!opened.ok()) return Fail("--redis: " + std::string(opened.status().message()));
    redis = *std::move(opened);
  }
#else
  if (!settings.redis.empty()) {
    return Fail("--redis: this program was built without it; configure with -DNERAVA_REDIS=ON");
  }
#endif
  const bool is_v6 = settings.server.address.find(':') != std::string::npos;
  fmt::print("listening at http://{0}{2}{1}:{3}\n", is_v6 ? "[" : "", is_v6 ? "]" : "",
             settings.server.address, *port);
  std::fflush(stdout);
  server.Run();
#ifdef NERAVA_REDIS
  redis = nullptr;
#endif
  fmt::print("storing what was accepted\n");
  std::fflush(stdout);
  if (const std::size_t left = (*pipeline)->Close(); left > 0) {
    return Fail(
        fmt::format("{} events could not be stored: {}. Those in the journal are stored by "
                    "the next start",
                    left, (*pipeline)->health().reason));
  }
  return 0;
}

}  // namespace
}  // namespace nerava::examples

int main(int argc, char** argv) {
  nerava::examples::Settings settings;
  if (const auto code = nerava::examples::ParseCommandLine(argc, argv, &settings)) return *code;
  return nerava::examples::Serve(settings);
}
