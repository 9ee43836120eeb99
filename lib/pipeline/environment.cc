// The only place that reads the environment.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "lib/event/text.h"
#include "lib/pipeline/validate.h"
#include "lib/writer/validate.h"
#include "nerava/analytics/options.h"

namespace nerava::analytics {
namespace {

struct Variable {
  std::string_view name;
  std::string value;
};

// Set but empty counts as unset.
std::optional<Variable> Find(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return Variable{name, value};
}

absl::Status Bad(const Variable& variable, std::string_view expected) {
  return absl::InvalidArgumentError(
      fmt::format("{} is {}; it must be {}", variable.name, Quoted(variable.value), expected));
}

// The whole text as a number; nothing when it is none.
template <typename Number, typename... Format>
std::optional<Number> ParseNumber(std::string_view text, Format... format) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number, format...);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return number;
}

absl::Status SetEnabled(const Variable& variable, Options* options) {
  constexpr std::array<std::pair<std::string_view, bool>, 8> kWords{{{"true", true},
                                                                     {"1", true},
                                                                     {"yes", true},
                                                                     {"on", true},
                                                                     {"false", false},
                                                                     {"0", false},
                                                                     {"no", false},
                                                                     {"off", false}}};
  std::string word = variable.value;
  for (char& c : word) c = static_cast<char>('A' <= c && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const auto& [text, enabled] : kWords) {
    if (word != text) continue;
    options->enabled = enabled;
    return absl::OkStatus();
  }
  return Bad(variable, "true or false (or 1/0, yes/no, on/off)");
}

absl::Status SetDatabaseUrl(const Variable& variable, Options* options) {
  // Which schemes there are is OpenStore's matter. The value is not shown: a URL may hold a password.
  if (variable.value.find(':') == std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("{} is no URL; it must be one such as sqlite:////var/lib/nerava/analytics.db",
                    variable.name));
  }
  options->database_url = variable.value;
  return absl::OkStatus();
}

absl::Status SetRegion(const Variable& variable, Options* options) {
  options->region = variable.value;
  return ValidateRegion(variable.name, options->region);
}

absl::Status SetBatchSize(const Variable& variable, Options* options) {
  const auto size = ParseNumber<std::size_t>(variable.value);
  if (!size || *size < 1 || *size > kMaxBatchSize) {
    return Bad(variable, fmt::format("a whole number from 1 to {}", kMaxBatchSize));
  }
  BatchWriterOptions& writer = options->writer;
  writer.batch_size = *size;
  // They have no variables of their own, and must not be in the way of this one.
  writer.max_batch_size = std::max(writer.max_batch_size, writer.batch_size);
  writer.queue_capacity = std::max(writer.queue_capacity, writer.max_batch_size);
  return absl::OkStatus();
}

absl::Status SetFlushInterval(const Variable& variable, Options* options) {
  const double shortest = absl::ToDoubleSeconds(kMinFlushInterval);
  const double longest = absl::ToDoubleSeconds(kMaxFlushInterval);
  const auto seconds = ParseNumber<double>(variable.value, std::chars_format::fixed);
  if (!seconds || !(*seconds >= shortest && *seconds <= longest)) {
    return Bad(variable, fmt::format("a number of seconds from {} to {}", shortest, longest));
  }
  options->writer.flush_interval = absl::Microseconds(std::llround(*seconds * 1e6));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> Options::FromEnvironment(Options defaults) {
  const auto region = Find("ANALYTICS_REGION");
  const std::array<std::pair<std::optional<Variable>, absl::Status (*)(const Variable&, Options*)>,
                   5>
      settings{{{Find("ANALYTICS_ENABLED"), SetEnabled},
                {Find("ANALYTICS_DATABASE_URL"), SetDatabaseUrl},
                {region ? region : Find("REGION"), SetRegion},
                {Find("ANALYTICS_BATCH_SIZE"), SetBatchSize},
                {Find("ANALYTICS_FLUSH_INTERVAL"), SetFlushInterval}}};
  for (const auto& [variable, set] : settings) {
    if (!variable) continue;
    if (absl::Status status = set(*variable, &defaults); !status.ok()) return status;
  }
  return defaults;
}

absl::StatusOr<Options> Options::FromEnvironment() { return FromEnvironment(Options()); }

}  // namespace nerava::analytics
