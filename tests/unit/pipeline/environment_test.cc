// Options from environment variables.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "nerava/analytics/options.h"

namespace nerava::analytics {
namespace {

// Takes every variable out of the environment, and puts it back at the end.
class CleanEnvironment {
 public:
  CleanEnvironment() {
    for (const char* name :
         {"ANALYTICS_ENABLED", "ANALYTICS_DATABASE_URL", "ANALYTICS_REGION", "REGION",
          "ANALYTICS_BATCH_SIZE", "ANALYTICS_FLUSH_INTERVAL", "ANALYTICS_OVERFLOW",
          "ANALYTICS_DURABILITY", "ANALYTICS_JOURNAL_DIR", "ANALYTICS_SYNC_INTERVAL",
          "ANALYTICS_RETENTION", "ANALYTICS_KEEP_EVENTS", "ANALYTICS_KEEP_AGGREGATES",
          "ANALYTICS_KEEP_SNAPSHOTS", "ANALYTICS_KPI_CACHE_BYTES", "ANALYTICS_KPI_WARM_DAYS"}) {
      const char* value = std::getenv(name);
      saved_.push_back({name, value == nullptr ? std::nullopt : std::optional<std::string>(value)});
      unsetenv(name);
    }
  }
  ~CleanEnvironment() {
    for (const auto& [name, value] : saved_) {
      value ? setenv(name, value->c_str(), 1) : unsetenv(name);
    }
  }
  void Set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }

