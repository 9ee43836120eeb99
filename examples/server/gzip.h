// Compressed answers. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace nerava::examples {

// Whether an Accept-Encoding header takes gzip.
bool AcceptsGzip(absl::string_view accept_encoding);

std::string Gzip(std::string_view bytes);

}  // namespace nerava::examples
