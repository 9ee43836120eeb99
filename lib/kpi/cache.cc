#include "lib/kpi/cache.h"

#include <iterator>

#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/kpi/read.h"
#include "lib/kpi/scan.h"
#include "nerava/analytics/money.h"

namespace nerava::analytics {
namespace {

// What an entry takes beside its answer.
constexpr std::size_t kEntryBytes = 512;
// A period slides by less, see FindSlide.
constexpr absl::Duration kLongestSlide = absl::Minutes(5);
// An answer that takes more than this share of the room is not kept.
constexpr std::int64_t kLargestShare = 4;

}  // namespace

std::optional<std::uint64_t> VersionOf(Store& store) {
  auto version = GuardedFromStore([&] { return store.Version(); });
  return version.ok() ? *version : std::nullopt;
}

absl::Status KpiCacheOptions::Validate() const {
  constexpr std::int64_t kMostBytes = 1 << 30;
  constexpr std::size_t kMostWarm = 20;
  if (max_bytes < 0 || max_bytes > kMostBytes) {
    return absl::InvalidArgumentError(
        fmt::format("kpi_cache.max_bytes is {}; it must be from 0 to {}", max_bytes, kMostBytes));
  }
  if (warm_days.size() > kMostWarm) {
    return absl::InvalidArgumentError(fmt::format(
        "kpi_cache.warm_days has {} numbers; it may have up to {}", warm_days.size(), kMostWarm));
  }
  for (const int days : warm_days) {
    if (days < 1 || days > Period::kMaxDays) {
      return absl::InvalidArgumentError(fmt::format(
          "kpi_cache.warm_days has {}; each must be from 1 to {}", days, Period::kMaxDays));
    }
  }
  return absl::OkStatus();
}

double KpiCacheStats::hit_rate() const {
  const auto found = static_cast<std::int64_t>(hits + shared);
  return RoundedRatio(found, found + static_cast<std::int64_t>(misses), 100);
}

AnswerCache::AnswerCache(std::int64_t max_bytes)
    : ForkListener(Order::kOther), max_bytes_(max_bytes) {
  Watch();
}

// Ends a flight, whatever became of it.
class AnswerCache::Landing {
 public:
  // Cannot fail: others may wait for it already.
  Landing(AnswerCache& cache, std::string&& name, const std::shared_ptr<Flight>& flight) noexcept
      : cache_(cache), name_(std::move(name)), flight_(flight) {}
  ~Landing() {
    MutexLock lock(cache_.mutex_);
    flight_->done = true;
    const auto own = cache_.flights_.find(name_);
    if (own != cache_.flights_.end() && own->second == flight_) cache_.flights_.erase(own);
    flight_->landed.NotifyAll();
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;

 private:
  AnswerCache& cache_;
  const std::string name_;
  const std::shared_ptr<Flight> flight_;
};

absl::StatusOr<std::shared_ptr<const void>> AnswerCache::Get(Store& store, const Question& question,
                                                             const std::optional<Period>& asked,
                                                             Compute compute, Purpose purpose) {
  const auto value_of =
      [&](absl::StatusOr<Answer> answer) -> absl::StatusOr<std::shared_ptr<const void>> {
    if (answer.ok()) return std::move(answer->value);
    if (!absl::IsInvalidArgument(answer.status())) {
      MutexLock lock(mutex_);
      Count(&KpiCacheStats::failures, purpose);
    }
    return answer.status();
  };
  const auto version = max_bytes_ > 0 ? VersionOf(store) : std::nullopt;
  if (!version) {
    {
      MutexLock lock(mutex_);
      Count(&KpiCacheStats::misses, purpose);
    }
    return value_of(compute(/*kept=*/false));
  }

  std::string key = question.key();
  std::string family;
  const Period period = asked.value_or(Period{});
  if (asked) {
    family = Question(key).Add(absl::ToInt64Microseconds(period.to - period.from)).key();
    key = Question(key).Add(period).key();
  }
  std::string name = asked ? family : key;  // of the flight
  auto flight = std::make_shared<Flight>(*version, period);
  {
    MutexLock lock(mutex_);
    SeeVersion(*version);
    if (auto found = Find(key, family, period)) {
      Count(&KpiCacheStats::hits, purpose);
      return std::move(found->value);
    }
    if (const auto found = flights_.find(name); found != flights_.end()) {
      const std::shared_ptr<Flight> other = found->second;
      // One that is older, or over quite another period, would be no help; nor is one that failed.
      const bool near = absl::AbsDuration(other->period.from - period.from) < kLongestSlide;
      while (near && other->version >= *version && !other->done) other->landed.Wait(mutex_);
      if (other->done && other->answer.ok() && Covers(other->period, *other->answer, period)) {
        Count(&KpiCacheStats::shared, purpose);
        return other->answer->value;
      }
    }
    flights_[name] = flight;
    Count(&KpiCacheStats::misses, purpose);
  }

  const Landing landing(*this, std::move(name), flight);
  flight->answer = compute(/*kept=*/true);  // others read it once it has landed
  if (flight->answer.ok()) {
    MutexLock lock(mutex_);
    if (version_ == *version) Keep({std::move(key), std::move(family), period, *flight->answer});
  }
  return value_of(flight->answer);
}

bool AnswerCache::Covers(const Period& answered, const Answer& answer, const Period& asked) {
  if (answered.from == asked.from && answered.to == asked.to) return true;
  return answer.slide && answer.slide->Holds(asked);
}

std::optional<AnswerCache::Answer> AnswerCache::Find(const std::string& key,
                                                     const std::string& family,
                                                     const Period& period) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (family.empty()) return std::nullopt;
    found = latest_.find(family);
    if (found == latest_.end()) return std::nullopt;
    const Entry& latest = *found->second;
    if (!Covers(latest.period, latest.answer, period)) return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->answer;
}

// What was answered from an older state of the store is not asked for any more.
void AnswerCache::SeeVersion(std::uint64_t version) {
  if (version <= version_) return;
  version_ = version;
  by_key_.clear();
  latest_.clear();
  entries_.clear();
  stats_.bytes = 0;
}

void AnswerCache::Keep(Entry entry) {
  entry.answer.bytes += kEntryBytes + 2 * (entry.key.size() + entry.family.size());
  const auto bytes = static_cast<std::int64_t>(entry.answer.bytes);
  if (bytes > max_bytes_ / kLargestShare) return;
  if (const auto known = by_key_.find(entry.key); known != by_key_.end()) Drop(known->second);
  while (stats_.bytes + bytes > max_bytes_) {
    Drop(std::prev(entries_.end()));
    ++stats_.evictions;
  }
  entries_.push_front(std::move(entry));
  stats_.bytes += bytes;
  const Entry& kept = entries_.front();
  by_key_[kept.key] = entries_.begin();
  if (!kept.family.empty()) latest_[kept.family] = entries_.begin();
}

void AnswerCache::Drop(Entries::iterator entry) {
  stats_.bytes -= static_cast<std::int64_t>(entry->answer.bytes);
  by_key_.erase(entry->key);
  const auto latest = latest_.find(entry->family);
  if (latest != latest_.end() && latest->second == entry) latest_.erase(latest);
  entries_.erase(entry);
}

void AnswerCache::Count(std::uint64_t KpiCacheStats::*counter, Purpose purpose) {
  if (purpose == Purpose::kAnswer) {
    ++(stats_.*counter);
  } else if (counter == &KpiCacheStats::misses) {
    ++stats_.warmed;
  }
}

KpiCacheStats AnswerCache::stats() const {
  MutexLock lock(mutex_);
  KpiCacheStats stats = stats_;
  stats.entries = entries_.size();
  return stats;
}

void AnswerCache::AfterForkInChild() {
  SeeVersion(version_ + 1);  // forgets all
  version_ = 0;
  flights_.clear();  // of threads that are not here
  stats_ = {};
  mutex_.Unlock();
}

absl::StatusOr<KpiSummary> CachedSummary(AnswerCache& cache, Store& store, const KpiQuery& query,
                                         AnswerCache::Purpose purpose) {
  struct SlidingSummary {
    KpiSummary summary;
    std::optional<Slide> slide;
  };
  auto answer = cache.Get(
      store, Question("summary").Add(query.filter), query.period,
      [&](bool kept) -> absl::StatusOr<AnswerCache::Answer> {
        auto found = ReadStore<SlidingSummary>(
            store, [&](ReadTransaction& transaction) -> absl::StatusOr<SlidingSummary> {
              auto summary = Summarize(transaction, query);
              if (!summary.ok()) return summary.status();
              if (!kept) return SlidingSummary{*std::move(summary), std::nullopt};
              auto slide = FindSlide(transaction, query);
              if (!slide.ok()) return slide.status();
              return SlidingSummary{*std::move(summary), *slide};
            });
        if (!found.ok()) return found.status();
        return AnswerCache::Answer{std::make_shared<const KpiSummary>(found->summary),
                                   sizeof(KpiSummary), found->slide};
      },
      purpose);
  if (!answer.ok()) return answer.status();
  KpiSummary summary = *std::static_pointer_cast<const KpiSummary>(*std::move(answer));
  static_cast<Period&>(summary.period) = query.period;  // as it was asked for
  return summary;
}

}  // namespace nerava::analytics