 private:
  std::vector<std::pair<const char*, std::optional<std::string>>> saved_;
};

std::string Refusal() {
  const auto options = Options::FromEnvironment();
  return options.ok() ? "accepted" : options.status().ToString();
}

TEST_CASE("Without variables the defaults stay as they are") {
  CleanEnvironment environment;
  Options defaults;
  defaults.region = "mine";
  defaults.writer.batch_size = 7;
  defaults.enabled = false;
  const auto options = Options::FromEnvironment(defaults);
  REQUIRE(options.ok());
  CHECK(options->region == "mine");
  CHECK(options->writer.batch_size == 7);
  CHECK_FALSE(options->enabled);
  CHECK(Options::FromEnvironment()->database_url == Options().database_url);
}

TEST_CASE("A variable that is set but empty counts as unset") {
  CleanEnvironment environment;
  for (const char* name :
       {"ANALYTICS_ENABLED", "ANALYTICS_DATABASE_URL", "ANALYTICS_REGION", "ANALYTICS_BATCH_SIZE",
        "ANALYTICS_FLUSH_INTERVAL", "ANALYTICS_OVERFLOW", "ANALYTICS_DURABILITY",
        "ANALYTICS_JOURNAL_DIR", "ANALYTICS_SYNC_INTERVAL"}) {
    environment.Set(name, "");
  }
  environment.Set("REGION", "eu");
  const auto options = Options::FromEnvironment();
  REQUIRE(options.ok());
  CHECK(options->enabled);
  CHECK(options->region == "eu");
  CHECK(options->writer.batch_size == BatchWriterOptions().batch_size);
  CHECK_FALSE(options->writer.journal.durability);
}

TEST_CASE("ANALYTICS_ENABLED takes the usual words in any case") {
  CleanEnvironment environment;
  for (const char* word : {"true", "True", "1", "yes", "ON"}) {
    environment.Set("ANALYTICS_ENABLED", word);
    REQUIRE(Options::FromEnvironment().ok());
    CHECK(Options::FromEnvironment()->enabled);
  }
  for (const char* word : {"false", "FALSE", "0", "no", "off"}) {
    environment.Set("ANALYTICS_ENABLED", word);
    REQUIRE(Options::FromEnvironment().ok());
    CHECK_FALSE(Options::FromEnvironment()->enabled);
  }
  environment.Set("ANALYTICS_ENABLED", "maybe");
  CHECK(Refusal() ==
        "INVALID_ARGUMENT: ANALYTICS_ENABLED is \"maybe\"; it must be true or false (or 1/0, "
        "yes/no, on/off)");
}

TEST_CASE("ANALYTICS_DATABASE_URL is taken, and not shown when it is no URL") {
  CleanEnvironment environment;
  environment.Set("ANALYTICS_DATABASE_URL", "memory:");
  CHECK(Options::FromEnvironment()->database_url == "memory:");
  environment.Set("ANALYTICS_DATABASE_URL", "secret");
  CHECK(Refusal().find("ANALYTICS_DATABASE_URL is no URL") != std::string::npos);
  CHECK(Refusal().find("secret") == std::string::npos);
}

TEST_CASE("ANALYTICS_REGION goes before REGION, and both are checked") {
  CleanEnvironment environment;
  environment.Set("REGION", "b");
  CHECK(Options::FromEnvironment()->region == "b");
  environment.Set("ANALYTICS_REGION", "a");
  CHECK(Options::FromEnvironment()->region == "a");
  environment.Set("ANALYTICS_REGION", std::string(50, 'x'));
  CHECK(Options::FromEnvironment().ok());
  environment.Set("ANALYTICS_REGION", std::string(51, 'x'));
  CHECK(Refusal().find("ANALYTICS_REGION is 51 bytes long") != std::string::npos);
  environment.Set("ANALYTICS_REGION", "");
  environment.Set("REGION", "\xff");
  CHECK(Refusal().find(": REGION is ") != std::string::npos);
}

TEST_CASE("ANALYTICS_BATCH_SIZE is a whole number in its range") {
  CleanEnvironment environment;
  environment.Set("ANALYTICS_BATCH_SIZE", "250");
  CHECK(Options::FromEnvironment()->writer.batch_size == 250);
  for (const char* bad : {"abc", "0", "1000001", "-1", "1.5", "10 ", "99999999999999999999"}) {
    environment.Set("ANALYTICS_BATCH_SIZE", bad);
    CHECK(Refusal() == std::string("INVALID_ARGUMENT: ANALYTICS_BATCH_SIZE is \"") + bad +
                           "\"; it must be a whole number from 1 to 1000000");
  }
}

TEST_CASE("The largest ANALYTICS_BATCH_SIZE makes valid options") {
  CleanEnvironment environment;
  environment.Set("ANALYTICS_BATCH_SIZE", "1000000");
  const auto options = Options::FromEnvironment();
  REQUIRE(options.ok());
  CHECK(options->writer.batch_size == 1'000'000);
  CHECK(options->Validate().ok());
}

TEST_CASE("ANALYTICS_FLUSH_INTERVAL is seconds, with a fraction, in its range") {
  CleanEnvironment environment;
  for (const auto& [text, expected] :
       std::vector<std::pair<const char*, absl::Duration>>{{"30", absl::Seconds(30)},
                                                           {"0.25", absl::Milliseconds(250)},
                                                           {"0.001", absl::Milliseconds(1)},
                                                           {"86400", absl::Hours(24)}}) {
    environment.Set("ANALYTICS_FLUSH_INTERVAL", text);
    const auto options = Options::FromEnvironment();
    REQUIRE(options.ok());
    CHECK(options->writer.flush_interval == expected);
    CHECK(options->Validate().ok());
  }
  for (const char* bad : {"abc", "0", "0.0009", "86401", "-1", "30s", "nan", "inf", "1e3"}) {
    environment.Set("ANALYTICS_FLUSH_INTERVAL", bad);
    CHECK(Refusal() == std::string("INVALID_ARGUMENT: ANALYTICS_FLUSH_INTERVAL is \"") + bad +
                           "\"; it must be a number of seconds from 0.001 to 86400");
  }
}

TEST_CASE("ANALYTICS_DURABILITY takes its three words in any case") {
  CleanEnvironment environment;
  for (const auto& [word, expected] :
       std::vector<std::pair<const char*, Durability>>{{"memory", Durability::kMemory},
                                                       {"Process", Durability::kProcess},
                                                       {"POWER", Durability::kPower}}) {
    environment.Set("ANALYTICS_DURABILITY", word);
    REQUIRE(Options::FromEnvironment().ok());
    CHECK(Options::FromEnvironment()->writer.journal.durability == expected);
  }
  environment.Set("ANALYTICS_DURABILITY", "disk");
  CHECK(Refusal() ==
        "INVALID_ARGUMENT: ANALYTICS_DURABILITY is \"disk\"; it must be memory, process or power");
}

TEST_CASE("ANALYTICS_OVERFLOW takes its three words in any case") {
  CleanEnvironment environment;
  for (const auto& [word, expected] :
       std::vector<std::pair<const char*, Overflow>>{{"block", Overflow::kBlock},
                                                     {"REJECT", Overflow::kReject},
                                                     {"drop_oldest", Overflow::kDropOldest}}) {
    environment.Set("ANALYTICS_OVERFLOW", word);
    REQUIRE(Options::FromEnvironment().ok());
    CHECK(Options::FromEnvironment()->writer.overflow == expected);
  }
  environment.Set("ANALYTICS_OVERFLOW", "drop-oldest");
  CHECK(Refusal() ==
        "INVALID_ARGUMENT: ANALYTICS_OVERFLOW is \"drop-oldest\"; it must be block, reject or "
        "drop_oldest");
}

TEST_CASE("ANALYTICS_JOURNAL_DIR and ANALYTICS_SYNC_INTERVAL set up the journal") {
  CleanEnvironment environment;
  environment.Set("ANALYTICS_JOURNAL_DIR", "/var/lib/nerava/journal");
  environment.Set("ANALYTICS_SYNC_INTERVAL", "0.25");
  const auto options = Options::FromEnvironment();
  REQUIRE(options.ok());
  CHECK(options->writer.journal.directory == "/var/lib/nerava/journal");
  CHECK(options->writer.journal.sync_interval == absl::Milliseconds(250));
  for (const char* bad : {"abc", "0", "0.0009", "3601", "-1", "1s"}) {
    environment.Set("ANALYTICS_SYNC_INTERVAL", bad);
    CHECK(Refusal() == std::string("INVALID_ARGUMENT: ANALYTICS_SYNC_INTERVAL is \"") + bad +
                           "\"; it must be a number of seconds from 0.001 to 3600");
  }
}

TEST_CASE("ANALYTICS_RETENTION and ANALYTICS_KEEP_... say what is kept how long") {
  CleanEnvironment environment;
  environment.Set("ANALYTICS_RETENTION", "Off");
  environment.Set("ANALYTICS_KEEP_EVENTS", "30");
  environment.Set("ANALYTICS_KEEP_AGGREGATES", "400");
  environment.Set("ANALYTICS_KEEP_SNAPSHOTS", "forever");
  const auto options = Options::FromEnvironment();
  REQUIRE(options.ok());
  CHECK_FALSE(options->data_retention.enabled);
  CHECK(options->data_retention.events == 30 * absl::Hours(24));
  CHECK(options->data_retention.aggregates == 400 * absl::Hours(24));
  CHECK(options->data_retention.snapshots == absl::InfiniteDuration());
  for (const char* bad : {"1", "36501", "-3", "3d", "for ever"}) {
    environment.Set("ANALYTICS_KEEP_EVENTS", bad);
    CHECK(Refusal() == std::string("INVALID_ARGUMENT: ANALYTICS_KEEP_EVENTS is \"") + bad +
                           "\"; it must be a whole number of days from 2 to 36500, or forever");
  }
}

TEST_CASE("ANALYTICS_KPI_CACHE_BYTES and ANALYTICS_KPI_WARM_DAYS set up the cache of answers") {
  CleanEnvironment environment;
  environment.Set("ANALYTICS_KPI_CACHE_BYTES", "0");
  environment.Set("ANALYTICS_KPI_WARM_DAYS", "7,1830");
  const auto options = Options::FromEnvironment();
  REQUIRE(options.ok());
  CHECK(options->kpi_cache.max_bytes == 0);
  CHECK(options->kpi_cache.warm_days == std::vector<int>{7, 1830});
  for (const auto& [bad, expected] :
       {std::pair{"7,", "numbers of days with commas between, 7,30 say"},
        std::pair{"7 30", "numbers of days with commas between, 7,30 say"},
        std::pair{"0", "up to 20 numbers from 1 to 1830"},
        std::pair{"1831", "up to 20 numbers from 1 to 1830"}}) {
    environment.Set("ANALYTICS_KPI_WARM_DAYS", bad);
    CHECK(Refusal() ==
          fmt::format("INVALID_ARGUMENT: ANALYTICS_KPI_WARM_DAYS is \"{}\"; it must be {}", bad,
                      expected));
  }
  environment.Set("ANALYTICS_KPI_WARM_DAYS", "");
  for (const char* bad : {"-1", "1073741825"}) {
    environment.Set("ANALYTICS_KPI_CACHE_BYTES", bad);
    CHECK(Refusal() == std::string("INVALID_ARGUMENT: ANALYTICS_KPI_CACHE_BYTES is \"") + bad +
                           "\"; it must be from 0 to 1073741824");
  }
}

TEST_CASE("Validate names the option that is out of its range") {
  const auto refusal = [](auto change) {
    Options options;
    change(options);
    return options.Validate().ToString();
  };
  CHECK(Options().Validate().ok());
  CHECK(refusal([](Options& o) { o.region = ""; }).find("region is") != std::string::npos);
  CHECK(refusal([](Options& o) { o.database_url = ""; }).find("database_url") != std::string::npos);
  CHECK(refusal([](Options& o) { o.writer.batch_size = 0; }).find("batch_size is 0") !=
        std::string::npos);
  CHECK(refusal([](Options& o) { o.store.sqlite_cache_bytes = -1; }).find("sqlite_cache_bytes") !=
        std::string::npos);
  CHECK(refusal([](Options& o) {
          o.store.sqlite_busy_timeout = -absl::Seconds(1);
        }).find("sqlite_busy_timeout") != std::string::npos);
  CHECK(refusal([](Options& o) { o.store.sqlite_busy_timeout = absl::Hours(25); }) ==
        "INVALID_ARGUMENT: sqlite_busy_timeout is 25h; it must be from 0 to 24h");
  CHECK(refusal([](Options& o) {
          o.store.sqlite_partition_rows = 999;
        }).find("sqlite_partition_rows is 999") != std::string::npos);
}

}  // namespace
}  // namespace nerava::analytics
