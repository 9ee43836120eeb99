#include <cstdio>

#include "nerava/analytics/redis/publisher.h"

namespace na = nerava::analytics;

int main() {
  na::Options options;
  options.database_url = "memory:";
  auto pipeline = na::Pipeline::Open(options);
  if (!pipeline.ok()) return 1;
  auto publisher = na::RedisPublisher::Open(**pipeline, {.url = "unix:///nowhere/redis.sock"});
  if (!publisher.ok()) return 1;
  std::puts((*publisher)->PublishNow().ok() ? "taken" : "no Redis there");
}
