#include <inttypes.h>
#include <nerava_analytics.h>
#include <stdio.h>

int main(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  uint64_t unsent = 0;
  nva_pipeline_options_init(&options, sizeof options);
  options.database_url = nva_str("memory:");
  if (nva_pipeline_open(&options, &pipeline) != NVA_OK) return 1;
  if (nva_publish_json(pipeline,
                       nva_str("{\"event_type\":\"charge_started\",\"session_id\":\"s1\"}"),
                       NULL) != NVA_OK ||
      nva_pipeline_flush(pipeline, 10000, &unsent) != NVA_OK || unsent != 0) {
    return 1;
  }
  puts("1 event");
  nva_pipeline_free(pipeline);
  return 0;
}
