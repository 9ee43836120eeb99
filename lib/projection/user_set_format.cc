#include "lib/projection/user_set_format.h"

#include "lib/base/bits.h"

namespace nerava::analytics::roaring_format {
namespace {

// Run for every set of every KPI, and written so that compilers vectorize it.
bool IsSorted(const char* values, std::size_t cardinality) {
  unsigned unsorted = 0;
  for (std::size_t i = 1; i < cardinality; ++i) {
    unsorted |= static_cast<unsigned>(Load<std::uint16_t>(values + 2 * (i - 1)) >=
                                      Load<std::uint16_t>(values + 2 * i));
  }
  return unsorted == 0;
}

bool HasBits(const char* bits, std::size_t cardinality) {
  return CountBits(kBitsBytes / 8,
                   [&](std::size_t i) { return Load<std::uint64_t>(bits + 8 * i); }) == cardinality;
}

}  // namespace

std::size_t Check(std::string_view bytes) {
  constexpr std::uint32_t kCookie = 12346;
  if (bytes.size() < kHeaderBytes || Load<std::uint32_t>(bytes.data()) != kCookie) return 0;
  const std::size_t containers = Load<std::uint32_t>(bytes.data() + 4);
  if (containers > 65536) return 0;
  std::size_t end = kHeaderBytes + containers * (kDescriptionBytes + kOffsetBytes);
  if (end > bytes.size()) return 0;

  const char* const descriptions = bytes.data() + kHeaderBytes;
  const char* const offsets = descriptions + kDescriptionBytes * containers;
  for (std::size_t i = 0; i < containers; ++i) {
    const char* const description = descriptions + kDescriptionBytes * i;
    if (i > 0 &&
        Load<std::uint16_t>(description - kDescriptionBytes) >= Load<std::uint16_t>(description))
      return 0;
    if (Load<std::uint32_t>(offsets + kOffsetBytes * i) != end) return 0;
    const std::size_t cardinality = std::size_t{Load<std::uint16_t>(description + 2)} + 1;
    const bool sorted = cardinality <= kMaxSorted;
    const std::size_t size = sorted ? 2 * cardinality : kBitsBytes;
    if (size > bytes.size() - end) return 0;
    const char* const container = bytes.data() + end;
    if (!(sorted ? IsSorted(container, cardinality) : HasBits(container, cardinality))) return 0;
    end += size;
  }
  return end;
}

}  // namespace nerava::analytics::roaring_format
