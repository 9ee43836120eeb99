#include <memory>
#include <string>

#include "capi/handles.h"
#include "capi/options.h"
#include "nerava/analytics/redis/publisher.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace
using nerava::analytics::Pipeline;
using nerava::analytics::RedisPublisher;
using nerava::analytics::RedisPublisherOptions;

struct nva_redis_publisher {
  std::shared_ptr<Pipeline> pipeline;  // outlives the publisher, which asks it
  std::unique_ptr<RedisPublisher> impl;
};

namespace {

RedisPublisherOptions FromStruct(const nva_redis_options* options) {
  if (options == nullptr) return {};
  const nva_redis_options given = Read(options, "options");
  RedisPublisherOptions all;
  all.url = Text(given.url, "options->url");
  all.prefix = Text(given.prefix, "options->prefix");
  if (given.target_count > 0) {
    const nva_string* const targets = &Require(given.targets, "options->targets");
    if (given.target_count > 1000) Fail("options->target_count must be at most 1000");
    all.targets.clear();
    for (std::uint64_t i = 0; i < given.target_count; ++i) {
      all.targets.push_back(Text(targets[i], "a target"));
    }
  }
  all.interval = absl::Milliseconds(given.interval_ms);
  all.expiry = absl::Milliseconds(given.expiry_ms);
  all.timeout = absl::Milliseconds(given.timeout_ms);
  return all;
}

}  // namespace

nva_status nva_redis_options_init(nva_redis_options* options, uint32_t struct_size) {
  return Guarded([&] {
    const RedisPublisherOptions defaults;
    nva_redis_options all{};
    all.url = Intern(defaults.url);
    all.prefix = Intern(defaults.prefix);
    all.interval_ms = absl::ToInt64Milliseconds(defaults.interval);
    all.expiry_ms = absl::ToInt64Milliseconds(defaults.expiry);
    all.timeout_ms = absl::ToInt64Milliseconds(defaults.timeout);
    Write(all, options, struct_size, "options");
  });
}

nva_status nva_redis_publisher_open(nva_pipeline* pipeline, const nva_redis_options* options,
                                    nva_redis_publisher** out) {
  return Guarded([&] {
    nva_redis_publisher*& handle = Out(out);
    const std::shared_ptr<Pipeline>& owner = Require(pipeline, "pipeline").impl;
    handle =
        new nva_redis_publisher{owner, Value(RedisPublisher::Open(*owner, FromStruct(options)))};
  });
}

nva_status nva_redis_publisher_publish_now(nva_redis_publisher* publisher, int64_t timeout_ms) {
  return Guarded(
      [&] { return Require(publisher, "publisher").impl->PublishNow(Timeout(timeout_ms)); });
}

nva_status nva_redis_publisher_stats_json(nva_redis_publisher* publisher, char** json) {
  return Guarded([&] {
    char*& out = Out(json);
    out = Duplicate(ToJson(Require(publisher, "publisher").impl->stats()));
  });
}

void nva_redis_publisher_free(nva_redis_publisher* publisher) { delete publisher; }
