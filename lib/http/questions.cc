#include "lib/http/questions.h"

#include <utility>

#include "fmt/format.h"
#include "lib/kpi/calendar.h"

namespace nerava::analytics::http {
namespace {

// Its name, and UTC until Check tells that there is none of that name.
std::pair<std::string, absl::TimeZone> TakeZone(Call* call) {
  std::string name = call->parameters.Text(kTimeZone);
  if (name.empty()) name = "UTC";
  auto zone = FindTimeZone(name);
  if (!zone.ok()) {
    call->parameters.Refuse(kTimeZone.name, "time_zone", std::string(zone.status().message()));
    return {"UTC", absl::UTCTimeZone()};
  }
  return {std::move(name), *zone};
}

KpiFilter TakeFilter(Call* call) {
  Parameters& parameters = call->parameters;
  return {parameters.Text(kRegion), parameters.Text(kHub), parameters.Text(kWindow)};
}

}  // namespace

Question TakeQuestion(Call* call) {
  Parameters& parameters = call->parameters;
  auto [name, zone] = TakeZone(call);
  Question question{{{}, TakeFilter(call)}, std::move(name)};
  if (parameters.has(kDays) && parameters.has(kFrom)) {
    parameters.Refuse(kDays.name, "conflict",
                      "days and from are both given; give days, or from and to");
  }
  const auto days = static_cast<int>(parameters.Integer(kDays).value_or(call->default_days));
  const auto from = parameters.Time(kFrom, zone);
  const auto to = parameters.Time(kTo, zone);
  const auto last = call->kpis().LastDays(days);
  if (!last.ok()) return question;  // cannot be: days was checked
  Period& period = question.query.period;
  period = last->period;
  if (to) period = {*to - days * absl::Hours(24), *to};
  if (from) period.from = *from;
  if (period.from > period.to) {
    parameters.Refuse(kFrom.name, "period", "from is after to, or after now");
  } else if (period.from < absl::UnixEpoch()) {
    parameters.Refuse(kFrom.name, "period", "the period begins before 1970");
  }
  return question;
}

PeopleQuery TakePeopleQuery(Call* call) {
  auto [name, zone] = TakeZone(call);
  PeopleQuery query;
  query.at = call->parameters.Time(kAt, zone);
  query.filter = TakeFilter(call);
  query.time_zone = std::move(name);
  return query;
}

std::optional<Split> TakeSplit(Call* call) {
  constexpr std::int64_t kDefaultTop = 10;
  const auto dimension = call->parameters.Choice(kBreakdown);
  const auto top = call->parameters.Integer(kTop);
  if (!dimension) {
    if (top) call->parameters.Refuse(kTop.name, "conflict", "top is given without breakdown");
    return std::nullopt;
  }
  return Split{static_cast<Dimension>(*dimension),
               static_cast<std::size_t>(top.value_or(kDefaultTop))};
}

std::optional<Interval> TakeInterval(Call* call) {
  const auto interval = call->parameters.Choice(kInterval);
  if (!interval) return std::nullopt;
  return static_cast<Interval>(*interval);
}

}  // namespace nerava::analytics::http
