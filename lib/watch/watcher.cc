#include "lib/watch/watcher.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/base/mutex.h"
#include "lib/base/thread.h"
#include "lib/event/text.h"
#include "lib/kpi/cache.h"
#include "lib/watch/alert_book.h"

namespace nerava::analytics {
namespace {

// How long Stop lets a look at the store finish.
constexpr absl::Duration kLastLook = absl::Seconds(1);
// A look takes at most this share of the thread's time.
constexpr int kPauseOfLooks = 10;
constexpr std::size_t kMaxWatches = 1000;

// The time of a look: the host's clock may be gone while one goes on.
struct LookClock final : Clock {
  absl::Time Now() const override { return now; }
  absl::Time now;
};

}  // namespace

// Held by the Watcher and by its thread.
struct Watcher::State : std::enable_shared_from_this<State> {
  using Handler = std::function<void(const Alert& alert)>;
  // A watch, which another one of its name may follow.
  struct Rule {
    analytics::Watch watch;
    std::uint64_t serial;
  };
  static constexpr std::uint64_t kOfPipeline = 0;

  State(const AlertOptions& options_in, absl::Duration flush_interval_in,
        std::shared_ptr<Store> store_in, std::shared_ptr<AnswerCache> cache_in)
      : options(WithoutHandler(options_in)),
        flush_interval(flush_interval_in),
        store(std::move(store_in)),
        cache(std::move(cache_in)),
        kpis(store, "", look_clock, cache, ""),
        operation(options, flush_interval) {
    if (options_in.on_alert) on_alert = std::make_shared<const Handler>(options_in.on_alert);
  }

  static AlertOptions WithoutHandler(AlertOptions options) {
    options.on_alert = nullptr;
    return options;
  }

  bool WantsLooks() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return !rules.empty() || on_alert != nullptr;
  }

