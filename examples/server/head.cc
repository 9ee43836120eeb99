#include "examples/server/head.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "examples/server/messages.h"

namespace nerava::examples {
namespace {

namespace http = boost::beast::http;
using analytics::HttpHeader;
using analytics::HttpRequest;
using boost::beast::iequals;

constexpr unsigned kHttp10 = 10;

std::string Text(boost::beast::string_view text) { return {text.data(), text.size()}; }

// "http://host:8000/path?query" is what proxies are asked.
void SplitTarget(HttpRequest* request) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!absl::StartsWithIgnoreCase(request->target, {scheme.data(), scheme.size()})) continue;
    const std::size_t end =
        std::min(request->target.find_first_of("/?", scheme.size()), request->target.size());
    const std::string host = request->target.substr(scheme.size(), end - scheme.size());
    for (HttpHeader& header : request->headers) {
      if (absl::EqualsIgnoreCase(header.name, "Host")) header.value = host;
    }
    request->target.erase(0, end);
    if (!absl::StartsWith(request->target, "/")) request->target.insert(0, "/");
    return;
  }
}

}  // namespace

std::optional<analytics::HttpResponse> CheckHead(const RequestHead& head) {
  const std::size_t hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() != kHttp10)) {
    return Refusal(400, "a request has one Host header");
  }
  if (const std::size_t codings = head.count(http::field::transfer_encoding); codings > 0) {
    if (head.version() == kHttp10) return Refusal(400, "HTTP/1.0 knows no Transfer-Encoding");
    if (codings > 1 || !iequals(head[http::field::transfer_encoding], "chunked")) {
      return Refusal(501, "of Transfer-Encoding only \"chunked\" is known here");
    }
  }
  if (head.count(http::field::expect) > 0 && head.version() != kHttp10 && !AwaitsContinue(head)) {
    return Refusal(417, "of Expect only \"100-continue\" is known here");
  }
  return std::nullopt;
}

HttpRequest HeadOf(const RequestHead& head) {
  HttpRequest request{Text(head.method_string()), Text(head.target())};
  for (const auto& field : head) {  // those of one name are together
    auto& headers = request.headers;
    if (!headers.empty() && iequals(headers.back().name, field.name_string())) {
      headers.back().value += ", " + Text(field.value());
    } else {
      headers.push_back({Text(field.name_string()), Text(field.value())});
    }
  }
  SplitTarget(&request);
  return request;
}

bool AwaitsContinue(const RequestHead& head) {
  return head.version() != kHttp10 && iequals(head[http::field::expect], "100-continue");
}

}  // namespace nerava::examples
