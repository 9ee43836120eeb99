// Compressed answers.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace nerava::examples {

// Whether an Accept-Encoding header takes gzip.
bool AcceptsGzip(absl::string_view accept_encoding);

// Compresses a body that comes in parts, of less than 4 GiB each. One call at a time; what it gives can be
// decompressed as far as it goes.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // Nothing may follow the last.
  std::string Next(std::string_view bytes, bool is_last);

 private:
  z_stream stream_{};
};

}  // namespace nerava::examples
