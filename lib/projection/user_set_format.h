// The stored form of user sets, read without making one. docs/storage.md describes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "absl/status/status.h"
#include "lib/base/bytes.h"

namespace nerava::analytics {

// A list of users begins so, and no bitmap does.
inline constexpr char kListed = 1;

// More digits than any count has; with them counts stay far from overflowing.
inline constexpr std::size_t kMaxDigits = 30;

inline absl::Status DamagedUserSet() { return absl::DataLossError("a stored user set is damaged"); }

// Gives the members of a list with their counts, in ascending order.
template <typename Sink>
absl::Status ReadList(std::string_view bytes, Sink sink) {
  std::uint64_t user = 0;
  bool first = true;
  for (ByteReader reader(bytes.substr(1)); !reader.empty(); first = false) {
    std::uint64_t more = 0;
    std::uint64_t above_one = 0;
    if (!reader.Varint(&more) || !reader.Varint(&above_one) || above_one >> kMaxDigits != 0 ||
        more > std::numeric_limits<std::uint32_t>::max() - user || (more == 0 && !first)) {
      return DamagedUserSet();
    }
    user += more;
    sink(static_cast<std::uint32_t>(user), static_cast<std::int64_t>(above_one) + 1);
  }
  return absl::OkStatus();
}

// Roaring's portable format: the cookie and the number of containers; of each its key, which is the
// upper half of its members, and its cardinality less one; of each where it begins; the containers.
// These hold the lower halves: in ascending order if they are few, else as bits.
namespace roaring_format {

inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kDescriptionBytes = 4;
inline constexpr std::size_t kOffsetBytes = 4;
inline constexpr std::size_t kMaxSorted = 4096;
inline constexpr std::size_t kBitsBytes = 65536 / 8;

template <typename Number>
Number Load(const char* bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

// How long the bitmap is that `bytes` begin with; 0 when it is none. CRoaring checks only that it
// ends in time, and would write past the end of an array for one that claims fewer members than it
// has. UserSet::Serialize makes no run containers, so that none are allowed.
std::size_t Check(std::string_view bytes);

}  // namespace roaring_format

// Gives the containers of a bitmap of users: `sorted(first, values, count)`, whose members are
// first + Load<std::uint16_t>(values + 2 * i), or `bits(first, words)`, whose members are those of which the
// bit is set in 8 KiB of little-endian words. DataLoss, before anything is given, when the bytes are none.
template <typename Sorted, typename Bits>
absl::Status ReadContainers(std::string_view bytes, Sorted sorted, Bits bits) {
  using namespace roaring_format;  // NOLINT(google-build-using-namespace)
  if (Check(bytes) == 0) return DamagedUserSet();
  const std::size_t containers = Load<std::uint32_t>(bytes.data() + 4);
  const char* container =
      bytes.data() + kHeaderBytes + containers * (kDescriptionBytes + kOffsetBytes);
  for (std::size_t i = 0; i < containers; ++i) {
    const char* const description = bytes.data() + kHeaderBytes + kDescriptionBytes * i;
    const std::uint32_t first = std::uint32_t{Load<std::uint16_t>(description)} << 16;
    const std::size_t cardinality = std::size_t{Load<std::uint16_t>(description + 2)} + 1;
    if (cardinality > kMaxSorted) {
      bits(first, container);
      container += kBitsBytes;
    } else {
      sorted(first, container, cardinality);
      container += 2 * cardinality;
    }
  }
  return absl::OkStatus();
}

}  // namespace nerava::analytics
