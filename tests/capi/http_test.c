/* Requests and responses. What the endpoints answer is proved elsewhere. */
#include <stdio.h>
#include <string.h>

#include "check.h"

static nva_http_response* ask(nva_pipeline* pipeline, const char* method, const char* target,
                              const nva_http_header* headers, uint64_t count, const char* body) {
  nva_http_request request;
  nva_http_response* response = NULL;
  CHECK_OK(nva_http_request_init(&request, sizeof request));
  CHECK(request.max_body_bytes == 8388608);
  request.method = nva_str(method);
  request.target = nva_str(target);
  request.headers = headers;
  request.header_count = count;
  request.body = nva_str(body);
  CHECK_OK(nva_pipeline_handle_http(pipeline, &request, &response));
  return response;
}

static void a_request_is_answered(nva_pipeline* pipeline) {
  nva_http_header sent = {{0}, {0}};
  nva_http_header header;
  nva_http_response* response = ask(pipeline, "POST", "/v1/analytics/events?flush=true", NULL, 0,
                                    "{\"event_type\":\"charge_stopped\",\"session_id\":\"s\"}");
  CHECK(nva_http_response_status(response) == 202);
  CHECK_CONTAINS(nva_http_response_body(response).data, "\"accepted\":1");
  nva_http_response_free(response);

  response = ask(pipeline, "GET", "/v1/analytics/kpis", NULL, 0, "");
  CHECK(nva_http_response_status(response) == 200);
  CHECK(nva_http_response_body(response).data[nva_http_response_body(response).size] == '\0');
  CHECK(nva_http_response_header_count(response) == 3);
  CHECK_OK(nva_http_response_header_at(response, 0, &header));
  CHECK(header.name.size == 12 && memcmp(header.name.data, "Content-Type", 12) == 0);
  CHECK_OK(nva_http_response_header_at(response, 1, &header));
  CHECK(header.name.size == 4 && memcmp(header.name.data, "ETag", 4) == 0);
  sent.name = nva_str("if-none-match");
  sent.value = header.value;
  {
    nva_http_response* const again = ask(pipeline, "GET", "/v1/analytics/kpis", &sent, 1, "");
    CHECK(nva_http_response_status(again) == 304);
    CHECK(nva_http_response_body(again).size == 0);
    nva_http_response_free(again);
  }
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_http_response_header_at(response, 3, &header));
  CHECK(header.name.size == 0);
  nva_http_response_free(response);
}

static void the_rest_of_the_lines_has_a_target(nva_pipeline* pipeline) {
  static const char event[] =
      "{\"event_type\":\"hub_opened\",\"hub_id\":\"h 1\",\"event_id\":\"%04d\"}\n";
  enum { kEvents = 1500 };
  static char body[kEvents * sizeof event];
  char target[200] = "/v1/analytics/events?hub=h+1&format=ndjson";
  nva_http_response* response;
  size_t size = 0;
  int seen = 0;
  int i;
  for (i = 0; i < kEvents; ++i) size += (size_t)sprintf(body + size, event, i);
  response = ask(pipeline, "POST", "/v1/analytics/events?flush=true", NULL, 0, body);
  CHECK(nva_http_response_status(response) == 202);
  CHECK(nva_http_response_next_target(response).size == 0);
  nva_http_response_free(response);
  for (i = 0; target[0] != '\0'; ++i) {
    nva_string next;
    nva_string lines;
    uint64_t at;
    response = ask(pipeline, "GET", target, NULL, 0, "");
    CHECK(nva_http_response_status(response) == 200);
    lines = nva_http_response_body(response);
    for (at = 0; at < lines.size; ++at) seen += lines.data[at] == '\n';
    next = nva_http_response_next_target(response);
    CHECK(next.size < sizeof target);
    (void)snprintf(target, sizeof target, "%.*s", (int)next.size, next.data);
    nva_http_response_free(response);
  }
  CHECK(i == 2 && seen == kEvents);
}

static void a_stream_is_asked_for_now_and_then(nva_pipeline* pipeline) {
  nva_http_response* response = ask(pipeline, "GET", "/v1/analytics/changes", NULL, 0, "");
  CHECK(nva_http_response_status(response) == 200);
  CHECK(nva_http_response_next_target(response).size > 0);
  CHECK(nva_http_response_next_after_ms(response) == 500);
  nva_http_response_free(response);
}

static void what_is_no_request_is_refused(nva_pipeline* pipeline) {
  nva_http_request request;
  nva_http_response* response = NULL;
  CHECK_OK(nva_http_request_init(&request, sizeof request));
  request.method = nva_str("GET");
  request.target = nva_str("/livez");
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_handle_http(NULL, &request, &response));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_handle_http(pipeline, NULL, &response));
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_handle_http(pipeline, &request, NULL));
  request.header_count = 1;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_handle_http(pipeline, &request, &response));
  request.header_count = 0;
  request.max_body_bytes = 0;
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_pipeline_handle_http(pipeline, &request, &response));
  CHECK(response == NULL);
  request.max_body_bytes = 3;
  request.body = nva_str("four");
  CHECK_OK(nva_pipeline_handle_http(pipeline, &request, &response));
  CHECK(nva_http_response_status(response) == 413);
  nva_http_response_free(response);
  CHECK(nva_http_response_status(NULL) == 0 && nva_http_response_header_count(NULL) == 0);
  CHECK(nva_http_response_body(NULL).size == 0 && nva_http_response_next_target(NULL).size == 0);
  CHECK(nva_http_response_next_after_ms(NULL) == 0);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_http_response_header_at(NULL, 0, NULL));
  nva_http_response_free(NULL);
}

static void test_the_description_needs_no_pipeline(void) {
  char* json = NULL;
  CHECK_OK(nva_openapi_json(&json));
  CHECK(strstr(json, "\"/v1/analytics/kpis\"") != NULL);
  nva_free(json);
  CHECK_FAILS(NVA_INVALID_ARGUMENT, nva_openapi_json(NULL));
}

int main(void) {
  nva_pipeline_options options;
  nva_pipeline* pipeline = NULL;
  test_the_description_needs_no_pipeline();
  CHECK_OK(nva_pipeline_options_init(&options, sizeof options));
  options.database_url = nva_str("memory:");
  CHECK_OK(nva_pipeline_open(&options, &pipeline));
  a_request_is_answered(pipeline);
  the_rest_of_the_lines_has_a_target(pipeline);
  a_stream_is_asked_for_now_and_then(pipeline);
  what_is_no_request_is_refused(pipeline);
  nva_pipeline_free(pipeline);
  return 0;
}
