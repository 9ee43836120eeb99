#include "lib/http/parameters.h"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics::http {
namespace {

constexpr std::string_view kBooleans[] = {"true", "1", "false", "0"};
constexpr std::size_t kFirstFalse = 2;

std::string Listed(absl::Span<const std::string_view> choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += choices[i];
  }
  return text;
}

std::optional<std::size_t> Find(absl::Span<const std::string_view> choices, std::string_view word) {
  const auto found = std::find(choices.begin(), choices.end(), word);
  if (found == choices.end()) return std::nullopt;
  return static_cast<std::size_t>(found - choices.begin());
}

// Whether it says how far from UTC it is: "Z", "+01:00". A date has a "-", too.
bool HasOffset(std::string_view text) {
  constexpr std::size_t kDateBytes = 10;
  return text.size() > kDateBytes &&
         text.find_first_of("zZ+-", kDateBytes) != std::string_view::npos;
}

}  // namespace

std::string ToJson(absl::Span<const Problem> problems) {
  std::string array;
  for (const Problem& problem : problems) {
    std::string location;
    for (const std::string& part : problem.location) {
      if (!location.empty()) location += ',';
      AppendJsonString(ValidText(part), &location);
    }
    array += (array.empty() ? "" : ",") + ObjectJson([&](JsonObjectWriter& json) {
               json.Text("type", problem.type);
               json.Json("loc", "[" + location + "]");
               json.Text("msg", ValidText(problem.message));
             });
  }
  return ObjectJson([&](JsonObjectWriter& json) { json.Json("detail", "[" + array + "]"); });
}

Parameters::Parameters(std::vector<std::pair<std::string, std::string>> given) {
  for (auto& [name, value] : given) {
    Given parameter{std::move(name), std::move(value)};
    const bool again = std::any_of(given_.begin(), given_.end(), [&](const Given& before) {
      return before.name == parameter.name;
    });
    if (again) {
      Refuse(parameter.name, "repeated",
             fmt::format("{} is given more than once", Quoted(parameter.name)));
    } else {
      given_.push_back(std::move(parameter));
    }
  }
}

const std::string* Parameters::Take(const Parameter& parameter) {
  for (Given& given : given_) {
    if (given.name != parameter.name) continue;
    given.taken = true;
    return given.value.empty() ? nullptr : &given.value;  // as of a form that was left empty
  }
  return nullptr;
}

bool Parameters::has(const Parameter& parameter) const {
  return std::any_of(given_.begin(), given_.end(), [&](const Given& given) {
    return given.name == parameter.name && !given.value.empty();
  });
}

void Parameters::Refuse(std::string_view name, std::string type, std::string message) {
  problems_.push_back({{"query", std::string(name)}, std::move(type), std::move(message)});
}

std::optional<std::int64_t> Parameters::Integer(const Parameter& parameter) {
  const std::string* const text = Take(parameter);
  if (text == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, value);
  if (stopped != end || error != std::errc{} || value < parameter.min || value > parameter.max) {
    Refuse(parameter.name, error == std::errc{} && stopped == end ? "out_of_range" : "int_parsing",
           fmt::format("{} is {}; it must be a whole number from {} to {}", parameter.name,
                       Quoted(*text), parameter.min, parameter.max));
    return std::nullopt;
  }
  return value;
}

std::string Parameters::Text(const Parameter& parameter) {
  const std::string* const text = Take(parameter);
  if (text == nullptr) return "";
  if (text->size() > parameter.max_bytes) {
    Refuse(parameter.name, "string_too_long",
           fmt::format("{} is {}, of {} bytes; it must have at most {}", parameter.name,
                       Quoted(*text), text->size(), parameter.max_bytes));
    return "";
  }
  return *text;
}

std::optional<std::size_t> Parameters::Choice(const Parameter& parameter) {
  const std::string* const text = Take(parameter);
  if (text == nullptr) return std::nullopt;
  const auto choice = Find(parameter.choices, *text);
  if (!choice) {
    Refuse(parameter.name, "enum",
           fmt::format("{} is {}; it must be {}", parameter.name, Quoted(*text),
                       Listed(parameter.choices)));
  }
  return choice;
}

bool Parameters::Boolean(const Parameter& parameter) {
  const std::string* const text = Take(parameter);
  if (text == nullptr) return false;
  const auto choice = Find(kBooleans, *text);
  if (!choice) {
    Refuse(
        parameter.name, "bool_parsing",
        fmt::format("{} is {}; it must be {}", parameter.name, Quoted(*text), Listed(kBooleans)));
  }
  return choice && *choice < kFirstFalse;
}

std::optional<absl::Time> Parameters::Time(const Parameter& parameter, const absl::TimeZone& zone) {
  const std::string* const text = Take(parameter);
  if (text == nullptr) return std::nullopt;
  const auto time = ParseTimestamp(*text);
  if (!time.ok()) {
    Refuse(parameter.name, "datetime_parsing",
           fmt::format("{} {}", parameter.name, std::string(time.status().message())));
    return std::nullopt;
  }
  if (HasOffset(*text)) return *time;
  const auto civil = absl::UTCTimeZone().At(*time);
  return absl::FromCivil(civil.cs, zone) + civil.subsecond;
}

bool Parameters::Check() {
  for (const Given& given : given_) {
    if (given.taken) continue;
    Refuse(given.name, "unknown_parameter",
           fmt::format("{} is no parameter of this path; /v1/analytics/openapi.json lists them",
                       Quoted(given.name)));
  }
  return problems_.empty();
}

}  // namespace nerava::analytics::http
