#include "lib/http/exposition.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "lib/event/text.h"

namespace nerava::analytics::http {

std::string Escaped(std::string_view value) {
  return absl::StrReplaceAll(ValidText(value), {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
}

std::string Label(std::string_view name, std::string_view value) {
  return fmt::format("{{{}=\"{}\"}}", name, Escaped(value));
}

void Exposition::Head(std::string_view name, std::string_view type, std::string_view help) {
  name_ = "nerava_analytics_" + std::string(name);
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, type);
}

void Exposition::Sample(double value, std::string_view labels, std::string_view suffix) {
  text_ += fmt::format("{}{}{} {}\n", name_, suffix, labels, value);
}

void Exposition::One(std::string_view name, std::string_view help, double value) {
  Head(name, name.ends_with("_total") ? "counter" : "gauge", help);
  Sample(value);
}

void Exposition::Counts(std::string_view name, std::string_view help, std::string_view label,
                        const std::map<std::string, std::uint64_t>& counts) {
  Head(name, "gauge", help);
  std::vector<std::pair<std::string, std::uint64_t>> largest(counts.begin(), counts.end());
  std::stable_sort(largest.begin(), largest.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (largest.size() > kMaxLabels) largest.resize(kMaxLabels);
  for (const auto& [value, count] : largest) {
    Sample(static_cast<double>(count), Label(label, value));
  }
}

void Exposition::Distribution(std::string_view name, std::string_view help, const Histogram& values,
                              double per_unit) {
  Head(name, "histogram", help);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    below += values.buckets[i];
    const auto last = static_cast<double>((std::uint64_t{1} << i) - 1);
    Sample(static_cast<double>(below), Label("le", fmt::format("{}", last / per_unit)), "_bucket");
  }
  Sample(static_cast<double>(values.count), Label("le", "+Inf"), "_bucket");
  Sample(static_cast<double>(values.sum) / per_unit, "", "_sum");
  Sample(static_cast<double>(values.count), "", "_count");
}

}  // namespace nerava::analytics::http
