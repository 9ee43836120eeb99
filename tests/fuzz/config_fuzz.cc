// Any environment and any options: refused with a reason, or a pipeline runs with them.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "nerava/analytics/pipeline.h"
#include "tests/fuzz/require.h"

namespace nerava::analytics::fuzz {
namespace {

// An absolute path or one that leads out of the working directory would make files anywhere.
bool StaysHere(std::string_view url) {
  return url.find("/..") == std::string_view::npos && url.find("////") == std::string_view::npos;
}

absl::Duration AnyDuration(FuzzedDataProvider& input) {
  if (input.ConsumeBool()) return absl::Milliseconds(input.ConsumeIntegral<std::int32_t>());
  return input.ConsumeBool() ? absl::Nanoseconds(input.ConsumeIntegral<std::int64_t>())
                             : absl::Seconds(input.ConsumeIntegral<std::int64_t>());
}

// Half of them small, so that some are in their range.
std::size_t AnySize(FuzzedDataProvider& input) {
  return input.ConsumeBool() ? input.ConsumeIntegral<std::uint16_t>()
                             : input.ConsumeIntegral<std::size_t>();
}

// `valid`: whether all but the URL is known to be.
void Run(Options options, bool valid) {
  if (!StaysHere(options.database_url)) options.database_url = "memory:";
  options.writer.journal.durability = Durability::kMemory;
  auto pipeline = Pipeline::Open(options);
  if (!valid) return Require(!pipeline.ok(), "a pipeline has options that are refused");
  if (!pipeline.ok()) {
    return Require(options.database_url != "memory:", "refused: " + pipeline.status().ToString());
  }
  ChargeStarted event;
  event.session_id = "s";
  Require((*pipeline)->Publish(event).ok(), "the first event is refused");
  Require((*pipeline)->Close() == 0, "the first event is not stored");
}

void Check(FuzzedDataProvider& input) {
  for (const char* name :
       {"ANALYTICS_ENABLED", "ANALYTICS_DATABASE_URL", "ANALYTICS_REGION", "REGION",
        "ANALYTICS_BATCH_SIZE", "ANALYTICS_FLUSH_INTERVAL", "ANALYTICS_OVERFLOW",
        "ANALYTICS_DURABILITY", "ANALYTICS_JOURNAL_DIR", "ANALYTICS_SYNC_INTERVAL"}) {
    unsetenv(name);
    if (input.ConsumeBool()) setenv(name, input.ConsumeRandomLengthString().c_str(), 1);
  }
  const absl::StatusOr<Options> read = Options::FromEnvironment();
  if (!read.ok()) {
    Require(absl::IsInvalidArgument(read.status()), "the code is " + read.status().ToString());
    return;
  }
  Require(read->Validate().ok(), "the environment gave " + read->Validate().ToString());

  Options options = *read;
  BatchWriterOptions& writer = options.writer;
  if (input.ConsumeBool()) options.bus.recent_capacity = AnySize(input);
  if (input.ConsumeBool()) writer.batch_size = AnySize(input);
  if (input.ConsumeBool()) writer.max_batch_size = AnySize(input);
  if (input.ConsumeBool()) writer.queue_capacity = AnySize(input);
  if (input.ConsumeBool()) writer.flush_interval = AnyDuration(input);
  if (input.ConsumeBool()) writer.overflow_timeout = AnyDuration(input);
  if (input.ConsumeBool()) writer.retry_initial_backoff = AnyDuration(input);
  if (input.ConsumeBool()) writer.retry_max_backoff = AnyDuration(input);
  if (input.ConsumeBool()) writer.journal.sync_interval = AnyDuration(input);
  if (input.ConsumeBool()) writer.journal.max_bytes = input.ConsumeIntegral<std::int64_t>();
  if (input.ConsumeBool()) writer.journal.segment_bytes = input.ConsumeIntegral<std::int64_t>();
  StoreOptions& store = options.store;
  if (input.ConsumeBool()) store.sqlite_cache_bytes = input.ConsumeIntegral<std::int64_t>();
  if (input.ConsumeBool()) store.sqlite_busy_timeout = AnyDuration(input);
  if (input.ConsumeBool()) store.sqlite_partition_rows = input.ConsumeIntegral<std::int64_t>();

  const absl::Status valid = options.Validate();
  Require(valid.ok() || absl::IsInvalidArgument(valid), "the code is " + valid.ToString());
  // A pipeline costs much more time, and one with a file most.
  if (input.ConsumeIntegralInRange(0, 7) == 7) Run(options, valid.ok());
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  nerava::analytics::fuzz::Check(input);
  return 0;
}