  void EnsureThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const bool wanted = WantsLooks() && options.interval < absl::InfiniteDuration();
    if (!wanted || started || stopped || clock == nullptr) return;
    try {
      thread = StartThread([self = shared_from_this()] { self->Run(); });
      started = true;
    } catch (const std::system_error&) {  // the next one who comes tries again
    }
  }

  void Run() {
    SteadyTime next;
    for (;;) {
      {
        MutexLock lock(mutex);
        const auto begins = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return nudged ? std::min(next, due) : due;
        };
        while (!stopped && SteadyNow() < begins()) changed.WaitUntil(mutex, begins());
        if (stopped) break;
        nudged = false;
      }
      const SteadyTime begin = SteadyNow();
      try {
        Look(/*all=*/true).IgnoreError();
      } catch (const std::exception&) {  // memory ran out
      }
      const SteadyTime end = SteadyNow();
      next = end + (end - begin) * kPauseOfLooks;
      MutexLock lock(mutex);
      due = std::max(end, begin + absl::ToChronoNanoseconds(options.interval));
    }
    MutexLock lock(mutex);
    exited = true;
    changed.NotifyAll();
  }

  // `all`: not only at the pipeline itself.
  absl::Status Look(bool all) {
    std::vector<Rule> rules_now;
    const Clock* host_clock = nullptr;
    Counts host_counts;
    {
      MutexLock lock(mutex);
      if (looking && looker == std::this_thread::get_id()) {
        return absl::FailedPreconditionError("watches cannot be checked from inside on_alert");
      }
      while (looking && !stopped) changed.Wait(mutex);
      if (stopped || clock == nullptr) {
        return absl::FailedPreconditionError(
            "the pipeline is closed and watches nothing; open another one");
      }
      host_clock = clock;
      host_counts = count;
      if (all) rules_now = rules;
      looker = std::this_thread::get_id();
      looking = in_host = true;
    }
    const Looking ends(*this);
    // Not under the lock, which a fork takes: these take others.
    const absl::Time now = host_clock->Now();
    const OperationCounts counts = host_counts();
    LeaveHost();

    // First what needs no store, which may hang.
    for (const auto& [watch, readings] : operation.Look(counts, now)) {
      Note({watch, kOfPipeline}, readings, now);
    }
    look_clock.now = now;
    absl::Status result = GuardedFromStore([&] {
      return store->Read(
          [](ReadTransaction& transaction) { return transaction.CountEvents().status(); });
    });
    const auto [watch, readings] = Operation::LookAtStore(result);
    Note({watch, kOfPipeline}, readings, now);
    if (!result.ok()) return result;
    for (const Rule& rule : rules_now) {
      {
        MutexLock lock(mutex);
        if (stopped) break;
      }
      auto seen = analytics::Read(kpis, rule.watch, now);
      if (seen.ok()) {
        Note(rule, *seen, now);
      } else {
        result = seen.status();
      }
    }
    return result;
  }

  // Unless the watch was removed meanwhile.
  void Note(const Rule& rule, const Readings& readings, absl::Time now) {
    std::vector<Alert> changes;
    {
      MutexLock lock(mutex);
      if (rule.serial != kOfPipeline && !Has(rule.serial)) return;
      book.Note(rule.watch, readings, now, &changes);
    }
    for (const Alert& change : changes) Tell(change);
  }

  void Tell(const Alert& alert) {
    std::shared_ptr<const Handler> handler;
    {
      MutexLock lock(mutex);
      if (on_alert == nullptr || stopped) return;
      handler = on_alert;
      in_host = true;
    }
    try {
      (*handler)(alert);
    } catch (...) {  // as the header says: nobody is left to tell
    }
    handler.reset();
    LeaveHost();
  }

  void LeaveHost() {
    MutexLock lock(mutex);
    in_host = false;
    changed.NotifyAll();
  }

  // Ends a look, however it ended.
  struct Looking {
    explicit Looking(State& state_in) : state(state_in) {}
    ~Looking() {
      MutexLock lock(state.mutex);
      state.looking = state.in_host = false;
      state.changed.NotifyAll();
    }
    Looking(const Looking&) = delete;
    Looking& operator=(const Looking&) = delete;
    State& state;
  };

  bool Has(std::uint64_t serial) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const Rule& rule) { return rule.serial == serial; });
  }

  const AlertOptions options;
  const absl::Duration flush_interval;
  const std::shared_ptr<Store> store;
  const std::shared_ptr<AnswerCache> cache;

  // Of the thread that looks.
  LookClock look_clock;
  const KpiCalculator kpis;
  Operation operation;

  Mutex mutex;
  Condition changed;
  const Clock* clock ABSL_GUARDED_BY(mutex) = nullptr;
  Counts count ABSL_GUARDED_BY(mutex);
  std::shared_ptr<const Handler> on_alert ABSL_GUARDED_BY(mutex);  // null: none, or stopped
  std::vector<Rule> rules ABSL_GUARDED_BY(mutex);
  std::uint64_t last_serial ABSL_GUARDED_BY(mutex) = kOfPipeline;
  AlertBook book ABSL_GUARDED_BY(mutex);
  bool nudged ABSL_GUARDED_BY(mutex) = false;
  SteadyTime due ABSL_GUARDED_BY(mutex);  // of the next look without a nudge
  bool looking ABSL_GUARDED_BY(mutex) = false;
  std::thread::id looker ABSL_GUARDED_BY(mutex);
  bool in_host ABSL_GUARDED_BY(mutex) = false;  // the one that looks calls the host
  bool started ABSL_GUARDED_BY(mutex) = false;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
  bool exited ABSL_GUARDED_BY(mutex) = false;
  std::thread thread ABSL_GUARDED_BY(mutex);
};

Watcher::Watcher(AlertOptions options, absl::Duration flush_interval, std::shared_ptr<Store> store,
                 std::shared_ptr<AnswerCache> cache)
    : ForkListener(Order::kOther),
      state_(std::make_shared<State>(std::move(options), flush_interval, std::move(store),
                                     std::move(cache))) {
  Watch();
}

Watcher::~Watcher() {
  Unwatch();
  Stop(SteadyTime::max(), /*last=*/true);
}

void Watcher::Start(const Clock& clock, Counts counts) {
  state_->operation.Begin(counts(), clock.Now());
  MutexLock lock(state_->mutex);
  state_->clock = &clock;
  state_->count = std::move(counts);
  state_->EnsureThread();
}

