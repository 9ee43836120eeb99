// Events: to publish them, and to get those that are stored, in the order of their commits.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "lib/base/guarded.h"
#include "lib/event/event_type.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/http/event_list.h"
#include "lib/http/headers.h"
#include "lib/http/questions.h"
#include "lib/http/routes.h"
#include "lib/http/target.h"
#include "nerava/analytics/json.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics::http {
namespace {

constexpr char kPath[] = "/v1/analytics/events";

// Whether a header says NDJSON.
bool NamesLines(const HttpRequest& request, std::string_view header) {
  const std::string type = absl::AsciiStrToLower(std::string(HeaderOf(request, header)));
  return type.find("ndjson") != std::string::npos;
}

constexpr Parameter kFlush{
    "flush", Parameter::Kind::kBoolean,
    "Answer once the events are stored and in the KPIs, for which it waits up to 10 s."};
constexpr const Parameter* kPublishParameters[] = {&kFlush};

// What became of one event.
struct Result {
  std::string event_id;  // of an accepted one
  absl::Status status;
};

std::string ToJson(const Result& result) {
  return ObjectJson([&](JsonObjectWriter& json) {
    if (result.status.ok()) {
      json.Text("status", "accepted");
      json.Text("event_id", result.event_id);
    } else if (absl::IsInvalidArgument(result.status)) {
      json.Text("status", "rejected");
      json.Text("reason", RejectReasonName(ReasonOf(result.status)));
      json.Text("detail", ValidText(std::string(result.status.message())));
    } else {
      json.Text("status", "unavailable");
    }
  });
}

struct Counts {
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  std::size_t unavailable = 0;
  bool all_tried() const { return unavailable == 0; }
};

Counts CountOf(const std::vector<Result>& results) {
  Counts counts;
  for (const Result& result : results) {
    std::size_t& count = result.status.ok()                       ? counts.accepted
                         : absl::IsInvalidArgument(result.status) ? counts.rejected
                                                                  : counts.unavailable;
    ++count;
  }
  return counts;
}

// 202: all; 422: none, for what they are; 207: some; 503: what is not accepted could be later.
Answer ToAnswer(const std::vector<Result>& results, const Counts& counts, bool stored) {
  const bool all_tried = counts.all_tried();
  std::string array;
  for (const Result& result : results) array += (array.empty() ? "" : ",") + ToJson(result);
  Answer answer;
  answer.retry = !all_tried || !stored;
  answer.status = answer.retry                        ? 503
                  : counts.accepted == results.size() ? 202
                  : counts.accepted == 0              ? 422
                                                      : 207;
  answer.body = ObjectJson([&](JsonObjectWriter& json) {
    if (!all_tried) {
      json.Text("detail", "no further events are taken now; send all of them again a little later");
    } else if (!stored) {
      json.Text("detail", "the events are accepted, but not stored yet");
    } else if (counts.accepted == 0 && counts.rejected > 0) {
      json.Text("detail", "no event is accepted; see results");
    }
    json.Json("accepted", JsonOf(counts.accepted));
    json.Json("rejected", JsonOf(counts.rejected));
    json.Json("results", "[" + array + "]");
  });
  return answer;
}

absl::StatusOr<Answer> AnswerPublished(Call& call) {
  const bool flush = call.parameters.Boolean(kFlush);
  if (!call.parameters.Check()) return Answer{};
  auto events = SplitEvents(call.request.body, NamesLines(call.request, "Content-Type"));
  if (!events.ok()) return events.status();
  std::vector<Result> results;
  for (const std::string_view json : *events) {
    // After one that had no room the others are not tried: each would wait for some.
    const bool goes_on = results.empty() || results.back().status.ok() ||
                         absl::IsInvalidArgument(results.back().status);
    if (!goes_on) {
      results.push_back({"", results.back().status});
      continue;
    }
    auto event = call.pipeline.PublishJson(json);
    results.push_back({event.ok() ? (*event)->event_id : "", event.status()});
  }
  const Counts counts = CountOf(results);
  const bool waits = flush && counts.accepted > 0 && counts.all_tried();
  const bool stored = !waits || call.pipeline.Flush(call.options.flush_timeout) == 0;
  return ToAnswer(results, counts, stored);
}

constexpr std::int64_t kDefaultLimit = 1'000;
// Events that are looked at for a page, and bytes after which it ends.
constexpr std::int64_t kMostLookedAt = 10'000;
constexpr std::size_t kMostBytes = std::size_t{8} << 20;

constexpr std::array<std::string_view, 2> kFormats{"json", "ndjson"};
constexpr std::size_t kLines = 1;

constexpr Parameter kAfter{"after", Kind::kInteger,
                           "`next` of the page before; or negative: -20 begins with the last 20 "
                           "events. Default: 0, from the first event on.",
                           -kMostLookedAt,
                           std::int64_t{1} << 53};  // what every reader of JSON takes
constexpr Parameter kLimit{"limit", Kind::kInteger, "At most so many events. Default: 1000.", 1,
                           kMostLookedAt};
constexpr Parameter kFormat{"format",
                            Kind::kChoice,
                            "`ndjson`: an event a line. Default: what `Accept` says, else `json`.",
                            0,
                            0,
                            0,
                            kFormats};
constexpr Parameter kEventType{"event_type", Kind::kText,
                               "Only events of this type, with or without \"analytics_\"."};
constexpr Parameter kUser{"user", Kind::kText, "Only events with this user_id, as it is stored."};
constexpr Parameter kSession{"session", Kind::kText, "Only events of this session."};
constexpr const Parameter* kGetParameters[] = {&kAfter, &kLimit,  &kFormat, &kEventType, &kRegion,
                                               &kHub,   &kWindow, &kUser,   &kSession};

struct Filtered {
  const Parameter* parameter;
  std::string AnalyticsEvent::*member;
};
constexpr std::array<Filtered, 6> kFiltered{{{&kEventType, kTypeName},
                                             {&kRegion, &AnalyticsEvent::region},
                                             {&kHub, &AnalyticsEvent::hub_id},
                                             {&kWindow, &AnalyticsEvent::window_id},
                                             {&kUser, &AnalyticsEvent::user_id},
                                             {&kSession, &AnalyticsEvent::session_id}}};
// What each must be; empty: anything.
using Filter = std::array<std::string, kFiltered.size()>;

Filter TakeFilter(Parameters& parameters) {
  Filter filter;
  for (std::size_t i = 0; i < filter.size(); ++i) {
    filter[i] = parameters.Text(*kFiltered[i].parameter);
    if (kFiltered[i].member == kTypeName && !filter[i].empty())
      filter[i] = AnalyticsType(filter[i]);
  }
  return filter;
}

bool Matches(const Filter& filter, const AnalyticsEvent& event) {
  for (std::size_t i = 0; i < filter.size(); ++i) {
    if (!filter[i].empty() && filter[i] != TextOf(event, kFiltered[i].member)) return false;
  }
  return true;
}

// A page as it is made.
struct Page {
  std::string events;  // with a comma between, or a line each
  std::int64_t count = 0;
  std::int64_t looked_at = 0;
  std::int64_t next = 0;
  bool more = false;

