#include "examples/replay/row_reader.h"

namespace nerava::examples {

Format DetectFormat(const std::string& path, ByteSource* source) {
  const auto ends_with = [&](std::string_view end) { return path.ends_with(end); };
  if (ends_with(".csv") || ends_with(".tsv")) return Format::kCsv;
  if (ends_with(".ndjson") || ends_with(".jsonl") || ends_with(".json")) return Format::kNdjson;
  const std::string_view start = source->PeekStart(16);
  const std::size_t first = start.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string_view::npos && start[first] == '{' ? Format::kNdjson : Format::kCsv;
}

absl::Status EventWithoutTime() {
  return absl::InvalidArgumentError(
      "has no time: an event needs timestamp, or its type's own time");
}

void Row::Clear() {
  error = absl::OkStatus();
  is_event = false;
  event_json.clear();
  for (std::string& value : values) value.clear();
  repaired_years = 0;
}

}  // namespace nerava::examples