void Watcher::Stop(SteadyTime deadline, bool last) {
  State& state = *state_;
  std::thread ended;
  std::shared_ptr<const State::Handler> on_alert;
  bool exited = false;
  {
    MutexLock lock(state.mutex);
    state.stopped = true;
    state.changed.NotifyAll();
    const bool by_looker = state.looking && state.looker == std::this_thread::get_id();
    while (!by_looker && state.in_host && state.changed.WaitUntil(state.mutex, deadline)) {
    }
    const SteadyTime last_look = std::min(deadline, SteadyDeadline(kLastLook));
    while (!by_looker && state.started && !state.exited &&
           state.changed.WaitUntil(state.mutex, last_look)) {
    }
    exited = state.exited;
    if (exited || last) {
      ended = std::move(state.thread);
      on_alert = std::exchange(state.on_alert, nullptr);
    }
  }
  if (ended.joinable()) exited ? ended.join() : ended.detach();
}

absl::Status Watcher::Add(analytics::Watch watch) {
  if (absl::Status valid = watch.Validate(); !valid.ok()) return valid;
  MutexLock lock(state_->mutex);
  auto& rules = state_->rules;
  const bool taken = std::any_of(rules.begin(), rules.end(), [&](const State::Rule& rule) {
    return rule.watch.name == watch.name;
  });
  if (taken || Operation::IsName(watch.name)) {
    return absl::AlreadyExistsError(
        fmt::format("there is a watch called {} already; remove it before, or choose another name",
                    Quoted(watch.name)));
  }
  if (rules.size() >= kMaxWatches) {
    return absl::ResourceExhaustedError(fmt::format("there are {} watches already", kMaxWatches));
  }
  rules.push_back({std::move(watch), ++state_->last_serial});
  state_->nudged = true;
  state_->EnsureThread();
  state_->changed.NotifyAll();
  return absl::OkStatus();
}

absl::Status Watcher::Remove(const std::string& name) {
  MutexLock lock(state_->mutex);
  const auto removed = std::erase_if(
      state_->rules, [&](const State::Rule& rule) { return rule.watch.name == name; });
  if (removed == 0) {
    return absl::NotFoundError(fmt::format("there is no watch called {}", Quoted(name)));
  }
  state_->book.Forget(name);
  return absl::OkStatus();
}

std::vector<analytics::Watch> Watcher::List() const {
  MutexLock lock(state_->mutex);
  std::vector<analytics::Watch> watches;
  for (const State::Rule& rule : state_->rules) watches.push_back(rule.watch);
  return watches;
}

absl::Status Watcher::Check() { return state_->Look(/*all=*/true); }

std::vector<Alert> Watcher::Alerts() {
  bool idle = false;
  {
    MutexLock lock(state_->mutex);
    state_->EnsureThread();
    idle = !state_->WantsLooks() && !state_->stopped;
  }
  if (idle) state_->Look(/*all=*/false).IgnoreError();
  MutexLock lock(state_->mutex);
  return state_->book.List();
}

void Watcher::Nudge() {
  MutexLock lock(state_->mutex);
  state_->EnsureThread();
  state_->nudged = true;
  state_->changed.NotifyAll();
}

void Watcher::BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { state_->mutex.Lock(); }
void Watcher::AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS { state_->mutex.Unlock(); }

void Watcher::AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // The parent's is never touched again, nor freed: a thread that exists only there may wait in it.
  auto* const inherited = new std::shared_ptr<State>(state_);
  State& old = **inherited;
  auto own = std::make_shared<State>(old.options, old.flush_interval, old.store, old.cache);
  own->on_alert = old.on_alert;
  own->clock = old.clock;
  own->count = old.count;
  own->rules = old.rules;
  own->last_serial = old.last_serial;
  own->stopped = old.stopped;
  // For who forks from inside on_alert: it ends there.
  old.stopped = true;
  old.mutex.Unlock();
  state_ = std::move(own);
}

}  // namespace nerava::analytics
