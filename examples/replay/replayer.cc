#include "examples/replay/replayer.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "examples/replay/event_ids.h"
#include "nerava/analytics/json.h"

namespace nerava::examples {

using analytics::AnalyticsEvent;
using analytics::DomainEvent;
using analytics::EventPtr;

Replayer::Replayer(analytics::Pipeline* pipeline, ReplayOptions options)
    : pipeline_(*pipeline), options_(std::move(options)) {}

absl::Status Replayer::Run(RowReader* reader, const ByteSource& source, Progress* progress) {
  Row row;
  while (true) {
    if (options_.interrupted()) return absl::CancelledError("interrupted");
    const absl::StatusOr<bool> more = reader->Next(&row);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    ++counts_.rows_read;
    counts_.repaired_years += row.repaired_years;
    progress->Update(source.fraction(), counts_.rows_read);

    absl::StatusOr<std::vector<EventPtr>> events = Convert(row);
    if (!events.ok()) {
      ++counts_.rows_skipped;
      const std::string message =
          fmt::format("line {}: {}", row.line, std::string(events.status().message()));
      if (options_.strict) return absl::AbortedError(message);
      if (counts_.rows_skipped <= options_.max_bad_shown) {
        progress->Clear();
        options_.report(message);
      }
      continue;
    }
    const absl::Status published = Publish(*std::move(events));
    if (!published.ok()) {
      return absl::Status(published.code(), fmt::format("line {}: the writer refuses: {}", row.line,
                                                        std::string(published.message())));
    }
  }
}

absl::StatusOr<std::vector<EventPtr>> Replayer::Convert(const Row& row) const {
  if (!row.error.ok()) return row.error;
  std::vector<DomainEvent> domain_events;
  if (row.is_event) {
    absl::StatusOr<DomainEvent> event = analytics::ParseDomainEvent(row.event_json);
    if (!event.ok()) return event.status();
    std::string& event_id =
        std::visit([](auto& typed) -> std::string& { return typed.header.event_id; }, *event);
    if (event_id.empty()) event_id = ContentEventId(row.event_json);
    domain_events.push_back(*std::move(event));
  } else {
    absl::StatusOr<std::vector<DomainEvent>> session = options_.rules.ToEvents(row);
    if (!session.ok()) return session.status();
    domain_events = *std::move(session);
  }
  std::vector<EventPtr> events;
  for (DomainEvent& domain_event : domain_events) {
    absl::StatusOr<AnalyticsEvent> event = pipeline_.producer().Convert(std::move(domain_event));
    if (!event.ok()) return event.status();
    events.push_back(std::make_shared<AnalyticsEvent>(*std::move(event)));
  }
  return events;
}

absl::Status Replayer::Publish(std::vector<EventPtr> events) {
  for (EventPtr& event : events) {
    const absl::Time time = event->time;
    const absl::Status status = pipeline_.bus().Publish(std::move(event));
    if (!status.ok()) return status;
    ++counts_.events_published;
    counts_.first = std::min(counts_.first, time);
    counts_.last = std::max(counts_.last, time);
  }
  return absl::OkStatus();
}

absl::Status Replayer::Flush(absl::Duration patience) {
  constexpr absl::Duration kStep = absl::Seconds(1);
  absl::Duration waited;
  std::uint64_t commits = pipeline_.writer().stats().commits;
  while (true) {
    const std::size_t pending = pipeline_.Flush(kStep);
    if (pending == 0) return absl::OkStatus();
    const analytics::BatchWriterStats stats = pipeline_.writer().stats();
    waited = std::exchange(commits, stats.commits) == stats.commits ? waited + kStep
                                                                    : absl::ZeroDuration();
    if (waited < patience) continue;
    return absl::UnavailableError(
        fmt::format("{} events are not stored: {}", pending,
                    stats.last_error.empty() ? "the store does not answer" : stats.last_error));
  }
}

}  // namespace nerava::examples
