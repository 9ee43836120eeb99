// Any request gets an answer: a known status, headers on one line, JSON in the body; and a body of events as
// many results as are counted.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "nerava/analytics/analytics.h"
#include "tests/fuzz/require.h"

namespace nerava::analytics::fuzz {
namespace {

using Json = nlohmann::json;

Pipeline& Served() {
  static Pipeline* const pipeline = [] {
    Options options;
    options.database_url = "memory:";
    options.writer.flush_interval = absl::Hours(1);
    options.writer.queue_capacity = 1'000;
    options.writer.batch_size = options.writer.max_batch_size = 1'000;
    options.writer.overflow = Overflow::kReject;
    options.data_retention.enabled = false;
    return Pipeline::Open(options)->release();
  }();
  return *pipeline;
}

void CheckResults(const HttpResponse& response) {
  const Json body = Json::parse(response.body);
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  for (const Json& result : body["results"]) {
    accepted += result["status"] == "accepted" ? 1 : 0;
    rejected += result["status"] == "rejected" ? 1 : 0;
  }
  Require(body["accepted"] == accepted && body["rejected"] == rejected, response.body);
  Require(response.status != 202 || accepted == body["results"].size(), response.body);
}

void Check(FuzzedDataProvider& input) {
  constexpr const char* kMethods[] = {"GET", "HEAD", "POST"};
  constexpr const char* kPaths[] = {"/v1/analytics/events",
                                    "/v1/analytics/kpis",
                                    "/v1/analytics/trends",
                                    "/v1/analytics/load",
                                    "/v1/analytics/changes",
                                    "/metrics",
                                    ""};
  HttpRequest request{input.PickValueInArray(kMethods), input.PickValueInArray(kPaths)};
  if (input.ConsumeIntegralInRange(0, 15) == 0) request.method = input.ConsumeRandomLengthString(8);
  request.target += input.ConsumeRandomLengthString(200);
  if (input.ConsumeBool()) {
    request.headers.push_back({"Content-Type", input.ConsumeRandomLengthString(30)});
    request.headers.push_back({"Accept", input.ConsumeBool() ? "application/x-ndjson" : ""});
    request.headers.push_back({"If-None-Match", input.ConsumeRandomLengthString(60)});
  }
  request.body = input.ConsumeRemainingBytesAsString();

  const HttpApi api(Served());
  const HttpResponse response = api.Handle(request);
  static const std::set<int> kStatuses{200, 202, 207, 304, 404, 405, 413, 422, 503};
  Require(kStatuses.contains(response.status), "the status is " + std::to_string(response.status));
  for (const HttpHeader& header : response.headers) {
    Require(header.value.find_first_of("\r\n") == std::string::npos, header.value);
  }
  if (!response.next_target.empty()) {
    const HttpResponse next = api.Handle({request.method, response.next_target, request.headers});
    Require(next.status == 200, response.next_target);
  }
  const bool is_empty = request.method == "HEAD" || response.status == 304;
  const bool is_lines = !is_empty && (response.headers.front().value == "application/x-ndjson" ||
                                      response.headers.front().value == "text/event-stream");
  Require(is_lines || is_empty == response.body.empty(), "the body is " + response.body);
  const bool is_json = is_empty || response.headers.front().value == "application/json";
  Require(is_json || is_lines || request.target.starts_with("/metrics"),
          "the target is " + request.target);
  Require(is_empty || !is_json || Json::accept(response.body), "the body is " + response.body);
  if (request.method == "POST" && response.body.find("\"results\":") != std::string::npos) {
    CheckResults(response);
  }
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  nerava::analytics::fuzz::Check(input);
  return 0;
}
