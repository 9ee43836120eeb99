// Who may ask. A key is for reading, for writing, or for both.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nerava::examples {

enum class Scope { kRead, kWrite };

// Immutable once filled, and then thread-safe. Keeps hashes of the keys, not the keys.
class ApiKeys {
 public:
  static constexpr std::size_t kMinKeyBytes = 16;

  // One key a line, after what it may do: "read KEY", "write KEY" or "read,write KEY". Empty lines, and
  // those that begin with '#', are none. The error names the line, and not the key.
  static absl::StatusOr<ApiKeys> Parse(const std::string& text);

  bool empty() const { return keys_.empty(); }
  enum class Verdict { kAllowed, kUnknownKey, kOtherScope };
  // Takes a time that tells nothing about the keys.
  Verdict Check(std::string_view key, Scope scope) const;

 private:
  using Hash = std::array<unsigned char, 32>;
  struct Key {
    Hash hash;
    bool reads = false;
    bool writes = false;
  };
  static Hash HashOf(std::string_view key);
  std::vector<Key> keys_;
};

}  // namespace nerava::examples
