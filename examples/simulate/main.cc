// simulate: writes a reproducible stream of realistic domain events as NDJSON.
#include <fmt/core.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/clock.h"
#include "examples/common/progress.h"
#include "examples/simulate/options.h"
#include "examples/simulate/simulation.h"
#include "nerava/analytics/limits.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::examples {
namespace {

constexpr const char* kDescription =
    R"(Writes a reproducible stream of Nerava's domain events, one JSON object a line, in the order in
which they arrive: sessions of drivers with habits, some unfinished or never credited; late,
repeated and reordered events; and the other domain events now and then.

The same options and seed (with a fixed --end) give the same bytes on every machine.
Rates are probabilities, 0 to 1.)";

struct CommandLine {
  SimulationOptions simulation;
  std::string output = "-";
  std::string end = "now";
  bool summary = false;
  bool quiet = false;
};

// A probability as text, on the way to millionths.
void AddRate(CLI::App& app, const std::string& name, PerMillion* rate, const std::string& what) {
  app.add_option_function<double>(
         name, [rate](double value) { *rate = static_cast<PerMillion>(std::lround(value * 1e6)); },
         what)
      ->check(CLI::Range(0.0, 1.0))
      ->default_str(fmt::format("{}", *rate / 1e6));
}

void AddOptions(CLI::App& app, CommandLine* line) {
  SimulationOptions& simulation = line->simulation;
  app.option_defaults()->always_capture_default();
  app.add_option("--days", simulation.days, "Days to simulate, each 24 h")
      ->check(CLI::Range(1, 3650));
  app.add_option("--end", line->end, "End of the last day: ISO 8601, or 'now'");
  app.add_option("--seed", simulation.seed, "Another seed, another stream");
  app.add_option("--users", simulation.users, "Drivers")->check(CLI::Range(1, 10'000'000));
  app.add_option("--hubs", simulation.hubs, "Charging hubs")->check(CLI::Range(1, 1'000'000));
  app.add_option("--sessions-per-day", simulation.sessions_per_day, "Sessions begun, on average")
      ->check(CLI::Range(0, 10'000'000));
  app.add_option("--sessions", simulation.sessions, "Sessions begun in total, instead; 0: not used")
      ->check(CLI::Range(0, 1'000'000'000));
  app.add_option("--region", simulation.regions,
                 "Region of the hubs; repeat it for several. Without it events name no region")
      ->check([](const std::string& region) {
        const bool plain = region.find_first_not_of(
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789-_.") == std::string::npos;
        return plain && !region.empty() && region.size() <= analytics::kMaxRegionBytes
                   ? std::string()
                   : fmt::format("'{}': a region is 1 to {} letters, digits, '-', '_' or '.'",
                                 region, analytics::kMaxRegionBytes);
      });
  app.add_option("--utc-offset", simulation.utc_offset_hours, "Hours of the hubs' local time")
      ->check(CLI::Range(-12, 14));
  AddRate(app, "--unfinished-rate", &simulation.unfinished, "Sessions that never stop");
  AddRate(app, "--lost-start-rate", &simulation.lost_starts, "Sessions whose start never arrives");
  AddRate(app, "--uncredited-rate", &simulation.uncredited, "Rewards that are never credited");
  AddRate(app, "--duplicate-rate", &simulation.duplicates, "Events that arrive twice");
  AddRate(app, "--late-rate", &simulation.late, "Events that arrive 1 to 48 hours late");
  AddRate(app, "--out-of-order-rate", &simulation.out_of_order,
          "Events that arrive up to 15 minutes late");
  app.add_option("-o,--output", line->output, "File to write; '-' is standard output");
  app.add_flag("--summary", line->summary, "Print what was made as JSON to standard error");
  app.add_flag("-q,--quiet", line->quiet, "No progress");
}

std::string ToJson(const SimulationOptions& options, const SimulationSummary& summary) {
  const auto time = [](std::int64_t micros) {
    return analytics::FormatTimestamp(absl::FromUnixMicros(micros));
  };
  nlohmann::ordered_json json;
  json["seed"] = options.seed;
  json["from"] = time(summary.from);
  json["to"] = time(summary.to);
  json["lines"] = summary.lines;
  json["events"] = summary.events;
  json["duplicates"] = summary.duplicates;
  json["late"] = summary.late;
  json["out_of_order"] = summary.out_of_order;
  for (const auto& [type, count] : summary.by_type) json["by_type"][std::string(type)] = count;
  json["sessions_started"] = summary.sessions_started;
  json["sessions_completed"] = summary.sessions_completed;
  json["sessions_credited"] = summary.sessions_credited;
  json["orphan_stops"] = summary.orphan_stops;
  json["total_sessions"] = summary.total_sessions;
  json["active_window_sessions"] = summary.active_window_sessions;
  json["unique_users"] = summary.unique_users;
  json["total_rewards_cents"] = summary.total_rewards_cents;
  json["energy_wh"] = summary.energy_wh;
  json["credited_cents"] = summary.credited_cents;
  return json.dump();
}

int Fail(std::string_view message) {
  fmt::print(stderr, "simulate: {}\n", message);
  return 1;
}

int Simulate(CommandLine line) {
  if (line.end == "now") {
    line.simulation.end = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  } else {
    const absl::StatusOr<absl::Time> end = analytics::ParseTimestamp(line.end);
    if (!end.ok()) {
      fmt::print(stderr, "simulate: --end: {}\n", std::string(end.status().message()));
      return 2;
    }
    line.simulation.end = *end;
  }
  if (line.simulation.end - absl::Hours(24) * line.simulation.days < absl::UnixEpoch()) {
    fmt::print(stderr, "simulate: --end: the first day would be before 1970\n");
    return 2;
  }

  std::FILE* const out = line.output == "-" ? stdout : std::fopen(line.output.c_str(), "wb");
  if (out == nullptr) {
    return Fail(fmt::format("cannot write {}: {}", line.output, std::strerror(errno)));
  }
  std::setvbuf(out, nullptr, _IOFBF, 1 << 20);

  Simulation simulation(line.simulation);
  const std::int64_t end = absl::ToUnixMicros(line.simulation.end);
  const double length = static_cast<double>(line.simulation.days * kDay);
  Progress progress("events", line.quiet);
  std::uint64_t lines = 0;
  simulation.Run([&](std::string_view text, std::int64_t arrival) {
    std::fwrite(text.data(), 1, text.size(), out);
    std::fputc('\n', out);
    if (++lines % 256 == 0) progress.Update(1 - static_cast<double>(end - arrival) / length, lines);
  });
  progress.Clear();

  const bool failed = std::ferror(out) != 0;
  if ((out == stdout ? std::fflush(out) : std::fclose(out)) != 0 || failed) {
    return Fail(fmt::format("cannot write {}: {}", line.output, std::strerror(errno)));
  }
  if (line.summary) {
    fmt::print(stderr, "{}\n", ToJson(line.simulation, simulation.summary()));
  }
  return 0;
}

}  // namespace
}  // namespace nerava::examples

int main(int argc, char** argv) {
  CLI::App app(nerava::examples::kDescription, "simulate");
  app.footer("Exit code: 0 done, 1 the output could not be written, 2 wrong usage.");
  nerava::examples::CommandLine line;
  nerava::examples::AddOptions(app, &line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return nerava::examples::Simulate(std::move(line));
}
