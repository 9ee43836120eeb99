// nerava-analytics-server: the analytics over HTTP, for those who have no process to embed them in.
#include <fmt/core.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "examples/server/command_line.h"
#include "examples/server/dashboard.h"
#include "examples/server/log.h"
#include "examples/server/server.h"
#include "nerava/analytics/analytics.h"
#ifdef NERAVA_REDIS
#include "nerava/analytics/redis/publisher.h"
#endif

namespace nerava::examples {
namespace {

int Fail(const std::string& what) {
  Log("nerava-analytics-server: " + what);
  return 1;
}

void Say(const std::string& line) {
  (void)std::puts(line.c_str());
  (void)std::fflush(stdout);
}

int Serve(Settings settings) {
  ErrorLog errors;
  const auto tell = [&](const absl::Status& error) { errors.Add(error); };
  settings.pipeline.writer.on_error = tell;
  auto pipeline = analytics::Pipeline::Open(settings.pipeline);
  if (!pipeline.ok()) return Fail(std::string(pipeline.status().message()));
  const analytics::HttpApi api(
      **pipeline, {.max_body_bytes = settings.server.max_body_bytes, .on_error = tell});
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
    auto opened =
        analytics::RedisPublisher::Open(**pipeline, {.url = settings.redis, .on_error = tell});
    if (!opened.ok()) return Fail("--redis: " + std::string(opened.status().message()));
    redis = *std::move(opened);
  }
#else
  if (!settings.redis.empty()) {
    return Fail("--redis: this program was built without it; configure with -DNERAVA_REDIS=ON");
  }
#endif
  const bool is_v6 = settings.server.address.find(':') != std::string::npos;
  Say(fmt::format("listening at http://{0}{2}{1}:{3}", is_v6 ? "[" : "", is_v6 ? "]" : "",
                  settings.server.address, *port));
  server.Run();
#ifdef NERAVA_REDIS
  redis = nullptr;
#endif
  Say("storing what was accepted");
  if (const std::size_t left = (*pipeline)->Close(); left > 0) {
    const auto stats = (*pipeline)->stats();
    return Fail(fmt::format(
        "{} events could not be stored: {}. Those in the journal are stored by the next start",
        left, stats.ok() ? stats->writer.last_error : std::string(stats.status().message())));
  }
  return 0;
}

}  // namespace
}  // namespace nerava::examples

int main(int argc, char** argv) {
  nerava::examples::Settings settings;
  if (const auto code = nerava::examples::ParseCommandLine(argc, argv, &settings)) return *code;
  std::signal(SIGPIPE, SIG_IGN);  // who reads the log may go
  try {
    return nerava::examples::Serve(std::move(settings));
  } catch (const std::exception& error) {  // no thread or no memory to begin with
    return nerava::examples::Fail(error.what());
  }
}
