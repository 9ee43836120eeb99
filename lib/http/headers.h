// The headers of a request or a response.
#pragma once

#include <algorithm>
#include <cctype>
#include <string_view>

#include "nerava/analytics/http.h"

namespace nerava::analytics::http {

// "" when it is not there. Names are of any case.
template <typename Message>
std::string_view HeaderOf(const Message& message, std::string_view name) {
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  for (const HttpHeader& header : message.headers) {
    if (std::equal(header.name.begin(), header.name.end(), name.begin(), name.end(), same)) {
      return header.value;
    }
  }
  return "";
}

}  // namespace nerava::analytics::http
