#include "nerava/analytics/pseudonym.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace nerava::analytics {
namespace {

constexpr std::string_view kPrefix = "hmac:";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kBytes = 16;

bool IsPseudonym(std::string_view id) {
  return id.size() == kPrefix.size() + 2 * kBytes && id.starts_with(kPrefix) &&
         std::all_of(id.begin() + kPrefix.size(), id.end(),
                     [](char c) { return kDigits.find(c) != kDigits.npos; });
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string PseudonymOf(std::string_view user_id, std::string_view key) {
  if (key.empty() || IsPseudonym(user_id)) return std::string(user_id);
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, Bytes(key), key.size());
  crypto_auth_hmacsha256_update(&state, Bytes(user_id), user_id.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> code;
  crypto_auth_hmacsha256_final(&state, code.data());
  std::string pseudonym(kPrefix);
  for (std::size_t i = 0; i < kBytes; ++i) {
    pseudonym += kDigits[code[i] >> 4];
    pseudonym += kDigits[code[i] & 15];
  }
  return pseudonym;
}

}  // namespace nerava::analytics
