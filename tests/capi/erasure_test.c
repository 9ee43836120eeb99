/* Erasing a person. That answers are then right, and that nothing is left, is proved elsewhere. */
#include "check.h"

static void publish(nva_pipeline* pipeline, const char* user, const char* session) {
  nva_charge_stopped stopped;
  CHECK_OK(nva_charge_stopped_init(&stopped, sizeof stopped));
  stopped.session_id = nva_str(session);
  stopped.user_id = nva_str(user);
  CHECK_OK(nva_publish_charge_stopped(pipeline, &stopped, NULL));
}

static void a_person_is_erased_with_a_receipt(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  nva_erasure_receipt receipt;
  char* json = NULL;
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  CHECK(options.user_id_key.size == 0);
  options.database_url = nva_str("memory:");
  options.user_id_key = nva_str("short");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, &pipeline));
  CHECK_CONTAINS(nva_last_error_message(), "user_id_key has 5 bytes");
  options.user_id_key = nva_str("a secret of 16 bytes or more");
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  publish(pipeline, "ada", "s1");
  publish(pipeline, "ada", "s2");
  publish(pipeline, "bob", "s3");

  CHECK_OK(nva_pipeline_erase_user(pipeline, nva_str("ada"), NVA_TOTALS_KEEP, 30000, &receipt,
                                   sizeof receipt));
  CHECK(receipt.totals == NVA_TOTALS_KEEP && receipt.erased_at_us > 0);
  CHECK(receipt.events_anonymized == 2 && receipt.sessions_anonymized == 2);
  CHECK(receipt.events_removed == 0 && receipt.sessions_removed == 0);
  CHECK(receipt.dead_letters == 0 && receipt.unreadable_letters == 0 &&
        receipt.quarantined_segments == 0);
  CHECK_OK(nva_pipeline_erase_user_json(pipeline, nva_str("bob"), NVA_TOTALS_REMOVE, 30000, &json));
  CHECK_CONTAINS(json,
                 "\"totals\":\"remove\",\"events_removed\":1,\"events_anonymized\":0,"
                 "\"sessions_removed\":1,");
  nva_free(json);
  publish(pipeline, "eve", "s4");
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_pipeline_erase_user(pipeline, nva_str("eve"), 1, 30000, &receipt, 4));
  CHECK_OK(nva_pipeline_flush(pipeline, 30000, NULL));
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"total_events\":3,");
  nva_free(json);

  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_pipeline_erase_user(pipeline, nva_str(""), 0, 0, &receipt, sizeof receipt));
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_pipeline_erase_user(pipeline, nva_str("ada"), 2, 0, &receipt, sizeof receipt));
  CHECK_CONTAINS(nva_last_error_message(), "totals is 2; it must be NVA_TOTALS_KEEP");
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_pipeline_erase_user(NULL, nva_str("ada"), 0, 0, &receipt, sizeof receipt));
  CHECK_FAILS(NVA_INVALID_ARGUMENT,
              nva_pipeline_erase_user(pipeline, nva_str("ada"), 0, 0, NULL, sizeof receipt));
  CHECK_OK(nva_pipeline_close(pipeline, 30000, NULL));
  CHECK_FAILS(NVA_FAILED_PRECONDITION,
              nva_pipeline_erase_user(pipeline, nva_str("ada"), 0, 0, &receipt, sizeof receipt));
  nva_pipeline_free(pipeline);
}

int main(void) {
  RUN(a_person_is_erased_with_a_receipt);
  return RESULT;
}
