// What redis.cc has, in a library that was built without the Redis component.
#include "capi/boundary.h"

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace

namespace {

nva_status Absent() noexcept {
  return Guarded([] {
    return absl::UnimplementedError(
        "this library was built without Redis; configure it with -DNERAVA_REDIS=ON");
  });
}

}  // namespace

nva_status nva_redis_options_init(nva_redis_options* /*options*/, uint32_t /*struct_size*/) {
  return Absent();
}

nva_status nva_redis_publisher_open(nva_pipeline* /*pipeline*/,
                                    const nva_redis_options* /*options*/,
                                    nva_redis_publisher** /*out*/) {
  return Absent();
}

nva_status nva_redis_publisher_publish_now(nva_redis_publisher* /*publisher*/,
                                           int64_t /*timeout_ms*/) {
  return Absent();
}

nva_status nva_redis_publisher_stats_json(nva_redis_publisher* /*publisher*/, char** /*json*/) {
  return Absent();
}

void nva_redis_publisher_free(nva_redis_publisher* /*publisher*/) {}
