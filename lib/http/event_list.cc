#include "lib/http/event_list.h"

#include <algorithm>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace nerava::analytics::http {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Where in JSON text one is. All that it looks at is what is a string and how deep it is nested: the rest
// is the parser's.
class Position {
 public:
  void Pass(char c) {
    if (in_string_) {
      const bool escaped = escaped_;
      escaped_ = c == '\\' && !escaped;
      in_string_ = c != '"' || escaped;
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      --depth_;
    }
  }
  bool is_outside() const { return depth_ == 0 && !in_string_; }

 private:
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

// Up to a comma or bracket that belongs to what is around it; all if there is none.
std::size_t ValueBytes(std::string_view text) {
  Position position;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (position.is_outside() && (text[i] == ',' || text[i] == ']')) return i;
    position.Pass(text[i]);
  }
  return text.size();
}

bool IsWhole(std::string_view text) {
  Position position;
  for (const char c : text) position.Pass(c);
  return position.is_outside();
}

absl::Status TooMany() {
  return absl::InvalidArgumentError(
      fmt::format("the body has more than {} events; send them in several requests", kMostEvents));
}

absl::StatusOr<std::vector<std::string_view>> SplitArray(std::string_view body) {
  std::vector<std::string_view> events;
  std::string_view left = body.substr(1);
  if (Trimmed(left) == "]") return events;
  for (bool last = false; !last;) {
    const std::size_t size = ValueBytes(left);
    if (size == left.size()) {
      return absl::InvalidArgumentError("the array of events does not end with a \"]\"");
    }
    if (events.size() == kMostEvents) return TooMany();
    events.push_back(Trimmed(left.substr(0, size)));
    last = left[size] == ']';
    left.remove_prefix(size + 1);
  }
  if (!left.empty()) {
    return absl::InvalidArgumentError("there is more behind the end of the array of events");
  }
  return events;
}

}  // namespace

absl::StatusOr<std::vector<std::string_view>> SplitEvents(std::string_view body, bool is_ndjson) {
  body = Trimmed(body);
  if (body.empty()) {
    return absl::InvalidArgumentError(
        "the body is empty; send one event, an array of events, or an event a line");
  }
  if (!is_ndjson && body.front() == '[') return SplitArray(body);
  if (!is_ndjson && !IsWhole(body.substr(0, body.find('\n')))) return std::vector{body};
  std::vector<std::string_view> events;
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    const std::string_view event = Trimmed(line);
    if (event.empty()) continue;
    if (events.size() == kMostEvents) return TooMany();
    events.push_back(event);
  }
  return events;
}

}  // namespace nerava::analytics::http