  void Add(const AnalyticsEvent& event, bool lines) {
    std::string json = ValidText(analytics::ToJson(event));
    // Only between values of what a caller added: in texts it is escaped.
    if (lines) std::replace(json.begin(), json.end(), '\n', ' ');
    if (!lines && count > 0) events += ',';
    events += json;
    if (lines) events += '\n';
    ++count;
  }
};

absl::Status Read(Store& store, const Filter& filter, std::int64_t limit, bool lines, Page* page) {
  const std::int64_t most = filter == Filter() ? limit : kMostLookedAt;
  absl::Status read = store.Read([&](ReadTransaction& transaction) {
    if (page->next < 0) {
      const auto last = transaction.LastPosition();
      if (!last.ok()) return last.status();
      page->next = std::max<std::int64_t>(*last + page->next, 0);
    }
    // One more than is looked at, to know whether there is more.
    return transaction.EventsAfter(
        page->next, most + 1, [&](std::int64_t position, const AnalyticsEvent& event) {
          page->more =
              page->looked_at >= most || page->count >= limit || page->events.size() >= kMostBytes;
          if (page->more) return false;
          page->next = position;
          ++page->looked_at;
          if (Matches(filter, event)) page->Add(event, lines);
          return true;
        });
  });
  // A failure of the power must not take away what was seen, and give its positions to other events.
  return read.ok() && page->looked_at > 0 ? store.Sync() : read;
}

// Where the rest of the lines is.
std::string TargetOfRest(const Filter& filter, std::int64_t after) {
  Target target{kPath, {}};
  const auto add = [&](const Parameter& parameter, std::string value) {
    if (!value.empty()) target.parameters.emplace_back(parameter.name, std::move(value));
  };
  add(kFormat, std::string(kFormats[kLines]));
  add(kAfter, std::to_string(after));
  for (std::size_t i = 0; i < filter.size(); ++i) add(*kFiltered[i].parameter, filter[i]);
  return WriteTarget(target);
}

absl::StatusOr<Answer> AnswerStored(Call& call) {
  Parameters& parameters = call.parameters;
  Page page;
  page.next = parameters.Integer(kAfter).value_or(0);
  const auto limit = parameters.Integer(kLimit);
  const auto format = parameters.Choice(kFormat);
  const bool lines = format ? *format == kLines : NamesLines(call.request, "Accept");
  const Filter filter = TakeFilter(parameters);
  if (!parameters.Check()) return Answer{};
  const absl::Status read = GuardedFromStore([&] {
    return Read(*call.pipeline.store(), filter, limit.value_or(kDefaultLimit), lines, &page);
  });
  if (absl::IsOutOfRange(read)) {
    parameters.Refuse(kAfter.name, "out_of_range",
                      "no event was committed at after yet: it is from another store, or from "
                      "before a backup was restored; begin again with 0");
    return Answer{};
  }
  if (!read.ok()) return read;
  Answer answer;
  const std::string next = std::to_string(page.next);
  answer.headers.push_back({"Next-Cursor", next});
  if (lines) {
    answer.content_type = "application/x-ndjson";
    answer.body = std::move(page.events);
    if (page.more && !limit) answer.next_target = TargetOfRest(filter, page.next);
    return answer;
  }
  answer.body = ObjectJson([&](JsonObjectWriter& json) {
    json.Json("events", "[" + page.events + "]");
    json.Text("next", next);
    json.Json("more", JsonOf(page.more));
  });
  return answer;
}

constexpr Route kRoutes[] = {
    {"POST",
     kPath,
     "Publishes domain events: one, an array, or one a line (NDJSON). Sent again with the same "
     "event_id they count once.",
     kPublishParameters,
     &AnswerPublished,
     {"Results", false, "NotAllAccepted"}},
    {"GET",
     kPath,
     "The stored events in the order of their commits, a page at a time. Who goes on with `next` "
     "misses none.",
     kGetParameters,
     &AnswerStored,
     {.schema = "EventPage", .has_tag = false, .is_page = true, .not_of_every_store = true}},
};

}  // namespace

absl::Span<const Route> EventRoutes() { return kRoutes; }

}  // namespace nerava::analytics::http
