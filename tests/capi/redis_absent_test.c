/* What a library that was built without Redis says. */
#include "check.h"

int main(void) {
  char* json = NULL;
  nva_redis_options options;
  nva_redis_publisher* publisher = NULL;
  CHECK_FAILS(NVA_UNIMPLEMENTED, nva_redis_options_init(&options, sizeof options));
  CHECK_CONTAINS(nva_last_error_message(), "-DNERAVA_REDIS=ON");
  CHECK_FAILS(NVA_UNIMPLEMENTED, nva_redis_publisher_open(NULL, NULL, &publisher));
  CHECK_FAILS(NVA_UNIMPLEMENTED, nva_redis_publisher_publish_now(NULL, 0));
  CHECK_FAILS(NVA_UNIMPLEMENTED, nva_redis_publisher_stats_json(NULL, &json));
  nva_redis_publisher_free(NULL);
  return RESULT;
}
