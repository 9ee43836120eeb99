#include "examples/server/api_keys.h"

#include <fmt/core.h>
#include <sodium.h>

#include <sstream>

namespace nerava::examples {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

ApiKeys::Hash ApiKeys::HashOf(std::string_view key) {
  Hash hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(key.data()),
                     key.size(), nullptr, 0);
  return hash;
}

absl::StatusOr<ApiKeys> ApiKeys::Parse(const std::string& text) {
  ApiKeys keys;
  std::istringstream lines(text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size())
                                                            : text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line);
    std::string scopes;
    std::string secret;
    std::string more;
    words >> scopes >> secret >> more;
    if (scopes.empty() || scopes.front() == '#') continue;
    const auto refuse = [number](const std::string& why) {
      return absl::InvalidArgumentError(fmt::format("line {}: {}", number, why));
    };
    Key key;
    key.reads = scopes == "read" || scopes == "read,write";
    key.writes = scopes == "write" || scopes == "read,write";
    if (!key.reads && !key.writes) {
      return refuse("it must begin with what the key may do: read, write or read,write");
    }
    if (!more.empty()) return refuse("behind the key there must be nothing");
    if (secret.size() < kMinKeyBytes) {
      return refuse(
          fmt::format("the key has {} bytes; it must have at least {}. `openssl rand "
                      "-hex 32` makes a good one",
                      secret.size(), kMinKeyBytes));
    }
    key.hash = HashOf(secret);
    keys.keys_.push_back(key);
  }
  return keys;
}

ApiKeys::Verdict ApiKeys::Check(std::string_view key, Scope scope) const {
  const Hash hash = HashOf(key);
  bool known = false;
  bool allowed = false;
  for (const Key& one : keys_) {  // all of them, whichever it is
    const bool same = sodium_memcmp(one.hash.data(), hash.data(), hash.size()) == 0;
    known |= same;
    allowed |= same && (scope == Scope::kRead ? one.reads : one.writes);
  }
  return allowed ? Verdict::kAllowed : known ? Verdict::kOtherScope : Verdict::kUnknownKey;
}

}  // namespace nerava::examples
