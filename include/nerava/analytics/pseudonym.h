// Pseudonyms of users, so that their ids need not be stored.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nerava::analytics {

inline constexpr std::size_t kMinUserIdKeyBytes = 16;
inline constexpr std::size_t kMaxUserIdKeyBytes = 1024;

// "hmac:" and the first 128 bits of HMAC-SHA-256(key, user_id) in lower-case hexadecimal. Who has the
// key finds a user's, and nobody finds the user. What has this form is taken to be one, and stays as it
// is; so does every id with an empty key.
std::string PseudonymOf(std::string_view user_id, std::string_view key);

}  // namespace nerava::analytics
