// The parameters of a request, checked, with all that is wrong with them told at once.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace nerava::analytics::http {

// What a parameter may be: for the check, and for the OpenAPI description.
struct Parameter {
  enum class Kind : std::uint8_t { kInteger, kText, kTime, kChoice, kBoolean };

  std::string_view name;
  Kind kind;
  std::string_view description;
  std::int64_t min = 0;  // of an integer
  std::int64_t max = std::numeric_limits<std::int32_t>::max();
  std::size_t max_bytes = 100;                      // of a text
  absl::Span<const std::string_view> choices = {};  // of a choice
};

// What is wrong with a part of a request.
struct Problem {
  std::vector<std::string> location;  // "query", "days"
  std::string type;                   // a word for programs
  std::string message;
};

// FastAPI's body of a 422.
std::string ToJson(absl::Span<const Problem> problems);

class Parameters {
 public:
  explicit Parameters(std::vector<std::pair<std::string, std::string>> given);

  // Each is taken at most once. Empty when it is not there, or wrong.
  std::optional<std::int64_t> Integer(const Parameter& parameter);
  std::string Text(const Parameter& parameter);
  std::optional<std::size_t> Choice(const Parameter& parameter);  // which one
  bool Boolean(const Parameter& parameter);
  // A date, its midnight; or an ISO 8601 time, without an offset local, too.
  std::optional<absl::Time> Time(const Parameter& parameter, const absl::TimeZone& zone);

  bool has(const Parameter& parameter) const;
  void Refuse(std::string_view name, std::string type, std::string message);

  // Once all were taken: whether nothing is wrong, and nothing unknown left.
  bool Check();
  absl::Span<const Problem> problems() const { return problems_; }

 private:
  const std::string* Take(const Parameter& parameter);

  struct Given {
    std::string name;
    std::string value;
    bool taken = false;
  };
  std::vector<Given> given_;
  std::vector<Problem> problems_;
};

}  // namespace nerava::analytics::http
