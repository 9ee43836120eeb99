// KPIs over time, in depth, and by people.
#include <utility>

#include "lib/http/questions.h"
#include "lib/http/routes.h"
#include "nerava/analytics/funnel.h"
#include "nerava/analytics/load.h"
#include "nerava/analytics/people.h"

namespace nerava::analytics::http {
namespace {

constexpr std::int64_t kMostSeconds = 3'153'600'000;  // a hundred years
constexpr std::int64_t kWeekSeconds = 604'800;

constexpr Parameter kConversionWindow{
    "conversion_window_s", Kind::kInteger,
    "A step counts only within so many seconds of the start. Default: whenever it came.", 0,
    kMostSeconds};
constexpr Parameter kAbandonAfter{
    "abandon_after_s", Kind::kInteger,
    "So many seconds after its start a session without a stop is abandoned. Default: 86400.", 0,
    kMostSeconds};
constexpr Parameter kLongestSession{
    "longest_session_s", Kind::kInteger,
    "So many seconds after its start at most a session takes part in concurrency. Default: 86400.",
    0, kWeekSeconds};
constexpr Parameter kLengthBin{"length_bin_s", Kind::kInteger,
                               "Seconds of a bin of lengths. Default: 1800.", 1, kWeekSeconds};
constexpr Parameter kEnergyBin{"energy_bin_wh", Kind::kInteger,
                               "Watt-hours of a bin of energies. Default: 5000.", 1, 1'000'000};
constexpr Parameter kLeaders{"leaders", Kind::kInteger,
                             "Users with the longest streaks to list, by their ids. Default: 0.", 0,
                             1'000};

constexpr const Parameter* kTrendParameters[] = {&kDays,   &kFrom, &kTo,     &kTimeZone,
                                                 &kRegion, &kHub,  &kWindow, &kInterval};
constexpr const Parameter* kFunnelParameters[] = {
    &kDays,         &kFrom,      &kTo, &kTimeZone, &kRegion, &kHub, &kWindow, &kConversionWindow,
    &kAbandonAfter, &kBreakdown, &kTop};
constexpr const Parameter* kLoadParameters[] = {&kDays,      &kFrom, &kTo,     &kTimeZone,
                                                &kRegion,    &kHub,  &kWindow, &kLongestSession,
                                                &kBreakdown, &kTop};
constexpr const Parameter* kSizesParameters[] = {
    &kDays, &kFrom, &kTo, &kTimeZone, &kRegion, &kHub, &kWindow, &kLengthBin, &kEnergyBin};
constexpr const Parameter* kPeriodParameters[] = {&kDays,   &kFrom, &kTo,    &kTimeZone,
                                                  &kRegion, &kHub,  &kWindow};
constexpr const Parameter* kPeopleParameters[] = {&kAt, &kTimeZone, &kRegion, &kHub, &kWindow};
constexpr const Parameter* kStreaksParameters[] = {&kAt,  &kTimeZone, &kRegion,
                                                   &kHub, &kWindow,   &kLeaders};

template <typename Kpi>
absl::StatusOr<Answer> AnswerOf(const absl::StatusOr<Kpi>& kpi) {
  if (!kpi.ok()) return kpi.status();
  Answer answer;
  answer.body = analytics::ToJson(*kpi);
  answer.version = answer.body;
  return answer;
}

absl::StatusOr<Answer> AnswerTrend(Call& call) {
  const auto [query, zone] = TakeQuestion(&call);
  const Interval interval = TakeInterval(&call).value_or(Interval::kDay);
  if (!call.parameters.Check()) return Answer{};
  return AnswerOf(call.kpis().GetTrend({query.period, query.filter, interval, zone}));
}

absl::StatusOr<Answer> AnswerRetention(Call& call) {
  const auto [query, zone] = TakeQuestion(&call);
  const Interval interval = TakeInterval(&call).value_or(Interval::kWeek);
  if (interval == Interval::kHour) {
    call.parameters.Refuse(kInterval.name, "enum",
                           "retention is by day, week or month, not by hour");
  }
  if (!call.parameters.Check()) return Answer{};
  return AnswerOf(call.kpis().GetRetention({query.period, query.filter, interval, zone}));
}

std::optional<absl::Duration> TakeSeconds(Call* call, const Parameter& parameter) {
  const auto seconds = call->parameters.Integer(parameter);
  if (!seconds) return std::nullopt;
  return absl::Seconds(*seconds);
}

absl::StatusOr<Answer> AnswerFunnel(Call& call) {
  const Question question = TakeQuestion(&call);
  FunnelQuery query{question.query.period, question.query.filter};
  query.conversion_window = TakeSeconds(&call, kConversionWindow).value_or(query.conversion_window);
  query.abandon_after = TakeSeconds(&call, kAbandonAfter).value_or(query.abandon_after);
  const auto split = TakeSplit(&call);
  if (!call.parameters.Check()) return Answer{};
  return split ? AnswerOf(call.kpis().GetFunnelBreakdown(query, split->dimension, split->top))
               : AnswerOf(call.kpis().GetFunnel(query));
}

absl::StatusOr<Answer> AnswerLoad(Call& call) {
  const Question question = TakeQuestion(&call);
  LoadQuery query{question.query.period, question.query.filter, question.time_zone};
  query.longest_session = TakeSeconds(&call, kLongestSession).value_or(query.longest_session);
  const auto split = TakeSplit(&call);
  if (!call.parameters.Check()) return Answer{};
  return split ? AnswerOf(call.kpis().GetLoadBreakdown(query, split->dimension, split->top))
               : AnswerOf(call.kpis().GetLoad(query));
}

absl::StatusOr<Answer> AnswerSizes(Call& call) {
  constexpr std::int64_t kMilliwattHours = 1000;
  const Question question = TakeQuestion(&call);
  SizesQuery query{question.query.period, question.query.filter};
  query.length_bin = TakeSeconds(&call, kLengthBin).value_or(query.length_bin);
  if (const auto bin = call.parameters.Integer(kEnergyBin)) {
    query.energy_bin_mwh = *bin * kMilliwattHours;
  }
  if (!call.parameters.Check()) return Answer{};
  return AnswerOf(call.kpis().GetSessionSizes(query));
}

absl::StatusOr<Answer> AnswerSessionsPerUser(Call& call) {
  const Question question = TakeQuestion(&call);
  if (!call.parameters.Check()) return Answer{};
  return AnswerOf(call.kpis().GetSessionsPerUser(question.query));
}

absl::StatusOr<Answer> AnswerActiveUsers(Call& call) {
  const PeopleQuery query = TakePeopleQuery(&call);
  if (!call.parameters.Check()) return Answer{};
  return AnswerOf(call.kpis().GetActiveUsers(query));
}

absl::StatusOr<Answer> AnswerStreaks(Call& call) {
  const PeopleQuery query = TakePeopleQuery(&call);
  const auto leaders = call.parameters.Integer(kLeaders).value_or(0);
  if (!call.parameters.Check()) return Answer{};
  return AnswerOf(call.kpis().GetStreaks(query, static_cast<std::size_t>(leaders)));
}

constexpr int kFourWeeks = 28;
constexpr int kTwelveWeeks = 84;

constexpr Route kRoutes[] = {
    {"GET",
     "/v1/analytics/trends",
     "All KPIs by hour, day, week or month. Default: by day.",
     kTrendParameters,
     &AnswerTrend,
     {"Trend"},
     kFourWeeks},
    {"GET",
     "/v1/analytics/funnel",
     "The conversion funnel in depth.",
     kFunnelParameters,
     &AnswerFunnel,
     {"Funnel"}},
    {"GET",
     "/v1/analytics/load",
     "Load by the hour of the week.",
     kLoadParameters,
     &AnswerLoad,
     {"Load"},
     kFourWeeks},
    {"GET",
     "/v1/analytics/session-sizes",
     "How lengths and energies are spread.",
     kSizesParameters,
     &AnswerSizes,
     {"SessionSizes"}},
    {"GET",
     "/v1/analytics/sessions-per-user",
     "How many users have how many sessions.",
     kPeriodParameters,
     &AnswerSessionsPerUser,
     {"SessionsPerUser"}},
    {"GET",
     "/v1/analytics/active-users",
     "Daily, weekly and monthly active users.",
     kPeopleParameters,
     &AnswerActiveUsers,
     {"ActiveUsers"}},
    {"GET",
     "/v1/analytics/streaks",
     "Consecutive days with a session.",
     kStreaksParameters,
     &AnswerStreaks,
     {"Streaks"}},
    {"GET",
     "/v1/analytics/retention",
     "Who comes back, by the day, week or month of the first session. Default: by week.",
     kTrendParameters,
     &AnswerRetention,
     {"Retention"},
     kTwelveWeeks},
};

}  // namespace

absl::Span<const Route> ReportRoutes() { return kRoutes; }

}  // namespace nerava::analytics::http
