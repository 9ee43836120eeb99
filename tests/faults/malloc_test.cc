// Memory that runs out, at one allocation after the other, in each call of the C ABI: a clean error,
// no crash, and what was accepted is stored all the same.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "nerava_analytics.h"
#include "tests/faults/failing_malloc.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kPatienceMs = 30'000;
constexpr std::int64_t kFrom = 1'760'000'000'000'000;

// One pipeline on a file of its own, and how many sessions were started on it. Allocates nothing
// itself but at its beginning.
class Program {
 public:
  ~Program() { Free(); }

  nva_status Open() {
    nva_pipeline_options options;
    nva_status status = nva_pipeline_options_init(&options, sizeof options);
    options.database_url = {url_.data(), url_.size()};
    options.batch_size = 3;
    options.retry_initial_backoff_ms = 1;
    options.retry_max_backoff_ms = 5;
    options.sqlite_cache_bytes = 1 << 20;
    if (status == NVA_OK) status = nva_pipeline_open(&options, &pipeline_);
    return status;
  }

  nva_status Publish() {
    char id[] = "00000000-0000-4000-8000-000000000000";
    id[sizeof id - 2] = static_cast<char>('0' + attempts_++);
    nva_charge_started event;
    nva_status status = nva_charge_started_init(&event, sizeof event);
    event.session_id = event.event_id = nva_str(id);
    event.user_id = nva_str("user");
    event.hub_id = nva_str("hub");
    event.started_at_us = kFrom;
    if (status == NVA_OK) status = nva_publish_charge_started(pipeline_, &event, nullptr);
    if (status == NVA_OK) ++accepted_;
    return status;
  }

  nva_status Flush() { return nva_pipeline_flush(pipeline_, kPatienceMs, nullptr); }
  nva_status Close() { return nva_pipeline_close(pipeline_, kPatienceMs, nullptr); }

  nva_status Look() {
    char* json = nullptr;
    nva_status status = nva_pipeline_stats_json(pipeline_, &json);
    nva_free(json);
    if (status == NVA_OK) status = nva_pipeline_health_json(pipeline_, &json);
    nva_free(json);
    std::int64_t ignored = 0;
    return status == NVA_OK ? CountStarted(&ignored) : status;
  }

  nva_status CountStarted(std::int64_t* started) {
    nva_kpi* kpi = nullptr;
    nva_status status = nva_pipeline_kpi(pipeline_, &kpi);
    nva_kpi_query query;
    if (status == NVA_OK) status = nva_kpi_query_init(&query, sizeof query);
    query.from_us = kFrom;
    query.to_us = kFrom + 1;
    nva_conversion_funnel funnel;
    if (status == NVA_OK) {
      status = nva_kpi_conversion_funnel(kpi, &query, &funnel, sizeof funnel);
    }
    if (status == NVA_OK) *started = funnel.sessions_started;
    nva_kpi_free(kpi);
    return status;
  }

  void Free() {
    nva_pipeline_free(pipeline_);
    pipeline_ = nullptr;
  }
  std::int64_t accepted() const { return accepted_; }

 private:
  const testing::TempDir folder_;
  const std::string url_ = folder_.SqliteUrl("events.db");
  nva_pipeline* pipeline_ = nullptr;
  int attempts_ = 0;
  std::int64_t accepted_ = 0;
};

struct Step {
  const char* name;
  std::vector<nva_status (Program::*)()> before;  // done with enough memory
  nva_status (Program::*tried)();
};

const Step kSteps[] = {
    {"open", {}, &Program::Open},
    {"publish", {&Program::Open}, &Program::Publish},
    {"publish what fills a batch",
     {&Program::Open, &Program::Publish, &Program::Publish},
     &Program::Publish},
    {"flush", {&Program::Open, &Program::Publish}, &Program::Flush},
    {"read KPIs, stats and health",
     {&Program::Open, &Program::Publish, &Program::Flush},
     &Program::Look},
    {"close", {&Program::Open, &Program::Publish}, &Program::Close},
};

// Does the step with the n-th allocation failing. How many allocations there were; none fails when
// n is 0.
long Try(const Step& step, long n) {
  INFO(step.name << ", allocation " << n);
  Program program;
  for (const auto before : step.before) REQUIRE((program.*before)() == NVA_OK);
  FailMalloc(n);
  const nva_status status = (program.*step.tried)();
  const long allocations = StopFailing();
  const std::string error = nva_last_error_message();
  INFO(nva_status_name(status) << ": " << error);
  if (status != NVA_OK) CHECK_THAT(error, Catch::Contains("memory"));
  // What cannot be read is UNAVAILABLE to those who ask for stats, whatever the reason.
  const nva_status expected =
      step.tried == &Program::Look ? NVA_UNAVAILABLE : NVA_RESOURCE_EXHAUSTED;
  if (status != NVA_OK && status != expected) CHECK(status == NVA_RESOURCE_EXHAUSTED);

  // With memory again all goes on, or can be begun anew.
  program.Free();
  REQUIRE(program.Open() == NVA_OK);
  REQUIRE(program.Publish() == NVA_OK);
  CHECK(program.Flush() == NVA_OK);
  std::int64_t started = 0;
  CHECK(program.CountStarted(&started) == NVA_OK);
  CHECK(started == program.accepted());
  return allocations;
}

TEST_CASE("each allocation that fails is a clean error, and loses nothing") {
  const char* wants_long = std::getenv("NERAVA_LONG");
  const bool all = wants_long != nullptr && *wants_long == '1';
  for (const Step& step : kSteps) {
    const long allocations = Try(step, 0);
    const long stride = all ? 1 : 1 + allocations / 40;
    for (long n = 1; n <= allocations; n += stride) Try(step, n);
  }
}

TEST_CASE("control: the allocator does fail") {
  // A thread's first call registers the end of its last error; glibc aborts without memory for that.
  REQUIRE(nva_last_error_message() != nullptr);
  Program program;
  FailMalloc(1);
  const nva_status status = program.Open();
  StopFailing();
  CHECK(status == NVA_RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace nerava::analytics
