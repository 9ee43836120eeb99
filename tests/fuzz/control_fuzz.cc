// The control: breaks on some inputs, which a fuzzer must find.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  nerava::analytics::fuzz::Require(input.substr(0, 5) != "event", "the control was to break");
  return 0;
}
