// Integers in stored bytes: little-endian, or as variable-length integers (LEB128).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

// Takes values from the front of bytes that nobody vouches for.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  std::optional<std::uint64_t> Varint() {
    if (next_ != end_ && (*next_ & 0x80) == 0) {  // most are small
      return static_cast<unsigned char>(*next_++);
    }
    std::uint64_t value = 0;
    const char* next = next_;
    for (unsigned shift = 0; shift < 64 && next != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*next++);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        next_ = next;
        return value;
      }
    }
    return std::nullopt;
  }

  std::optional<std::int64_t> Signed() {
    const std::optional<std::uint64_t> bits = Varint();
    if (!bits) return std::nullopt;
    return static_cast<std::int64_t>((*bits >> 1) ^ (~(*bits & 1) + 1));
  }

  // Text behind its length.
  std::optional<std::string_view> Text() {
    const std::optional<std::uint64_t> size = Varint();
    if (!size || *size > static_cast<std::uint64_t>(end_ - next_)) return std::nullopt;
    const std::string_view text(next_, *size);
    next_ += *size;
    return text;
  }

  bool empty() const { return next_ == end_; }

 private:
  const char* next_;
  const char* end_;
};

}  // namespace nerava::analytics
