// The files of dashboard/, which the build puts into the program (embed.cmake).
#pragma once

#include <string_view>

#include "absl/types/span.h"

namespace nerava::examples {

struct File {
  std::string_view name;  // "index.html"
  std::string_view content;
};

absl::Span<const File> Files();

}  // namespace nerava::examples
