/* Trends, breakdowns and comparisons as rows and as JSON. The numbers themselves are proved elsewhere. */
#include "story.h"

static void a_trend_has_a_row_for_every_bucket(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_report* report = NULL;
  nva_kpi_summary whole;
  int64_t sessions = 0;
  int64_t end = 0;
  uint64_t i;
  char* json = NULL;
  CHECK_OK(nva_kpi_summarize(kpi, &query, &whole, sizeof whole));
  CHECK_OK(nva_kpi_trend(kpi, &query, NVA_INTERVAL_DAY, nva_str("Europe/Berlin"), &report));
  CHECK(nva_report_size(report) > 0);
  for (i = 0; i < nva_report_size(report); ++i) {
    nva_report_row row;
    nva_kpi_summary summary;
    CHECK_OK(nva_report_row_at(report, i, &row, sizeof row));
    CHECK_OK(nva_report_summary_at(report, i, &summary, sizeof summary));
    CHECK(row.name.size == 0 && row.others == 0);
    CHECK(row.complete == (row.from_us == summary.from_us && row.to_us == summary.to_us));
    CHECK(i == 0 || row.from_us == end);
    end = row.to_us;
    sessions += summary.sessions_started;
  }
  CHECK(sessions == whole.sessions_started);
  nva_report_free(report);

  CHECK_OK(nva_kpi_trend_json(kpi, &query, NVA_INTERVAL_MONTH, nva_str(""), &json));
  CHECK_CONTAINS(json, "\"interval\":\"month\",\"tz\":\"UTC\"");
  CHECK_CONTAINS(json, "\"buckets\":[{\"bucket\":");
  nva_free(json);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

static void a_breakdown_has_a_row_for_every_name_and_one_for_the_rest(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_report* report = NULL;
  nva_report_row row;
  nva_kpi_summary whole, first, rest;
  char* json = NULL;
  uint64_t all = 0;
  CHECK_OK(nva_kpi_summarize(kpi, &query, &whole, sizeof whole));
  CHECK_OK(nva_kpi_breakdown(kpi, &query, NVA_DIMENSION_WINDOW, 0, &report));
  all = nva_report_size(report);
  CHECK(all > 1);
  nva_report_free(report);

  CHECK_OK(nva_kpi_breakdown(kpi, &query, NVA_DIMENSION_WINDOW, 1, &report));
  CHECK(nva_report_size(report) == 2);
  CHECK_OK(nva_report_row_at(report, 1, &row, sizeof row));
  CHECK(row.others == all - 1);
  CHECK_OK(nva_report_summary_at(report, 0, &first, sizeof first));
  CHECK_OK(nva_report_summary_at(report, 1, &rest, sizeof rest));
  CHECK(first.sessions_started + rest.sessions_started == whole.sessions_started);
  CHECK(first.total_sessions >= rest.total_sessions || all > 2);
  nva_report_free(report);

  CHECK_OK(nva_kpi_breakdown_json(kpi, &query, NVA_DIMENSION_HUB, 10, &json));
  CHECK_CONTAINS(json, "\"hub\":\"hub_1\"");
  CHECK_CONTAINS(json, "\"others\":0,\"other\":null");
  nva_free(json);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

static void a_comparison_has_the_period_before(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_kpi_summary current, previous, whole;
  char* json = NULL;
  CHECK_OK(nva_kpi_summarize(kpi, &query, &whole, sizeof whole));
  CHECK_OK(nva_kpi_compare(kpi, &query, &current, &previous, sizeof current));
  CHECK(current.sessions_started == whole.sessions_started);
  CHECK(previous.to_us == current.from_us);
  CHECK(previous.to_us - previous.from_us == current.to_us - current.from_us);
  CHECK_OK(nva_kpi_compare_json(kpi, &query, &json));
  CHECK_CONTAINS(json, "\"change\":{\"sessions_started\":null");
  nva_free(json);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

static void what_is_no_report_is_refused(void) {
  nva_kpi* kpi = NULL;
  nva_pipeline* pipeline = open_with_story(&kpi);
  const nva_kpi_query query = story_query();
  nva_report* report = NULL;
  nva_report_row row;
  nva_kpi_summary summary;
  char* json = NULL;
  CHECK(nva_kpi_trend(kpi, &query, 4, nva_str(""), &report) == NVA_INVALID_ARGUMENT);
  CHECK(report == NULL);
  CHECK(nva_kpi_trend(kpi, &query, -1, nva_str(""), &report) == NVA_INVALID_ARGUMENT);
  CHECK(nva_kpi_trend(kpi, &query, 0, nva_str("Mars/Olympus"), &report) == NVA_INVALID_ARGUMENT);
  CHECK_CONTAINS(nva_last_error_message(), "Mars/Olympus");
  CHECK(nva_kpi_trend(NULL, &query, 0, nva_str(""), &report) == NVA_INVALID_ARGUMENT);
  CHECK(nva_kpi_trend(kpi, NULL, 0, nva_str(""), &report) == NVA_INVALID_ARGUMENT);
  CHECK(nva_kpi_trend(kpi, &query, 0, nva_str(""), NULL) == NVA_INVALID_ARGUMENT);
  CHECK(nva_kpi_breakdown_json(kpi, &query, 3, 0, &json) == NVA_INVALID_ARGUMENT);
  CHECK(json == NULL);
  CHECK_OK(nva_kpi_trend(kpi, &query, NVA_INTERVAL_WEEK, nva_str(""), &report));
  CHECK(nva_report_row_at(report, nva_report_size(report), &row, sizeof row) ==
        NVA_INVALID_ARGUMENT);
  CHECK(nva_report_summary_at(NULL, 0, &summary, sizeof summary) == NVA_INVALID_ARGUMENT);
  CHECK(nva_report_size(NULL) == 0);
  nva_report_free(report);
  nva_report_free(NULL);
  nva_kpi_free(kpi);
  nva_pipeline_free(pipeline);
}

int main(void) {
  RUN(a_trend_has_a_row_for_every_bucket);
  RUN(a_breakdown_has_a_row_for_every_name_and_one_for_the_rest);
  RUN(a_comparison_has_the_period_before);
  RUN(what_is_no_report_is_refused);
  return RESULT;
}
