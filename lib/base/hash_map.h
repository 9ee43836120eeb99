// Hash tables that are still whole when there was no memory for them to grow. Abseil's are not: they
// note their new size before they have the memory for it, and later free what they never had.
#pragma once

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "absl/hash/hash.h"

namespace nerava::analytics {

// Keys may be looked up by what compares and hashes like them: strings by absl::string_view.
struct AnyHash {
  using is_transparent = void;
  template <typename Key>
  std::size_t operator()(const Key& key) const {
    return absl::Hash<Key>{}(key);
  }
};

template <typename Key, typename Value>
using HashMap = std::unordered_map<Key, Value, AnyHash, std::equal_to<>>;

template <typename Key>
using HashSet = std::unordered_set<Key, AnyHash, std::equal_to<>>;

}  // namespace nerava::analytics
