#include "nerava/analytics/http.h"

#include <memory>
#include <utility>

#include "capi/boundary.h"
#include "capi/handles.h"
#include "capi/nerava_analytics.h"

using namespace nerava::analytics;        // NOLINT(google-build-using-namespace)
using namespace nerava::analytics::capi;  // NOLINT(google-build-using-namespace)

struct nva_http_response {
  HttpResponse impl;
};

nva_status nva_http_request_init(nva_http_request* request, uint32_t struct_size) {
  return Guarded([&] {
    nva_http_request all{};
    all.method = all.target = all.body = Borrow("");
    all.max_body_bytes = HttpApiOptions().max_body_bytes;
    Write(all, request, struct_size, "request");
  });
}

nva_status nva_pipeline_handle_http(nva_pipeline* pipeline, const nva_http_request* request,
                                    nva_http_response** response) {
  return Guarded([&] {
    nva_http_response*& out = Out(response);
    const nva_http_request given = Read(request, "request");
    if (given.headers == nullptr && given.header_count > 0)
      Fail("request->headers must not be NULL");
    if (given.max_body_bytes == 0) Fail("request->max_body_bytes is 0; it must be at least 1");
    HttpRequest asked{Text(given.method, "method"), Text(given.target, "target")};
    for (std::uint64_t i = 0; i < given.header_count; ++i) {
      asked.headers.push_back({Text(given.headers[i].name, "a header's name"),
                               Text(given.headers[i].value, "a header's value")});
    }
    asked.body = Text(given.body, "body");
    const nva_pipeline& served = Require(pipeline, "pipeline");
    const HttpApi api(*served.impl,
                      {.max_body_bytes = given.max_body_bytes, .on_error = served.on_error});
    out = std::make_unique<nva_http_response>(nva_http_response{api.Handle(asked)}).release();
  });
}

int32_t nva_http_response_status(const nva_http_response* response) {
  return response == nullptr ? 0 : response->impl.status;
}

uint64_t nva_http_response_header_count(const nva_http_response* response) {
  return response == nullptr ? 0 : response->impl.headers.size();
}

nva_status nva_http_response_header_at(const nva_http_response* response, uint64_t index,
                                       nva_http_header* header) {
  return Guarded([&] {
    Require(header, "header") = {Borrow(""), Borrow("")};
    const auto& headers = Require(response, "response").impl.headers;
    if (index >= headers.size()) Fail("the response has no such header");
    *header = {Borrow(headers[index].name), Borrow(headers[index].value)};
  });
}

nva_string nva_http_response_body(const nva_http_response* response) {
  return Borrow(response == nullptr ? std::string_view() : response->impl.body);
}

nva_string nva_http_response_next_target(const nva_http_response* response) {
  return Borrow(response == nullptr ? std::string_view() : response->impl.next_target);
}

uint32_t nva_http_response_next_after_ms(const nva_http_response* response) {
  const absl::Duration after =
      response == nullptr ? absl::ZeroDuration() : response->impl.next_after;
  return static_cast<uint32_t>(absl::ToInt64Milliseconds(after));
}

void nva_http_response_free(nva_http_response* response) { delete response; }

nva_status nva_openapi_json(char** json) {
  return Guarded([&] {
    char*& out = Out(json);  // first: what is made for no one would be lost
    out = Duplicate(OpenApiJson());
  });
}
