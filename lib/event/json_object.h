// Reads one JSON object from an untrusted source into its members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/event/json_writer.h"

namespace nerava::analytics {

enum class JsonType : std::uint8_t { kNull, kBoolean, kNumber, kString, kObject, kArray };

// "a number", "an object", ...
std::string_view JsonTypeName(JsonType type);

struct JsonMember {
  std::string name;
  JsonType type = JsonType::kNull;
  // A string's characters; else the compact JSON text, numbers as they were spelled.
  std::string text;

  void WriteTo(JsonObjectWriter* writer) const;
};

// The members in their order. Refuses, calling the object `what`: more than kMaxJsonBytes, nesting
// deeper than kMaxJsonDepth (`outer_depth` levels are already around the object), no UTF-8, a NUL
// or half a surrogate pair in any string, a name given twice, anything but one object. Costs no
// more than one pass, whatever the input is.
absl::StatusOr<std::vector<JsonMember>> ParseJsonObject(std::string_view json,
                                                        std::string_view what, int outer_depth);

}  // namespace nerava::analytics
