// What is asked of a request before it is answered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "examples/server/api_keys.h"
#include "examples/server/rate_limiter.h"
#include "nerava/analytics/http.h"

namespace nerava::examples {

struct GateOptions {
  ApiKeys keys = {};  // none: everybody on this machine may ask
  // Pages from elsewhere that may ask: "https://ops.example".
  std::vector<std::string> cors_origins = {};
  double requests_per_second = 0;  // of one address; 0: any number
};

// Not thread-safe.
class Gate {
 public:
  explicit Gate(GateOptions options);

  // Looks at method, target and headers. The response that ends it, or null: go on.
  std::optional<analytics::HttpResponse> Check(const analytics::HttpRequest& request,
                                               const std::string& address);

  // What a browser must see in the response to let a page of a known origin read it.
  std::vector<analytics::HttpHeader> CorsHeaders(const analytics::HttpRequest& request) const;

 private:
  bool IsKnownOrigin(std::string_view origin) const;
  std::optional<analytics::HttpResponse> CheckLocal(const analytics::HttpRequest& request) const;
  std::optional<analytics::HttpResponse> CheckKey(const analytics::HttpRequest& request) const;

  const GateOptions options_;
  RateLimiter limiter_;
};

}  // namespace nerava::examples
