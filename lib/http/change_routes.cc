// Server-sent events that something was committed, for pages that show what is now.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/http/headers.h"
#include "lib/http/routes.h"

namespace nerava::analytics::http {
namespace {

constexpr char kPath[] = "/v1/analytics/changes";
// How long a message may be late.
constexpr absl::Duration kAskedEvery = absl::Milliseconds(500);
// After so many parts without a word comes one that means nothing, so that nobody on the way takes
// the connection for dead.
constexpr std::int64_t kMostQuiet = 30;

constexpr Parameter kSince{"since", Parameter::Kind::kInteger,
                           "`id` of the last message: the next one comes once it is another. "
                           "Default: what `Last-Event-ID` says, else a message comes at once.",
                           0, std::int64_t{1} << 53};
constexpr Parameter kQuiet{
    "quiet", Parameter::Kind::kInteger,
    "How many parts of the answer had no message, for servers that send it in parts.", 0,
    kMostQuiet};
constexpr const Parameter* kParameters[] = {&kSince, &kQuiet};

std::optional<std::int64_t> LastEventId(const HttpRequest& request) {
  const std::string_view header = HeaderOf(request, "Last-Event-ID");
  std::int64_t id = 0;
  if (!absl::SimpleAtoi(absl::string_view(header.data(), header.size()), &id)) return std::nullopt;
  return id;
}

absl::StatusOr<Answer> AnswerChanges(Call& call) {
  auto since = call.parameters.Integer(kSince);
  const std::int64_t quiet = call.parameters.Integer(kQuiet).value_or(0);
  if (!call.parameters.Check()) return Answer{};
  if (!since) since = LastEventId(call.request);
  const auto version = GuardedFromStore([&] { return call.pipeline.store()->Version(); });
  if (!version.ok()) return version.status();
  if (!*version) return absl::UnimplementedError("the store has no version");
  const auto now = static_cast<std::int64_t>(**version);
  Answer answer;
  answer.content_type = "text/event-stream";
  answer.headers.push_back({"X-Accel-Buffering", "no"});  // nginx sends it on as it comes
  const bool has_changed = since != now;
  const bool is_long_quiet = !has_changed && quiet >= kMostQuiet;
  if (has_changed) answer.body = fmt::format("retry: 2000\nid: {0}\ndata: {0}\n\n", now);
  if (is_long_quiet) answer.body = ":\n\n";
  answer.next_target =
      fmt::format("{}?since={}&quiet={}", kPath, now, has_changed || is_long_quiet ? 0 : quiet + 1);
  answer.next_after = kAskedEvery;
  return answer;
}

constexpr Route kRoutes[] = {
    {"GET",
     kPath,
     "Server-sent events: a message whenever something was committed, of this process or another.",
     kParameters,
     &AnswerChanges,
     {.schema = "Change",
      .has_tag = false,
      .content_type = "text/event-stream",
      .not_of_every_store = true}},
};

}  // namespace

absl::Span<const Route> ChangeRoutes() { return kRoutes; }

}  // namespace nerava::analytics::http
