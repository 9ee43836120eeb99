// Drops NERAVA_BENCH_ROWS expired events (default 1,000,000, over 90 days) while two threads publish:
// how long that takes, how long a step holds up commits, and how long publishers wait, beside as much
// publishing without it. Before that it erases two of the users in the same way.
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/analytics.h"
#include "tests/bench/traffic.h"

namespace nerava::analytics::bench {
namespace {

constexpr int kPublishers = 2;

struct FixedClock final : Clock {
  absl::Time Now() const override { return kEnd + absl::Hours(24 * 91); }
};

double Milliseconds(std::chrono::steady_clock::time_point begin) {
  const auto passed = std::chrono::steady_clock::now() - begin;
  return std::chrono::duration<double, std::milli>(passed).count();
}

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

// Publishes about 2,000 events a second until told to stop. Milliseconds of each call, sorted.
class Publishers {
 public:
  explicit Publishers(Pipeline& pipeline) {
    for (int i = 0; i < kPublishers; ++i) {
      threads_.emplace_back([this, &pipeline, i] { Run(pipeline, i); });
    }
  }
  void AwaitCalls(std::int64_t calls) const {
    for (std::int64_t seen = calls_; seen < calls; seen = calls_) calls_.wait(seen);
  }
  std::vector<double> Stop() {
    stopped_ = true;
    for (std::thread& thread : threads_) thread.join();
    std::vector<double> all;
    for (const auto& one : waits_) all.insert(all.end(), one.begin(), one.end());
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  void Run(Pipeline& pipeline, int thread) {
    for (int i = 0; !stopped_; ++i) {
      ChargeStarted event;
      event.session_id = fmt::format("live-{}-{}-{}", fmt::ptr(this), thread, i);
      event.user_id = "somebody";
      event.hub_id = "hub";
      const auto begin = std::chrono::steady_clock::now();
      const auto published = pipeline.Publish(std::move(event));
      waits_[static_cast<std::size_t>(thread)].push_back(Milliseconds(begin));
      if (!published.ok()) Die(published.status());
      ++calls_;
      calls_.notify_one();
      std::this_thread::sleep_until(begin + std::chrono::milliseconds(1));
    }
  }

  std::atomic<bool> stopped_{false};
  std::atomic<std::int64_t> calls_{0};
  std::vector<std::vector<double>> waits_{kPublishers};
  std::vector<std::thread> threads_;
};

void Print(const char* when, const std::vector<double>& waits) {
  std::printf("publish, %-18s %6zu calls  p50 %.3f  p99 %.3f  max %.3f ms\n", when, waits.size(),
              waits[waits.size() / 2], waits[waits.size() * 99 / 100], waits.back());
}

int Main() {
  std::string dir = (std::filesystem::temp_directory_path() / "nerava-bench-XXXXXX").string();
  if (mkdtemp(dir.data()) == nullptr) return 1;
  Options options;
  options.database_url = "sqlite:///" + dir + "/events.db";
  options.data_retention.enabled = false;  // by hand, here
  const FixedClock clock;
  auto pipeline = Pipeline::Open(options, clock);
  if (!pipeline.ok()) Die(pipeline.status());
  const char* variable = std::getenv("NERAVA_BENCH_ROWS");
  const std::int64_t rows = variable != nullptr ? std::atoll(variable) : 1'000'000;
  Traffic traffic(rows);
  for (std::int64_t i = 0; i < rows; i += 10'000) {
    auto committed = CommitBatch(*(*pipeline)->store(), traffic.Batch(10'000), kEnd);
    if (!committed.ok()) Die(committed.status());
  }
  const auto size = [&] {
    return static_cast<double>(std::filesystem::file_size(dir + "/events.db")) / 1e6;
  };
  if (auto synced = (*pipeline)->store()->Sync(); !synced.ok()) Die(synced);
  std::printf("%.1f MB\n", size());

  for (const auto totals : {ErasedTotals::kKeep, ErasedTotals::kRemove}) {
    Publishers meanwhile(**pipeline);
    meanwhile.AwaitCalls(100);
    const auto begin = std::chrono::steady_clock::now();
    const auto erased = (*pipeline)->EraseUser(
        totals == ErasedTotals::kKeep ? "user-00042" : "user-00043", totals, absl::Hours(1));
    const double milliseconds = Milliseconds(begin);
    if (!erased.ok()) Die(erased.status());
    std::printf("erased a user in %.3f s: %s\n", milliseconds / 1e3, ToJson(*erased).c_str());
    Print("while it erased", meanwhile.Stop());
  }

  Publishers during(**pipeline);
  during.AwaitCalls(100);
  const auto run = (*pipeline)->ApplyRetention();
  if (!run.ok()) Die(run.status());
  const std::vector<double> waits = during.Stop();
  std::printf(
      "dropped %lld events of %lld days in %.3f s, %lld steps, the longest %.1f ms; "
      "%.1f MB given back\n",
      static_cast<long long>(run->events), static_cast<long long>(run->aggregate_days),
      absl::ToDoubleSeconds(run->duration), static_cast<long long>(run->steps),
      absl::ToDoubleMilliseconds(run->longest_step), static_cast<double>(run->freed_bytes) / 1e6);
  Publishers after(**pipeline);
  after.AwaitCalls(static_cast<std::int64_t>(waits.size()));
  Print("while it dropped", waits);
  Print("without", after.Stop());
  (*pipeline)->Close();
  pipeline->reset();
  std::printf("%.1f MB\n", size());
  std::filesystem::remove_all(dir);
  return 0;
}

}  // namespace
}  // namespace nerava::analytics::bench

int main() { return nerava::analytics::bench::Main(); }
