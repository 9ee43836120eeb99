// Prometheus's text format 0.0.4.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "nerava/analytics/histogram.h"

namespace nerava::analytics::http {

// Writes families: a head, then its samples. All names begin with "nerava_analytics_".
class Exposition {
 public:
  void Head(std::string_view name, std::string_view type, std::string_view help);
  // `labels`: "{name=\"value\"}" or nothing.
  void Sample(double value, std::string_view labels = "", std::string_view suffix = "");
  // A counter when its name says so, else a gauge.
  void One(std::string_view name, std::string_view help, double value);
  // A gauge with a sample each, of at most kMaxLabels the largest: names come from events.
  void Counts(std::string_view name, std::string_view help, std::string_view label,
              const std::map<std::string, std::uint64_t>& counts);
  // Values are divided by `per_unit`: 1e6 makes seconds of microseconds.
  void Distribution(std::string_view name, std::string_view help, const Histogram& values,
                    double per_unit);
  std::string Take() && { return std::move(text_); }

  static constexpr std::size_t kMaxLabels = 100;

 private:
  std::string name_;
  std::string text_;
};

std::string Escaped(std::string_view value);                       // as a label's value
std::string Label(std::string_view name, std::string_view value);  // {name="value"}

}  // namespace nerava::analytics::http
