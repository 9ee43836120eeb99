// Rows of an input, whatever its format: sessions, or domain events as JSON with the contract's
// names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/replay/byte_source.h"
#include "examples/replay/fields.h"

namespace nerava::examples {

struct Row {
  std::size_t line = 0;  // on which it begins; the first is 1
  absl::Status error;    // why it is a bad row; the rest is then empty
  bool is_event = false;
  std::string event_json;                          // of an event
  std::array<std::string, kFields.size()> values;  // of a session, by field; "" is missing
  std::uint64_t repaired_years = 0;

  std::string& operator[](std::size_t field) { return values[field]; }
  void Clear();
};

// One thread.
class RowReader {
 public:
  virtual ~RowReader() = default;
  // The next row, good or bad; false at the end. An error is the end too: InvalidArgument when the
  // columns do not fit, else what is wrong with the input.
  virtual absl::StatusOr<bool> Next(Row* row) = 0;
};

enum class Format { kCsv, kNdjson };

// Events are never stamped with the time of their replay.
absl::Status EventWithoutTime();

// By the file's name, else by its first bytes.
Format DetectFormat(const std::string& path, ByteSource* source);

// Takes a line for people.
using Announce = std::function<void(const std::string& message)>;

// `source` and `names` must outlive the reader. `announce` is told once which column is which field
// of a session.
std::unique_ptr<RowReader> MakeCsvRowReader(ByteSource* source, const ColumnNames* names,
                                            char delimiter, Announce announce);
std::unique_ptr<RowReader> MakeNdjsonRowReader(ByteSource* source, const ColumnNames* names,
                                               Announce announce);

}  // namespace nerava::examples
