// The analytics over HTTP, without a server: a request in, a response out, in whatever host there is.
// docs/http.md lists the endpoints.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "nerava/analytics/pipeline.h"

namespace nerava::analytics {

struct HttpHeader {
  std::string name;  // in requests in any case
  std::string value;
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // the path and the query, percent-encoded as they came
  std::vector<HttpHeader> headers = {};
  std::string body = {};
};

struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers = {};  // with Content-Type if there is a body; no Content-Length
  std::string body = {};
  // Empty, or the target of a request whose response's body belongs right behind this one: of a long
  // answer each part comes by itself. A host that sends a body as it is made goes on with it, once next_after
  // has passed, while responses are 200, with the same method and headers; one that does not leaves it
  // to the client. See docs/http.md.
  std::string next_target = {};
  absl::Duration next_after = absl::ZeroDuration();
};

struct HttpApiOptions {
  // Of a request's body; a larger one is refused with 413. Default 8 MiB; at least 1.
  std::size_t max_body_bytes = std::size_t{8} << 20;
  // How long a request with `flush=true` waits for its events to be stored. Default 10 s.
  absl::Duration flush_timeout = absl::Seconds(10);
  // Told why the store did not answer, which the response, with a status from 500 on, does not say. Called
  // on the thread of Handle; may be empty. What it throws is swallowed.
  std::function<void(const absl::Status& error)> on_error = {};
};

// Answers requests from a pipeline, which it does not own and which must outlive it. Thread-safe. It
// knows no keys: who may ask is the host's to decide.
class HttpApi {
 public:
  explicit HttpApi(Pipeline& pipeline, HttpApiOptions options = {});

  // Never fails: what cannot be answered is a response with a status from 400 on, and in its body
  // "detail", which never has the text of a database's error.
  HttpResponse Handle(const HttpRequest& request) const;

 private:
  Pipeline& pipeline_;
  const HttpApiOptions options_;
};

// The OpenAPI 3.1 description of all endpoints, as JSON.
std::string OpenApiJson();

}  // namespace nerava::analytics
