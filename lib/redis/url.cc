#include "lib/redis/url.h"

#include <sys/un.h>

#include <charconv>
#include <optional>
#include <utility>

#include "fmt/format.h"

namespace nerava::analytics::redis {
namespace {

absl::Status Refuse(std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("the URL of Redis {}; it must be like redis://user:password@127.0.0.1:6379/0 or "
                  "unix:///run/redis/redis.sock",
                  why));
}

std::optional<int> Number(std::string_view text, int max, int base = 10) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && value >= 0 && value <= max ? std::optional(value) : std::nullopt;
}

std::optional<std::string> Decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    const auto byte = digits.size() == 2 ? Number(digits, 255, 16) : std::nullopt;
    if (!byte) return std::nullopt;
    decoded += static_cast<char>(*byte);
    i += 2;
  }
  return decoded;
}

absl::Status SetUser(std::string_view text, Url* url) {
  const std::size_t colon = text.find(':');
  const auto user = Decode(text.substr(0, colon));
  const auto password = Decode(colon == text.npos ? std::string_view() : text.substr(colon + 1));
  if (!user || !password) return Refuse("has a user or password that is not percent-encoded");
  if (!user->empty() && password->empty()) return Refuse("has a user without a password");
  url->user = *user;
  url->password = *password;
  return absl::OkStatus();
}

// "127.0.0.1:6379", "[::1]", "redis"
absl::Status SetHost(std::string_view text, Url* url) {
  std::string_view port;
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : text.npos;
  if (bracket != text.npos) {
    url->host = text.substr(1, bracket - 1);
    port = text.substr(bracket + 1);
  } else {
    const std::size_t colon = text.find(':');
    url->host = text.substr(0, colon);
    port = colon == text.npos ? std::string_view() : text.substr(colon);
  }
  if (url->host.empty()) return Refuse("names no host");
  if (port.empty()) return absl::OkStatus();
  const auto number = port.front() == ':' ? Number(port.substr(1), 65'535) : std::nullopt;
  if (!number || *number == 0) return Refuse("has a port that is no number from 1 to 65535");
  url->port = *number;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  constexpr std::string_view kTcp = "redis://";
  constexpr std::string_view kUnix = "unix://";
  if (text.find('\0') != text.npos) return Refuse("has a NUL byte");
  if (text.starts_with("rediss://")) {
    return Refuse("asks for TLS, which is not there: put a stunnel between, or use a socket");
  }
  const bool is_unix = text.starts_with(kUnix);
  if (!is_unix && !text.starts_with(kTcp)) return Refuse("has another scheme");
  text.remove_prefix(is_unix ? kUnix.size() : kTcp.size());
  const std::size_t slash = text.find('/');
  const std::string_view authority = text.substr(0, slash);
  const std::string_view path = slash == text.npos ? std::string_view() : text.substr(slash);
  const std::size_t at = authority.rfind('@');
  const std::string_view host = at == authority.npos ? authority : authority.substr(at + 1);
  Url url;
  absl::Status status = absl::OkStatus();
  if (at != authority.npos) status = SetUser(authority.substr(0, at), &url);
  if (!status.ok()) return status;
  if (is_unix) {
    if (!host.empty() || path.size() < 2) return Refuse("names no socket");
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return Refuse(fmt::format("has a path of {} bytes; a socket's has at most {}", path.size(),
                                sizeof(sockaddr_un::sun_path) - 1));
    }
    url.socket = path;
    return url;
  }
  if (status = SetHost(host, &url); !status.ok()) return status;
  if (path.size() > 1) {
    const auto database = Number(path.substr(1), 1'000'000);
    if (!database) return Refuse("has a database that is no number");
    url.database = *database;
  }
  return url;
}

}  // namespace nerava::analytics::redis
