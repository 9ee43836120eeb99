// What the user asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "examples/replay/fields.h"
#include "examples/replay/row_reader.h"
#include "examples/replay/session_rules.h"
#include "nerava/analytics/aggregate.h"
#include "nerava/analytics/options.h"

namespace nerava::examples {

struct Settings {
  std::string input = "-";
  std::optional<Format> format;  // absent: detected
  char delimiter = ',';
  ColumnNames columns;
  SessionRules rules;
  std::string store = "memory:";
  std::string region = analytics::Options().region;
  analytics::KpiFilter filter;
  std::vector<int> days;          // rolling periods to show
  std::optional<absl::Time> now;  // their end; absent: just after the last event
  std::uint64_t max_bad_shown = 100;
  bool strict = false;
  bool json = false;
  bool quiet = false;
};

// An exit code when there is nothing more to do: help was printed, or the usage is wrong, which was
// said on stderr.
std::optional<int> ParseCommandLine(int argc, char** argv, Settings* settings);

}  // namespace nerava::examples
