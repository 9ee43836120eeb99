#include "lib/kpi/json.h"
#include "nerava/analytics/load.h"

namespace nerava::analytics {
namespace {

void AddCells(const Load& load, JsonObjectWriter* json) {
  std::int64_t hour = 0;
  json->Json("cells", ArrayJson(load.cells, [&](const LoadCell& cell) {
               const std::int64_t of_week = hour++;
               return ObjectJson([&](JsonObjectWriter& writer) {
                 AddNumbers({{"weekday", of_week / 24 + 1},  // as in ISO 8601: Monday is 1
                             {"hour", of_week % 24},
                             {"sessions_started", cell.sessions_started},
                             {"total_sessions", cell.total_sessions},
                             {"energy_kwh", cell.energy_kwh},
                             {"avg_concurrency", cell.avg_concurrency},
                             {"peak_concurrency", cell.peak_concurrency}},
                            &writer);
               });
             }));
}

std::string SizesJson(const Sizes& sizes) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddNumbers({{"sessions", sizes.sessions},
                {"p10", sizes.p10},
                {"median", sizes.median},
                {"p90", sizes.p90},
                {"max", sizes.max},
                {"bin", sizes.bin}},
               &json);
    json.Json("bins",
              ArrayJson(sizes.bins, [](std::int64_t sessions) { return JsonOf(sessions); }));
  });
}

}  // namespace

std::string ToJson(const Load& load) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddPeriod(load.period, &json);
    AddCells(load, &json);
  });
}

std::string ToJson(const LoadBreakdown& breakdown) {
  return BreakdownJson(breakdown, &LoadRow::load, AddCells);
}

std::string ToJson(const SessionSizes& sizes) {
  return ObjectJson([&](JsonObjectWriter& json) {
    AddPeriod(sizes.period, &json);
    json.Json("length_minutes", SizesJson(sizes.length_minutes));
    json.Json("energy_kwh", SizesJson(sizes.energy_kwh));
  });
}

}  // namespace nerava::analytics
