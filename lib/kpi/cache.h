// Keeps the answers of a store: they hold until it changes, which its version tells, also when another
// process did it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/base/fork.h"
#include "lib/base/hash_map.h"
#include "lib/base/mutex.h"
#include "lib/kpi/answer_bytes.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/kpi_cache.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// What is asked: all of it but a period that may slide.
class Question {
 public:
  explicit Question(std::string_view name) { Add(name); }

  Question& Add(std::string_view text) {
    Add(static_cast<std::int64_t>(text.size()));
    key_ += text;
    return *this;
  }
  Question& Add(std::int64_t number) {
    key_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    return *this;
  }
  Question& Add(absl::Time time) { return Add(absl::ToUnixMicros(time)); }
  Question& Add(const Period& period) { return Add(period.from).Add(period.to); }
  Question& Add(const KpiFilter& filter) {
    return Add(filter.region).Add(filter.hub_id).Add(filter.window_id);
  }

  const std::string& key() const { return key_; }

 private:
  std::string key_;
};

// Nothing when the store does not tell, or cannot be asked now.
std::optional<std::uint64_t> VersionOf(Store& store);

// Thread-safe. A forked child begins with an empty one.
class AnswerCache final : private ForkListener {
 public:
  explicit AnswerCache(std::int64_t max_bytes);
  ~AnswerCache() override { Unwatch(); }

  struct Answer {
    std::shared_ptr<const void> value;
    std::size_t bytes = 0;
    std::optional<Slide> slide = {};
  };
  // `kept`: whether the answer will be, so that its slide is of use.
  using Compute = absl::FunctionRef<absl::StatusOr<Answer>(bool kept)>;

  enum class Purpose : std::uint8_t { kAnswer, kWarm };

  // The answer to the question over the period, which is computed once for all who ask at the same
  // time. Never older than what the store held when this was called. Without a period the question has
  // everything. Any number of threads may compute different ones.
  absl::StatusOr<std::shared_ptr<const void>> Get(Store& store, const Question& question,
                                                  const std::optional<Period>& period,
                                                  Compute compute,
                                                  Purpose purpose = Purpose::kAnswer);

  KpiCacheStats stats() const;

 private:
  struct Entry {
    std::string key;     // of the question, with the period
    std::string family;  // ... with the length of the period instead; empty: it does not slide
    Period period;
    Answer answer;
  };
  using Entries = std::list<Entry>;
  // A computation under way, of the threads that wait for it: one that was under way at a fork is never
  // destroyed in the child, where a condition with waiters that do not exist cannot be.
  struct Flight {
    Flight(std::uint64_t version_in, const Period& period_in)
        : version(version_in), period(period_in) {}

    const std::uint64_t version;
    const Period period;
    Condition landed;
    bool done = false;
    absl::StatusOr<Answer> answer = absl::CancelledError("the computation was given up");
  };
  class Landing;

  static bool Covers(const Period& answered, const Answer& answer, const Period& asked);
  std::optional<Answer> Find(const std::string& key, const std::string& family,
                             const Period& period) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SeeVersion(std::uint64_t version) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Keep(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Count(std::uint64_t KpiCacheStats::*counter, Purpose purpose)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Lock(); }
  void AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Unlock(); }
  void AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS override;

  const std::int64_t max_bytes_;

  mutable Mutex mutex_;  // not held while anything is computed
  KpiCacheStats stats_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;  // of the store, for all entries
  Entries entries_ ABSL_GUARDED_BY(mutex_);            // the most recently asked for first
  HashMap<std::string, Entries::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
  HashMap<std::string, Entries::iterator> latest_ ABSL_GUARDED_BY(mutex_);  // by family
  // By family, or by key of what does not slide.
  HashMap<std::string, std::shared_ptr<Flight>> flights_ ABSL_GUARDED_BY(mutex_);
};

// What `ask` answers from one state of the store.
template <typename Value>
absl::StatusOr<Value> CachedRead(AnswerCache& cache, Store& store, const Question& question,
                                 absl::FunctionRef<absl::StatusOr<Value>(ReadTransaction&)> ask) {
  const auto compute = [&](bool) -> absl::StatusOr<AnswerCache::Answer> {
    auto value = ReadStore<Value>(store, ask);
    if (!value.ok()) return value.status();
    const std::size_t bytes = BytesOf(*value);
    return AnswerCache::Answer{std::make_shared<const Value>(*std::move(value)), bytes};
  };
  auto answer = cache.Get(store, question, std::nullopt, compute);
  if (!answer.ok()) return answer.status();
  return *std::static_pointer_cast<const Value>(*std::move(answer));
}

// The sums of a period, which may be those of one a little before.
absl::StatusOr<KpiSummary> CachedSummary(AnswerCache& cache, Store& store, const KpiQuery& query,
                                         AnswerCache::Purpose purpose);

}  // namespace nerava::analytics
