#include "examples/replay/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/limits.h"
#include "nerava/analytics/money.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::examples {
namespace {

constexpr const char* kDescription =
    R"(Publishes recorded charging sessions (one a row) or domain events (one a line) to a store, and
prints the KPIs of the period that they cover.

Input is CSV with a header, or NDJSON. Rows with an event_type are domain events, others sessions.
Columns are found by the names session_id, user_id, hub_id, region, window_id, started_at,
stopped_at, kwh_consumed, grid_reward_usd, merchant_reward_usd, total_reward_usd, amount_cents,
credited_at and others, in any spelling (sessionId), by common other names (kwhTotal, stationId,
created), or as --column says. Empty, NA and null are missing values. Times are ISO 8601, UTC
unless they say otherwise; years below 1000 are read as 2000 later (0014 is 2014).

A session becomes, as far as the row has what they need,
  charge_started   at started_at
  charge_stopped   at stopped_at, with energy and rewards; where total_reward_usd is missing and
                   --reward-per-kwh is given, it is energy times that, to the millionth of a dollar
  wallet_credited  of amount_cents; or of the total reward, rounded to cents and if not 0, when
                   credited_at is there or --reward-per-kwh made the reward. It happens at
                   credited_at, else stopped_at, and needs a user
Event ids that are missing follow from the session's id, or from the event's content: replaying the
same input again into the same store changes nothing. Events without any time are bad rows.
A bad row is reported, skipped whole, and counted.)";

constexpr const char* kFooter =
    R"(Exit code: 0 all good rows are stored; 1 stopped by a bad row (--strict), by an unreadable input
or by the store, or no row was good; 2 wrong usage, or columns that do not fit; 130 interrupted
(Ctrl-C): what was read until then is stored and reported.)";

// Wrong usage; CLI11 names the option.
[[noreturn]] void Refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}
[[noreturn]] void Refuse(const std::string& option, const absl::Status& why) {
  Refuse(option, std::string(why.message()));
}

std::int64_t ParseRate(const std::string& text) {
  const absl::StatusOr<std::int64_t> rate = analytics::MicrosFromDecimal(text);
  if (!rate.ok() || *rate < 0 || *rate > analytics::kMaxMicroUsd) {
    Refuse("--reward-per-kwh", fmt::format("'{}' must be an amount in USD like 0.10", text));
  }
  return *rate;
}

void AddFilter(const std::string& text, analytics::KpiFilter* filter) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  std::string* const value = name == "region"      ? &filter->region
                             : name == "hub_id"    ? &filter->hub_id
                             : name == "window_id" ? &filter->window_id
                                                   : nullptr;
  if (value == nullptr || equals == std::string::npos || equals + 1 == text.size()) {
    Refuse("--filter", fmt::format("'{}' must be region=X, hub_id=X or window_id=X", text));
  }
  *value = text.substr(equals + 1);
}

absl::Time ParseNow(const std::string& text) {
  if (text == "now") return absl::Now();
  const absl::StatusOr<absl::Time> time = analytics::ParseTimestamp(text);
  if (!time.ok()) Refuse("--now", time.status());
  return *time;
}

void AddInputOptions(CLI::App& app, Settings* settings) {
  app.add_option("input", settings->input, "File to read; '-' is standard input (the default)");
  app.add_option_function<std::string>(
         "--format",
         [settings](const std::string& name) {
           if (name != "auto") settings->format = name == "csv" ? Format::kCsv : Format::kNdjson;
         },
         "csv, ndjson, or auto (the default): by the file's name or first bytes")
      ->check(CLI::IsMember({"auto", "csv", "ndjson"}));
  app.add_option_function<std::string>(
      "--delimiter",
      [settings](const std::string& text) {
        if (text.size() != 1 && text != "tab") {
          Refuse("--delimiter", "must be one character, or 'tab'");
        }
        settings->delimiter = text == "tab" ? '\t' : text[0];
      },
      "Between the fields of CSV: one character, or 'tab'. Default: a comma");
  app.add_option_function<std::vector<std::string>>(
         "--column",
         [settings](const std::vector<std::string>& mappings) {
           absl::StatusOr<ColumnNames> columns = ColumnNames::Create(mappings);
           if (!columns.ok()) Refuse("--column", columns.status());
           settings->columns = *std::move(columns);
         },
         "FIELD=COLUMN: which column a field is; repeatable")
      ->allow_extra_args(false);
  app.add_option_function<std::string>(
      "--reward-per-kwh",
      [settings](const std::string& text) { settings->rules.microusd_per_kwh = ParseRate(text); },
      "USD a kWh, for sessions without reward");
  app.add_option_function<std::vector<std::string>>(
         "--window",
         [settings](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             absl::StatusOr<DailyWindow> window = DailyWindow::Parse(text);
             if (!window.ok()) Refuse("--window", window.status());
             settings->rules.windows.push_back(*std::move(window));
           }
         },
         "NAME=HH:MM-HH:MM, UTC: window of sessions that begin in it and name none; the end may be "
         "past midnight; repeatable, the first that fits wins")
      ->allow_extra_args(false);
  app.add_option("--max-bad-shown", settings->max_bad_shown, "Bad rows to report one by one")
      ->capture_default_str();
  app.add_flag("--strict", settings->strict, "Stop at the first bad row");
}

void AddOutputOptions(CLI::App& app, Settings* settings) {
  app.add_option("--store", settings->store, "memory:, sqlite:///FILE or sqlite:////ABSOLUTE/FILE")
      ->capture_default_str();
  app.add_option("--region", settings->region, "Region of rows that name none")
      ->capture_default_str();
  app.add_option_function<std::vector<std::string>>(
         "--filter",
         [settings](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) AddFilter(text, &settings->filter);
         },
         "region=X, hub_id=X or window_id=X: show the KPIs of these sessions only; repeatable")
      ->allow_extra_args(false);
  app.add_option("--days", settings->days, "Also show these rolling periods, e.g. 7,30,90")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, analytics::Period::kMaxDays));
  app.add_option_function<std::string>(
      "--now", [settings](const std::string& text) { settings->now = ParseNow(text); },
      "End of the rolling periods: ISO 8601 or 'now'. Default: just after the last event");
  app.add_flag("--json", settings->json, "Print the result as JSON");
  app.add_flag("-q,--quiet", settings->quiet, "No progress, nor which columns are used");
}

}  // namespace

std::optional<int> ParseCommandLine(int argc, char** argv, Settings* settings) {
  CLI::App app(kDescription, "replay");
  app.footer(kFooter);
  AddInputOptions(app, settings);
  AddOutputOptions(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace nerava::examples
