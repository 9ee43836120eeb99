// The settings that the environment makes.
#include "lib/base/environment.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "lib/event/text.h"
#include "lib/pipeline/names.h"
#include "lib/pipeline/validate.h"
#include "lib/writer/validate.h"
#include "nerava/analytics/options.h"

namespace nerava::analytics {
namespace {

struct Variable {
  std::string_view name;
  std::string value;
};

std::optional<Variable> Find(const char* name) {
  std::string value = EnvironmentVariable(name);
  if (value.empty()) return std::nullopt;
  return Variable{name, std::move(value)};
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

// Which of the words the value is, in any case.
std::optional<std::size_t> WordOf(const Variable& variable,
                                  absl::Span<const std::string_view> words) {
  std::string word = variable.value;
  for (char& c : word) c = static_cast<char>('A' <= c && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto* const found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

absl::Status SetSeconds(const Variable& variable, absl::Duration shortest, absl::Duration longest,
                        absl::Duration* duration) {
  const double from = absl::ToDoubleSeconds(shortest);
  const double to = absl::ToDoubleSeconds(longest);
  const auto seconds = ParseNumber<double>(variable.value, std::chars_format::fixed);
  if (!seconds || !(*seconds >= from && *seconds <= to)) {
    return Bad(variable, fmt::format("a number of seconds from {} to {}", from, to));
  }
  *duration = absl::Microseconds(std::llround(*seconds * 1e6));
  return absl::OkStatus();
}

absl::Status SetSwitch(const Variable& variable, bool* on) {
  constexpr std::array<std::string_view, 8> kWords{"false", "true", "0",   "1",
                                                   "no",    "yes",  "off", "on"};
  const auto word = WordOf(variable, kWords);
  if (!word) return Bad(variable, "true or false (or 1/0, yes/no, on/off)");
  *on = *word % 2 == 1;
  return absl::OkStatus();
}

absl::Status SetEnabled(const Variable& variable, Options* options) {
  return SetSwitch(variable, &options->enabled);
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

absl::Status SetUserIdKey(const Variable& variable, Options* options) {
  options->user_id_key = variable.value;
  return absl::OkStatus();
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
  return SetSeconds(variable, kMinFlushInterval, kMaxFlushInterval,
                    &options->writer.flush_interval);
}

absl::Status SetOverflow(const Variable& variable, Options* options) {
  const auto word = WordOf(variable, kOverflowNames);
  if (!word) return Bad(variable, "block, reject or drop_oldest");
  options->writer.overflow = static_cast<Overflow>(*word);
  return absl::OkStatus();
}

absl::Status SetDurability(const Variable& variable, Options* options) {
  const auto word = WordOf(variable, kDurabilityNames);
  if (!word) return Bad(variable, "memory, process or power");
  options->writer.journal.durability = static_cast<Durability>(*word);
  return absl::OkStatus();
}

absl::Status SetJournalDirectory(const Variable& variable, Options* options) {
  options->writer.journal.directory = variable.value;
  return absl::OkStatus();
}

absl::Status SetSyncInterval(const Variable& variable, Options* options) {
  return SetSeconds(variable, kMinSyncInterval, kMaxSyncInterval,
                    &options->writer.journal.sync_interval);
}

absl::Status SetRetention(const Variable& variable, Options* options) {
  return SetSwitch(variable, &options->data_retention.enabled);
}

template <absl::Duration DataRetention::*kKept>
absl::Status SetKept(const Variable& variable, Options* options) {
  constexpr std::array<std::string_view, 1> kForever{"forever"};
  if (WordOf(variable, kForever)) {
    options->data_retention.*kKept = absl::InfiniteDuration();
    return absl::OkStatus();
  }
  constexpr int kMostDays = 36'500;
  const auto days = ParseNumber<int>(variable.value);
  if (!days || *days < 2 || *days > kMostDays) {
    return Bad(variable, fmt::format("a whole number of days from 2 to {}, or forever", kMostDays));
  }
  options->data_retention.*kKept = *days * absl::Hours(24);
  return absl::OkStatus();
}

absl::Status SetCacheBytes(const Variable& variable, Options* options) {
  const auto bytes = ParseNumber<std::int64_t>(variable.value);
  if (!bytes) return Bad(variable, "a whole number of bytes");
  KpiCacheOptions& cache = options->kpi_cache;
  cache.max_bytes = *bytes;
  return cache.Validate().ok() ? absl::OkStatus() : Bad(variable, "from 0 to 1073741824");
}

absl::Status SetWarmDays(const Variable& variable, Options* options) {
  KpiCacheOptions cache;
  for (const absl::string_view text : absl::StrSplit(variable.value, ',')) {
    const auto days = ParseNumber<int>({text.data(), text.size()});
    if (!days) return Bad(variable, "numbers of days with commas between, 7,30 say");
    cache.warm_days.push_back(*days);
  }
  if (!cache.Validate().ok()) return Bad(variable, "up to 20 numbers from 1 to 1830");
  options->kpi_cache.warm_days = std::move(cache.warm_days);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> Options::FromEnvironment(Options defaults) {
  const auto region = Find("ANALYTICS_REGION");
  const std::array<std::pair<std::optional<Variable>, absl::Status (*)(const Variable&, Options*)>,
                   16>
      settings{{{Find("ANALYTICS_ENABLED"), SetEnabled},
                {Find("ANALYTICS_DATABASE_URL"), SetDatabaseUrl},
                {region ? region : Find("REGION"), SetRegion},
                {Find("ANALYTICS_USER_ID_KEY"), SetUserIdKey},
                {Find("ANALYTICS_BATCH_SIZE"), SetBatchSize},
                {Find("ANALYTICS_FLUSH_INTERVAL"), SetFlushInterval},
                {Find("ANALYTICS_OVERFLOW"), SetOverflow},
                {Find("ANALYTICS_DURABILITY"), SetDurability},
                {Find("ANALYTICS_JOURNAL_DIR"), SetJournalDirectory},
                {Find("ANALYTICS_SYNC_INTERVAL"), SetSyncInterval},
                {Find("ANALYTICS_RETENTION"), SetRetention},
                {Find("ANALYTICS_KEEP_EVENTS"), SetKept<&DataRetention::events>},
                {Find("ANALYTICS_KEEP_AGGREGATES"), SetKept<&DataRetention::aggregates>},
                {Find("ANALYTICS_KEEP_SNAPSHOTS"), SetKept<&DataRetention::snapshots>},
                {Find("ANALYTICS_KPI_CACHE_BYTES"), SetCacheBytes},
                {Find("ANALYTICS_KPI_WARM_DAYS"), SetWarmDays}}};
  for (const auto& [variable, set] : settings) {
    if (!variable) continue;
    if (absl::Status status = set(*variable, &defaults); !status.ok()) return status;
  }
  return defaults;
}

absl::StatusOr<Options> Options::FromEnvironment() { return FromEnvironment(Options()); }

}  // namespace nerava::analytics
