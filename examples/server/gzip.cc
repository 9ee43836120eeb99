#include "examples/server/gzip.h"

#include <algorithm>
#include <new>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace nerava::examples {

bool AcceptsGzip(absl::string_view accept_encoding) {
  for (const absl::string_view coding : absl::StrSplit(accept_encoding, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(coding, ';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts[0]), "gzip")) continue;
    return std::all_of(parts.begin() + 1, parts.end(), [](absl::string_view parameter) {
      parameter = absl::StripAsciiWhitespace(parameter);
      double q = 1;
      return !absl::StartsWithIgnoreCase(parameter, "q=") ||
             (absl::SimpleAtod(parameter.substr(2), &q) && q > 0);
    });
  }
  return false;
}

GzipStream::GzipStream() {
  constexpr int kGzipFormat = 16 + MAX_WBITS;
  if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipFormat, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
}

GzipStream::~GzipStream() { deflateEnd(&stream_); }

std::string GzipStream::Next(std::string_view bytes, bool is_last) {
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream_.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::size_t size = 0;
  do {  // usually once
    out.resize(size + deflateBound(&stream_, stream_.avail_in));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream_.avail_out = static_cast<uInt>(out.size() - size);
    deflate(&stream_, is_last ? Z_FINISH : Z_SYNC_FLUSH);
    size = out.size() - stream_.avail_out;
  } while (stream_.avail_out == 0);
  out.resize(size);
  return out;
}

}  // namespace nerava::examples
