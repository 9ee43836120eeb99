#include "examples/server/gate.h"

#include <strings.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "examples/server/dashboard.h"

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
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

std::string_view BearerOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  return authorization.starts_with(kScheme) ? authorization.substr(kScheme.size())
                                            : std::string_view();
}

}  // namespace

HttpResponse Refusal(int status, std::string_view detail) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          nlohmann::json{{"detail", detail}}.dump()};
}

std::string_view HeaderOf(const HttpRequest& request, std::string_view name) {
  for (const analytics::HttpHeader& header : request.headers) {
    if (header.name.size() == name.size() &&
        strncasecmp(header.name.data(), name.data(), name.size()) == 0) {
      return header.value;
    }
  }
  return {};
}

Gate::Gate(GateOptions options)
    : options_(std::move(options)), limiter_(options_.requests_per_second) {}

bool Gate::IsKnownOrigin(std::string_view origin) const {
  return std::find(options_.cors_origins.begin(), options_.cors_origins.end(), origin) !=
         options_.cors_origins.end();
}

std::optional<HttpResponse> Gate::Check(const HttpRequest& request, const std::string& address) {
  if (!limiter_.Allow(address, RateLimiter::Clock::now())) {
    HttpResponse response = Refusal(429, "too many requests from this address; send fewer");
    response.headers.push_back({"Retry-After", "1"});
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
  headers.push_back({"Access-Control-Expose-Headers", "ETag, Retry-After"});
  if (IsPreflight(request)) {
    headers.push_back({"Access-Control-Allow-Methods", "GET, HEAD, POST"});
    headers.push_back(
        {"Access-Control-Allow-Headers", "Authorization, X-API-Key, Content-Type, If-None-Match"});
    headers.push_back({"Access-Control-Max-Age", "600"});
  }
  return headers;
}

}  // namespace nerava::examples
