#include "examples/server/gate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "examples/server/dashboard.h"
#include "examples/server/messages.h"

namespace nerava::examples {
namespace {

using analytics::HttpRequest;
using analytics::HttpResponse;

// A load balancer has no key.
bool IsProbe(const HttpRequest& request) {
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  return path == "/livez" || path == "/readyz";
}

bool IsPreflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !HeaderOf(request, "Origin").empty() &&
         !HeaderOf(request, "Access-Control-Request-Method").empty();
}

// "[::1]:8000" names this machine, and "localhost.evil.example" does not.
bool NamesThisMachine(std::string_view host) {
  if (!host.ends_with(']')) host = host.substr(0, host.rfind(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host == "[::1]" || absl::EqualsIgnoreCase({host.data(), host.size()}, "localhost"))
    return true;
  in_addr address;
  return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 &&
         ntohl(address.s_addr) >> 24 == 127;
}

std::string_view BearerOf(std::string_view authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase({authorization.data(), authorization.size()}, kScheme)) return {};
  authorization.remove_prefix(kScheme.size());
  return authorization.substr(std::min(authorization.size(), authorization.find_first_not_of(' ')));
}

}  // namespace

Gate::Gate(GateOptions options)
    : options_(std::move(options)), limiter_(options_.requests_per_second) {}

bool Gate::IsKnownOrigin(std::string_view origin) const {
  return std::find(options_.cors_origins.begin(), options_.cors_origins.end(), origin) !=
         options_.cors_origins.end();
}

std::optional<HttpResponse> Gate::Check(const HttpRequest& request, const std::string& address) {
  if (!limiter_.Allow(address, RateLimiter::Clock::now())) {
    HttpResponse response = Refusal(429, "too many requests from this address; send fewer");
    const double seconds = std::ceil(1 / std::min(1.0, options_.requests_per_second));
    response.headers.push_back({"Retry-After", std::to_string(static_cast<std::int64_t>(seconds))});
    return response;
  }
  if (IsPreflight(request)) {  // without key: a browser sends none
    return IsKnownOrigin(HeaderOf(request, "Origin"))
               ? HttpResponse{204}
               : Refusal(403, "pages of this origin may not ask; see --cors-origin");
  }
  if (IsProbe(request)) return std::nullopt;
  return options_.keys.empty() ? CheckLocal(request) : CheckKey(request);
}

// Without keys whoever is on this machine may ask; pages that a browser on it has open may not, neither
// by sending requests to it nor by a name of their own that leads here.
std::optional<HttpResponse> Gate::CheckLocal(const HttpRequest& request) const {
  const std::string_view host = HeaderOf(request, "Host");
  if (!host.empty() && !NamesThisMachine(host)) {
    return Refusal(403, "without API keys this is for localhost only, which Host does not name");
  }
  const std::string_view origin = HeaderOf(request, "Origin");
  if (origin.empty() || IsKnownOrigin(origin)) return std::nullopt;
  if (origin == "http://" + std::string(host)) return std::nullopt;  // its own page
  return Refusal(403, "pages of this origin may not ask; see --cors-origin");
}

std::optional<HttpResponse> Gate::CheckKey(const HttpRequest& request) const {
  if (Dashboard::IsOfPage(request.target)) return std::nullopt;  // which asks for the key
  std::string_view key = HeaderOf(request, "X-API-Key");
  if (key.empty()) key = BearerOf(HeaderOf(request, "Authorization"));
  const Scope scope = request.method == "POST" ? Scope::kWrite : Scope::kRead;
  switch (options_.keys.Check(key, scope)) {
    case ApiKeys::Verdict::kAllowed:
      return std::nullopt;
    case ApiKeys::Verdict::kOtherScope:
      return Refusal(
          403, scope == Scope::kWrite ? "this API key may not write" : "this API key may not read");
    case ApiKeys::Verdict::kUnknownKey:
      break;
  }
  HttpResponse response =
      Refusal(401, "send a valid API key: \"Authorization: Bearer KEY\", or \"X-API-Key: KEY\"");
  response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

std::vector<analytics::HttpHeader> Gate::CorsHeaders(const HttpRequest& request) const {
  if (options_.cors_origins.empty()) return {};
  std::vector<analytics::HttpHeader> headers{{"Vary", "Origin"}};
  const std::string_view origin = HeaderOf(request, "Origin");
  if (!IsKnownOrigin(origin)) return headers;
  headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
  headers.push_back({"Access-Control-Expose-Headers", "ETag, Next-Cursor, Retry-After"});
  if (IsPreflight(request)) {
    headers.push_back({"Access-Control-Allow-Methods", "GET, HEAD, POST"});
    headers.push_back({"Access-Control-Allow-Headers",
                       "Authorization, X-API-Key, Content-Type, If-None-Match, Last-Event-ID"});
    headers.push_back({"Access-Control-Max-Age", "600"});
  }
  return headers;
}

}  // namespace nerava::examples
