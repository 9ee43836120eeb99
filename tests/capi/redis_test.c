/* The publisher for Redis where there is none. What it puts there is proved elsewhere. */
#include "check.h"

static nva_pipeline* open_pipeline(void) {
  nva_pipeline* pipeline = NULL;
  nva_pipeline_options options;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.database_url = nva_str("memory:");
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  return pipeline;
}

static void options_have_defaults_and_are_checked(void) {
  nva_redis_options options;
  nva_redis_publisher* publisher = (nva_redis_publisher*)&options;
  nva_string target = nva_str("/v1/analytics/kpis?days=0");
  nva_pipeline* const pipeline = open_pipeline();
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_options_init(&options, sizeof options - 1));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_options_init(NULL, sizeof options));
  CHECK_OK(nva_redis_options_init(&options, sizeof options));
  CHECK(strcmp(options.url.data, "redis://127.0.0.1:6379") == 0);
  CHECK(strcmp(options.prefix.data, "nerava:analytics:") == 0);
  CHECK(options.targets == NULL && options.target_count == 0);
  CHECK(options.interval_ms == 1000 && options.expiry_ms == 60000 && options.timeout_ms == 500);

  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(NULL, &options, &publisher));
  CHECK(publisher == NULL);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(pipeline, &options, NULL));
  options.interval_ms = 99;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(pipeline, &options, &publisher));
  CHECK_CONTAINS(nva_last_error_message(), "interval is 99ms");
  options.interval_ms = 1000;
  options.target_count = 1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(pipeline, &options, &publisher));
  CHECK_CONTAINS(nva_last_error_message(), "options->targets must not be NULL");
  options.targets = &target;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(pipeline, &options, &publisher));
  CHECK_CONTAINS(nva_last_error_message(), "days=0' is answered with 422");
  options.target_count = 1001;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(pipeline, &options, &publisher));
  CHECK_CONTAINS(nva_last_error_message(), "at most 1000");
  options.target_count = 0;
  options.url = nva_str("redis://:secret@");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_open(pipeline, &options, &publisher));
  CHECK(strstr(nva_last_error_message(), "secret") == NULL);
  nva_pipeline_free(pipeline);
}

static void without_a_redis_it_says_so_and_outlives_the_pipeline(void) {
  nva_redis_options options;
  nva_redis_publisher* publisher = NULL;
  char* json = NULL;
  nva_pipeline* const pipeline = open_pipeline();
  CHECK_OK(nva_redis_options_init(&options, sizeof options));
  options.url = nva_str("unix:///nowhere/redis.sock");
  CHECK_OK(nva_redis_publisher_open(pipeline, &options, &publisher));
  CHECK_FAILS(NVA_UNAVAILABLE, nva_redis_publisher_publish_now(publisher, -1));
  nva_pipeline_free(pipeline);
  CHECK_FAILS(NVA_UNAVAILABLE, nva_redis_publisher_publish_now(publisher, 60000));
  CHECK_OK(nva_redis_publisher_stats_json(publisher, &json));
  CHECK_CONTAINS(json, "{\"connected\":false,\"rounds\":0,\"commands\":0,\"failures\":");
  CHECK_CONTAINS(json, "\"last_error\":\"Redis: ");
  nva_free(json);
  nva_redis_publisher_free(publisher);
  nva_redis_publisher_free(NULL);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_publish_now(NULL, 0));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_redis_publisher_stats_json(NULL, &json));
  CHECK(json == NULL);
}

int main(void) {
  RUN(options_have_defaults_and_are_checked);
  RUN(without_a_redis_it_says_so_and_outlives_the_pipeline);
  return RESULT;
}
