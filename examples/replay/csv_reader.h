// Reads CSV as RFC 4180 describes it: quoted fields with doubled quotes, delimiters and line ends
// inside; lines end with LF or CRLF; a UTF-8 byte order mark is skipped, and so are empty lines.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/replay/byte_source.h"

namespace nerava::examples {

// One thread. The source must outlive it.
class CsvReader {
 public:
  // A record longer than this is taken for a quote that is never closed.
  static constexpr std::size_t kMaxRecordBytes = 1 << 20;

  CsvReader(ByteSource* source, char delimiter);

  // The next record into `*fields`; false at the end. DataLoss for a quoted field that does not
  // end, after which nothing further can be read; else the source's error.
  absl::StatusOr<bool> Next(std::vector<std::string>* fields);

  // The line on which the last record began; the first is 1.
  std::size_t line() const { return record_line_; }

 private:
  // Reads one field. Whether a further one follows it on the same line.
  absl::StatusOr<bool> ReadField(std::string* field);
  absl::Status ReadQuoted(std::string* field);
  int Get();

  ByteSource& source_;
  const int delimiter_;
  std::size_t line_ = 1;  // of the next byte
  std::size_t record_line_ = 0;
  std::size_t record_bytes_ = 0;
};

}  // namespace nerava::examples
