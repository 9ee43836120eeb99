#include "examples/replay/csv_reader.h"

#include <fmt/core.h>

namespace nerava::examples {

CsvReader::CsvReader(ByteSource* source, char delimiter)
    : source_(*source), delimiter_(static_cast<unsigned char>(delimiter)) {
  source_.SkipByteOrderMark();
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>* fields) {
  while (source_.Peek() == '\n' || source_.Peek() == '\r') Get();
  fields->clear();
  record_line_ = line_;
  record_bytes_ = 0;
  if (source_.Peek() == ByteSource::kEnd) {
    if (!source_.status().ok()) return source_.status();
    return false;
  }
  for (bool more = true; more;) {
    absl::StatusOr<bool> follows = ReadField(&fields->emplace_back());
    if (!follows.ok()) return follows.status();
    more = *follows;
  }
  return true;
}

absl::StatusOr<bool> CsvReader::ReadField(std::string* field) {
  if (source_.Peek() == '"') {
    const absl::Status status = ReadQuoted(field);
    if (!status.ok()) return status;
  }
  // Also what follows a closing quote, and quotes inside an unquoted field: taken as they are.
  while (true) {
    const int byte = Get();
    if (byte == delimiter_) return true;
    if (byte == '\n') return false;
    if (byte == '\r' && (source_.Peek() == '\n' || source_.Peek() == ByteSource::kEnd)) continue;
    if (byte == ByteSource::kEnd) {
      // A record that an error cut off is not one.
      if (!source_.status().ok()) return source_.status();
      return false;
    }
    field->push_back(static_cast<char>(byte));
  }
}

absl::Status CsvReader::ReadQuoted(std::string* field) {
  const std::size_t opened = line_;
  Get();
  while (true) {
    const int byte = Get();
    if (byte == ByteSource::kEnd && !source_.status().ok()) return source_.status();
    if (byte == ByteSource::kEnd || record_bytes_ > kMaxRecordBytes) {
      return absl::DataLossError(
          fmt::format("line {}: a quoted field begins here and does not end", opened));
    }
    if (byte != '"') {
      field->push_back(static_cast<char>(byte));
    } else if (source_.Peek() == '"') {
      field->push_back(static_cast<char>(Get()));
    } else {
      return absl::OkStatus();
    }
  }
}

int CsvReader::Get() {
  const int byte = source_.Get();
  if (byte == '\n') ++line_;
  ++record_bytes_;
  return byte;
}

}  // namespace nerava::examples
