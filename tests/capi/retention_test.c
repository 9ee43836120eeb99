/* What is kept how long. That answers stay right is proved elsewhere. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static const int64_t kDay = 86400000000;

static void old_events_are_dropped_and_answers_say_so(void) {
  char url[] = "sqlite:////tmp/nerava-XXXXXX";
  char* const path = url + strlen("sqlite:///");
  const int file = mkstemp(path);
  const int64_t now = 1772280000000000; /* 2026-02-28T12:00:00Z */
  const int64_t today = now - kDay / 2;
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  nva_kpi* kpi = NULL;
  nva_retention_run run;
  nva_kpi_query query;
  nva_kpi_summary summary;
  nva_active_users users;
  nva_sizes length;
  nva_sizes energy;
  nva_report* report = NULL;
  nva_report_row row;
  char* json = NULL;
  int day;
  CHECK(file >= 0 && close(file) == 0 && unlink(path) == 0);

  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  CHECK(options.retention == 1 && options.retention_interval_ms == 3600000);
  CHECK(options.keep_events_days == 90 && options.keep_aggregates_days == 731 &&
        options.keep_snapshots_days == 1827);
  CHECK(options.kpi_cache_bytes == 16 << 20 && options.kpi_warm_days_count == 0);
  options.database_url = nva_str(url);
  options.retention = 0;
  options.keep_events_days = -1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_open(&options, &pipeline));
  CHECK_CONTAINS(nva_last_error_message(), "data_retention.events is -1 days");
  options.keep_events_days = 2;
  options.keep_aggregates_days = 4;
  options.keep_snapshots_days = NVA_FOREVER;
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  for (day = 1; day <= 10; ++day) {
    nva_charge_stopped stopped;
    CHECK_OK(nva_charge_stopped_init(&stopped, sizeof stopped));
    stopped.session_id = nva_str("a session");
    stopped.user_id = nva_str("somebody");
    stopped.hub_id = nva_str("hub");
    stopped.stopped_at_us = today - day * kDay + kDay / 3;
    stopped.session_id.size = (size_t)day % 9 + 1;
    CHECK_OK(nva_publish_charge_stopped(pipeline, &stopped, NULL));
  }
  CHECK_OK(nva_pipeline_flush(pipeline, 30000, NULL));

  CHECK_OK(nva_pipeline_apply_retention(pipeline, now, &run, sizeof run));
  CHECK(run.events == 8 && run.snapshot_days == 0 && run.aggregate_days == 6 && run.steps >= 1);
  CHECK(run.events_from_us == today - 2 * kDay && run.aggregates_from_us == today - 4 * kDay);
  CHECK(run.snapshots_from_us == NVA_TIME_NONE);
  CHECK_OK(nva_pipeline_apply_retention_json(pipeline, now, &json));
  CHECK_CONTAINS(json, "{\"events\":0,\"aggregate_days\":0,");
  CHECK_CONTAINS(json, "\"events_from\":\"2026-02-26T00:00:00.000000+00:00\"");
  CHECK_CONTAINS(json, "\"snapshots_from\":null}");
  nva_free(json);
  CHECK_OK(nva_pipeline_stats_json(pipeline, &json));
  CHECK_CONTAINS(json, "\"retention\":{\"runs\":2,\"events\":8,");
  nva_free(json);

  CHECK_OK(nva_pipeline_kpi(pipeline, &kpi));
  CHECK_OK(nva_kpi_query_init(&query, sizeof query));
  query.from_us = today - 10 * kDay;
  query.to_us = today;
  CHECK_OK(nva_kpi_summarize(kpi, &query, &summary, sizeof summary));
  CHECK(summary.grain == NVA_GRAIN_EXACT && summary.total_sessions == 9);
  query.from_us += kDay / 4;
  CHECK_OK(nva_kpi_summarize(kpi, &query, &summary, sizeof summary));
  CHECK(summary.grain == NVA_GRAIN_DAY && summary.from_us == query.from_us);
  CHECK_OK(nva_kpi_session_sizes(kpi, &query, 0, 0, &length, &energy, sizeof length));
  CHECK(length.grain == NVA_GRAIN_PARTIAL && energy.grain == NVA_GRAIN_PARTIAL);
  CHECK_OK(nva_kpi_breakdown(kpi, &query, NVA_DIMENSION_HUB, 0, &report));
  CHECK_OK(nva_report_row_at(report, 0, &row, sizeof row));
  CHECK(row.grain == NVA_GRAIN_PARTIAL);
  nva_report_free(report);
  CHECK_OK(nva_kpi_trend(kpi, &query, NVA_INTERVAL_DAY, nva_str(""), &report));
  CHECK_OK(nva_report_row_at(report, 0, &row, sizeof row));
  CHECK(row.grain == NVA_GRAIN_DAY);
  CHECK_OK(nva_report_row_at(report, nva_report_size(report) - 1, &row, sizeof row));
  CHECK(row.grain == NVA_GRAIN_EXACT);
  nva_report_free(report);
  query.from_us = NVA_TIME_NONE;
  query.hub_id = nva_str("hub");
  CHECK_OK(nva_kpi_active_users(kpi, &query, nva_str(""), &users, sizeof users));
  CHECK(users.grain == NVA_GRAIN_PARTIAL && users.monthly == 1);

  CHECK_FAILS(
      NVA_INVALID_ARGUMENT,
      nva_publish_json(pipeline,
                       nva_str("{\"event_type\": \"charge_started\", \"session_id\": \"s\", "
                               "\"started_at\": \"2026-02-20T00:00:00Z\"}"),
                       NULL));
  CHECK(nva_last_reject_reason() == NVA_REJECT_TOO_OLD);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_apply_retention(NULL, now, &run, sizeof run));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_apply_retention(pipeline, -1, &run, sizeof run));
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
  CHECK(unlink(path) == 0);
}

int main(void) {
  RUN(old_events_are_dropped_and_answers_say_so);
  return RESULT;
}
