// replay: publishes recorded charging sessions or domain events and prints the KPIs they make.
#include <fmt/core.h>
#include <signal.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/replay/command_line.h"
#include "examples/replay/replayer.h"
#include "examples/replay/report.h"

namespace nerava::examples {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C ends the reading, a second one the program.
void CatchInterrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

// While it lives, new threads leave Ctrl-C to this one, which may be waiting for input.
class InterruptHeld {
 public:
  InterruptHeld() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~InterruptHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  InterruptHeld(const InterruptHeld&) = delete;
  InterruptHeld& operator=(const InterruptHeld&) = delete;

 private:
  sigset_t before_;
};

void Say(const std::string& message) { fmt::print(stderr, "replay: {}\n", message); }

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
      return 2;
    case absl::StatusCode::kCancelled:
      return 130;
    default:
      return 1;
  }
}

// The period covered, then the rolling ones. None when nothing was published.
absl::StatusOr<std::vector<TimedKpis>> MeasureAll(const Settings& settings,
                                                  const analytics::Pipeline& pipeline,
                                                  const ReplayCounts& counts) {
  std::vector<TimedKpis> periods;
  if (counts.events_published == 0) return periods;
  const absl::Time end = counts.last + absl::Microseconds(1);
  std::vector<std::pair<int, analytics::Period>> wanted{{0, {counts.first, end}}};
  for (const int days : settings.days) {
    const auto period = analytics::Period::LastDays(days, settings.now.value_or(end));
    if (!period.ok()) return period.status();
    wanted.emplace_back(days, *period);
  }
  for (const auto& [days, period] : wanted) {
    absl::StatusOr<TimedKpis> timed = Measure(pipeline, {period, settings.filter}, days);
    if (!timed.ok()) return timed.status();
    periods.push_back(*std::move(timed));
  }
  return periods;
}

analytics::Options PipelineOptions(const Settings& settings) {
  analytics::Options options;
  options.database_url = settings.store;
  options.data_retention.enabled = false;  // history is loaded to be kept
  options.region = settings.region;
  options.bus.recent_capacity = 0;
  // Large commits, and patience with a full queue: nobody waits for a single event here.
  options.writer.batch_size = 5'000;
  options.writer.flush_interval = absl::Seconds(1);
  options.writer.overflow_timeout = absl::Minutes(1);
  options.writer.on_error = [](const absl::Status& error) { Say(std::string(error.message())); };
  return options;
}

std::unique_ptr<RowReader> MakeReader(const Settings& settings, ByteSource* source) {
  const Announce announce = [quiet = settings.quiet](const std::string& columns) {
    if (!quiet) Say(fmt::format("sessions with {}", columns));
  };
  const Format format = settings.format.value_or(DetectFormat(settings.input, source));
  return format == Format::kCsv
             ? MakeCsvRowReader(source, &settings.columns, settings.delimiter, announce)
             : MakeNdjsonRowReader(source, &settings.columns, announce);
}

// What the reading left to be said, and, when all else went well, what is wrong with the rows.
absl::Status CheckRows(const Settings& settings, const Report& report) {
  const ReplayCounts& counts = report.counts;
  if (counts.repaired_years > 0) {
    Say(fmt::format("{} times with a year below 1000 were read as 2000 years later",
                    WithThousands(static_cast<std::int64_t>(counts.repaired_years))));
  }
  if (counts.rows_skipped > settings.max_bad_shown) {
    Say(fmt::format("{} further bad rows", counts.rows_skipped - settings.max_bad_shown));
  }
  if (report.writer.dead_lettered > 0) {
    return absl::DataLossError(
        fmt::format("the store refused {} events", report.writer.dead_lettered));
  }
  if (counts.rows_read > 0 && counts.rows_skipped == counts.rows_read) {
    return absl::DataLossError("no row was good; --column says which column is which field");
  }
  return absl::OkStatus();
}

absl::Status Replay(const Settings& settings) {
  CatchInterrupt();
  const absl::StatusOr<std::unique_ptr<ByteSource>> source =
      ByteSource::Open(settings.input, &interrupted);
  if (!source.ok()) return source.status();
  const std::unique_ptr<RowReader> reader = MakeReader(settings, source->get());

  absl::StatusOr<std::unique_ptr<analytics::Pipeline>> pipeline = [&] {
    const InterruptHeld held;
    return analytics::Pipeline::Open(PipelineOptions(settings));
  }();
  if (!pipeline.ok()) return pipeline.status();

  const auto begin = std::chrono::steady_clock::now();
  ReplayOptions options;
  options.rules = settings.rules;
  options.strict = settings.strict;
  options.max_bad_shown = settings.max_bad_shown;
  options.interrupted = [] { return interrupted != 0; };
  options.report = Say;
  Replayer replayer(pipeline->get(), std::move(options));
  Progress progress("rows", settings.quiet);
  absl::Status outcome = replayer.Run(reader.get(), **source, &progress);
  progress.Clear();
  if (absl::IsInvalidArgument(outcome)) return outcome;
  const absl::Status flushed = replayer.Flush(absl::Minutes(1));
  // Events that are not stored matter more than why the reading ended.
  if (!flushed.ok()) outcome = flushed;

  Report report;
  report.input = settings.input;
  report.store = (*pipeline)->store()->Description();
  report.counts = replayer.counts();
  report.writer = (*pipeline)->writer().stats();
  report.duration = absl::FromChrono(std::chrono::steady_clock::now() - begin);
  report.filter = settings.filter;
  const absl::Status rows = CheckRows(settings, report);
  if (outcome.ok()) outcome = rows;
  report.outcome = outcome.ok() ? "complete" : std::string(outcome.message());

  absl::StatusOr<std::vector<TimedKpis>> periods = MeasureAll(settings, **pipeline, report.counts);
  if (!periods.ok()) return periods.status();
  report.periods = *std::move(periods);
  fmt::print("{}\n", settings.json ? ToJson(report) : ToText(report));
  return outcome;
}

}  // namespace
}  // namespace nerava::examples

int main(int argc, char** argv) {
  using namespace nerava::examples;
  Settings settings;
  if (const std::optional<int> exit_code = ParseCommandLine(argc, argv, &settings)) {
    return *exit_code;
  }
  const absl::Status outcome = Replay(settings);
  if (!outcome.ok()) Say(std::string(outcome.message()));
  return ExitCode(outcome);
}
