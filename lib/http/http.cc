#include "nerava/analytics/http.h"

#include <sodium.h>

#include <algorithm>
#include <exception>

#include "fmt/format.h"
#include "lib/event/json_writer.h"
#include "lib/http/headers.h"
#include "lib/http/routes.h"
#include "lib/http/target.h"

namespace nerava::analytics {
namespace {

using http::Answer;
using http::Call;
using http::Problem;
using http::Route;

constexpr char kRetrySeconds[] = "1";
constexpr std::size_t kMaxTargetBytes = 16'384;

HttpResponse WithJson(int status, std::string json) {
  return {status, {{"Content-Type", "application/json"}}, std::move(json)};
}

HttpResponse Detail(int status, std::string_view detail) {
  return WithJson(status, ObjectJson([&](JsonObjectWriter& json) { json.Text("detail", detail); }));
}

HttpResponse Unprocessable(absl::Span<const Problem> problems) {
  return WithJson(422, http::ToJson(problems));
}

HttpResponse LittleLater(HttpResponse response) {
  response.headers.push_back({"Retry-After", kRetrySeconds});
  return response;
}

// Only what the caller did wrong is told in words of the error.
HttpResponse OfError(const absl::Status& error, bool of_body) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
      return Unprocessable(
          {{{of_body ? "body" : "query"}, "value_error", std::string(error.message())}});
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
      return LittleLater(Detail(503, "the store cannot answer now; try again a little later"));
    case absl::StatusCode::kUnimplemented:
      return Detail(501, "the store does not do what this needs; another one does");
    default:
      return Detail(500, "the question could not be answered; see the service's log");
  }
}

// Weak: it says that the numbers are the same, though the times of a rolling period moved on.
std::string EntityTag(std::string_view version) {
  unsigned char hash[crypto_generichash_BYTES_MIN];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(version.data()),
                     version.size(), nullptr, 0);
  std::string tag = "W/\"";
  for (const unsigned char byte : hash) tag += fmt::format("{:02x}", byte);
  return tag + "\"";
}

// Whether one of the tags of an If-None-Match header is this one. Tags here have no commas.
bool Matches(std::string_view header, std::string_view tag) {
  const std::string_view opaque = tag.substr(2);
  while (!header.empty()) {
    std::string_view one = header.substr(0, header.find(','));
    header.remove_prefix(std::min(header.size(), one.size() + 1));
    const std::size_t first = one.find_first_not_of(" \t");
    if (first == one.npos) continue;
    one = one.substr(first, one.find_last_not_of(" \t") - first + 1);
    if (one == "*" || one == tag || one == opaque) return true;
  }
  return false;
}

HttpResponse OfAnswer(Answer answer, const HttpRequest& request) {
  HttpResponse response{
      answer.status, {{"Content-Type", std::string(answer.content_type)}}, std::move(answer.body)};
  for (HttpHeader& header : answer.headers) response.headers.push_back(std::move(header));
  response.next_target = std::move(answer.next_target);
  response.next_after = answer.next_after;
  if (answer.retry) response = LittleLater(std::move(response));
  if (answer.version.empty()) {
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
  }
  const std::string tag = EntityTag(answer.version);
  response.headers.push_back({"ETag", tag});
  response.headers.push_back({"Cache-Control", "private, no-cache"});
  if (Matches(http::HeaderOf(request, "If-None-Match"), tag)) {
    response.status = 304;
    response.body.clear();
    response.headers.erase(response.headers.begin());  // Content-Type
  }
  return response;
}

void Tell(const HttpApiOptions& options, const absl::Status& error) {
  try {
    if (options.on_error) options.on_error(error);
  } catch (...) {  // the answer is the same
  }
}

HttpResponse AnswerRoute(const Route& route, Pipeline& pipeline, const HttpApiOptions& options,
                         const HttpRequest& request, http::Target target) {
  Call call{pipeline, options, request, http::Parameters(std::move(target.parameters)),
            route.default_days};
  auto answer = route.answer(call);
  if (!call.parameters.problems().empty()) return Unprocessable(call.parameters.problems());
  if (answer.ok()) return OfAnswer(*std::move(answer), request);
  HttpResponse response = OfError(answer.status(), route.method == "POST");
  if (response.status >= 500) Tell(options, answer.status());
  return response;
}

HttpResponse Respond(Pipeline& pipeline, const HttpApiOptions& options,
                     const HttpRequest& request) {
  if (request.target.size() > kMaxTargetBytes) {
    return Detail(414, fmt::format("the path and query have {} bytes; they may have at most {}",
                                   request.target.size(), kMaxTargetBytes));
  }
  auto target = http::ParseTarget(request.target);
  if (!target.ok()) {
    return Unprocessable({{{"query"}, "url_encoding", std::string(target.status().message())}});
  }
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const Route* found = nullptr;
  std::string allowed;
  http::ForEachRoute([&](const Route& route) {
    if (route.path != target->path) return;
    if (route.method == method) found = &route;
    allowed += (allowed.empty() ? "" : ", ") +
               std::string(route.method == "GET" ? "GET, HEAD" : route.method);
  });
  if (allowed.empty()) return Detail(404, "Not Found");
  if (found == nullptr) {
    HttpResponse response = Detail(405, "Method Not Allowed");
    response.headers.push_back({"Allow", allowed});
    return response;
  }
  if (request.body.size() > options.max_body_bytes) {
    return Detail(413, fmt::format("the body is too large; it may have at most {} bytes",
                                   options.max_body_bytes));
  }
  const std::string_view coding = http::HeaderOf(request, "Content-Encoding");
  if (found->method == "POST" && !coding.empty() && coding != "identity") {
    return Detail(415, "the body must come as it is, without Content-Encoding");
  }
  return AnswerRoute(*found, pipeline, options, request, *std::move(target));
}

HttpResponse Guarded(Pipeline& pipeline, const HttpApiOptions& options,
                     const HttpRequest& request) {
  try {
    return Respond(pipeline, options, request);
  } catch (const std::exception&) {  // no memory, say
    return LittleLater(Detail(503, "the request could not be answered for want of memory"));
  }
}

}  // namespace

HttpApi::HttpApi(Pipeline& pipeline, HttpApiOptions options)
    : pipeline_(pipeline), options_(std::move(options)) {}

HttpResponse HttpApi::Handle(const HttpRequest& request) const {
  HttpResponse response = Guarded(pipeline_, options_, request);
  if (request.method == "HEAD") {
    response.body.clear();
    response.next_target.clear();
  }
  return response;
}

}  // namespace nerava::analytics
