// Integers in stored bytes: little-endian, or as variable-length integers (LEB128).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nerava::analytics {

template <typename Integer>
void PutFixed(Integer value, char* to) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    to[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
}

template <typename Integer>
Integer GetFixed(const char* from) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value |= static_cast<Integer>(static_cast<unsigned char>(from[i])) << (8 * i);
  }
  return value;
}

inline void AppendVarint(std::uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

// Small amounts of either sign become small numbers.
inline void AppendSigned(std::int64_t value, std::string* out) {
  const auto bits = static_cast<std::uint64_t>(value);
  AppendVarint((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0), out);
}

// Takes values from the front of bytes that nobody vouches for. Not as std::optional: compilers copy those through
// memory, which takes longer than all the rest.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // Each takes a value, or nothing, with false, when there is none.

  bool Varint(std::uint64_t* value) {
    if (next_ != end_ && (*next_ & 0x80) == 0) {  // most are small
      *value = static_cast<unsigned char>(*next_++);
      return true;
    }
    std::uint64_t bits = 0;
    const char* next = next_;
    for (unsigned shift = 0; shift < 64 && next != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*next++);
      bits |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        next_ = next;
        *value = bits;
        return true;
      }
    }
    return false;
  }

  bool Signed(std::int64_t* value) {
    std::uint64_t bits = 0;
    if (!Varint(&bits)) return false;
    *value = static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
    return true;
  }

  // Text behind its length.
  bool Text(std::string_view* text) {
    std::uint64_t size = 0;
    if (!Varint(&size) || size > static_cast<std::uint64_t>(end_ - next_)) return false;
    *text = std::string_view(next_, size);
    next_ += size;
    return true;
  }

  bool empty() const { return next_ == end_; }

 private:
  const char* next_;
  const char* end_;
};

}  // namespace nerava::analytics
