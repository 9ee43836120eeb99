// Where a Redis is, and who asks.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace nerava::analytics::redis {

struct Url {
  std::string user = {};
  std::string password = {};
  std::string host = {};  // or
  std::string socket = {};
  int port = 6379;
  int database = 0;
};

// See RedisPublisherOptions::url. The error does not have the password.
absl::StatusOr<Url> ParseUrl(std::string_view text);

}  // namespace nerava::analytics::redis
