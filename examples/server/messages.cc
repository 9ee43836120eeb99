#include "examples/server/messages.h"

#include <strings.h>

#include <nlohmann/json.hpp>

namespace nerava::examples {

analytics::HttpResponse Refusal(int status, std::string_view detail) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          nlohmann::json{{"detail", detail}}.dump()};
}

std::string_view HeaderOf(const analytics::HttpRequest& request, std::string_view name) {
  for (const analytics::HttpHeader& header : request.headers) {
    if (header.name.size() == name.size() &&
        strncasecmp(header.name.data(), name.data(), name.size()) == 0) {
      return header.value;
    }
  }
  return {};
}

}  // namespace nerava::examples
