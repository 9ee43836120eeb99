#include "nerava/analytics/batch_writer.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "lib/base/fork.h"
#include "lib/journal/folder.h"
#include "lib/writer/state.h"
#include "lib/writer/validate.h"

namespace nerava::analytics {
namespace {

// How long the destructor lets a commit finish before it leaves the thread behind. Long enough for
// a store that works, so that the thread is normally joined and the store freed by then.
constexpr absl::Duration kLastCommit = absl::Seconds(1);

// Keeps what a parent process's writer was made of, in a child that needs it no more, from looking
// like a leak.
struct Kept {
  const void* inherited;
  const Kept* next;
};
std::atomic<const Kept*> all_kept{nullptr};

void KeepForEver(const void* inherited) {
  auto* const kept = new Kept{inherited, all_kept};
  while (!all_kept.compare_exchange_weak(kept->next, kept)) {
  }
}

}  // namespace

// Finds the state of the process that asks. A forked child makes itself another one when it first
// needs it; its parent's is never touched again, not even freed, as threads that exist only there
// may hold its locks.
struct BatchWriter::Process {
  struct Slot {
    std::uint32_t generation;
    std::shared_ptr<State> state;
    const Slot* parent;  // the parent process's
  };

  explicit Process(WriterConfig config_in)
      : config(std::move(config_in)),
        slot(new Slot{ForkGeneration(), std::make_shared<State>(config), nullptr}) {}

  ~Process() {
    const Slot* const current = slot;
    if (current->generation != ForkGeneration()) {  // a child that never used it
      KeepForEver(current);
      return;
    }
    if (current->parent != nullptr) KeepForEver(current->parent);
    delete current;
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  State& Current() {
    const Slot* current = slot.load(std::memory_order_acquire);
    if (current->generation == ForkGeneration()) return *current->state;
    return AfterFork(current);
  }

  State& AfterFork(const Slot* inherited) {
    auto own =
        std::make_unique<Slot>(Slot{ForkGeneration(), std::make_shared<State>(config), inherited});
    {
      MutexLock lock(own->state->mutex);
      own->state->stopping = stopped;  // before another thread sees it
    }
    if (!slot.compare_exchange_strong(inherited, own.get(), std::memory_order_acq_rel)) {
      return *inherited->state;  // another thread was first
    }
    State& state = *own.release()->state;
    MutexLock lock(state.mutex);
    // What fails here shows where it matters: a Write tries again and says so, health says that
    // nothing runs.
    state.wanted = started && !stopped;
    if (state.wanted && state.OpenJournal().ok()) state.StartThread().IgnoreError();
    return state;
  }

  const WriterConfig config;
  std::atomic<const Slot*> slot;
  // What was asked for, in this process or the one that it was forked from.
  std::atomic<bool> started{false};
  std::atomic<bool> stopped{false};
};

absl::StatusOr<std::unique_ptr<BatchWriter>> BatchWriter::Create(
    BatchWriterOptions options, std::shared_ptr<Store> store, const Clock& clock,
    std::shared_ptr<IdleTask> idle_task) {
  if (absl::Status valid = Validate(options); !valid.ok()) return valid;
  if (store == nullptr) {
    return absl::InvalidArgumentError("the batch writer needs a store; the pointer is null");
  }
  auto folder = JournalFolderOf(options.journal, *store);
  if (!folder.ok()) return folder.status();
  std::shared_ptr<const ErrorHandler> on_error;
  if (options.on_error) {
    on_error = std::make_shared<const ErrorHandler>(std::exchange(options.on_error, nullptr));
  }
  const Durability durability = folder->empty()
                                    ? Durability::kMemory
                                    : options.journal.durability.value_or(Durability::kProcess);
  auto process = std::make_unique<Process>(WriterConfig{std::move(options), std::move(store), clock,
                                                        std::move(idle_task), std::move(on_error),
                                                        durability, *std::move(folder)});
  {
    State& state = process->Current();
    MutexLock lock(state.mutex);
    if (absl::Status opened = state.OpenJournal(); !opened.ok()) return opened;
  }
  return std::unique_ptr<BatchWriter>(new BatchWriter(std::move(process)));
}

BatchWriter::BatchWriter(std::unique_ptr<Process> process) : process_(std::move(process)) {}

BatchWriter::~BatchWriter() {
  const Process::Slot* const slot = process_->slot;
  if (slot->generation != ForkGeneration()) return;  // a child that never used it
  const std::shared_ptr<State> kept = slot->state;
  State& state = *kept;
  const SteadyTime deadline = SteadyDeadline(kLastCommit);
  std::thread thread;
  bool exited = false;
  std::uint64_t left = 0;
  std::shared_ptr<const ErrorHandler> on_error;
  {
    MutexLock lock(state.mutex);
    state.stopping = true;
    state.abandoned = true;
    state.Nudge();
    // on_error may destroy its own writer: then there is nothing to wait for.
    if (!state.OnWriterThread()) {
      while (state.started && !state.exited && state.progress.WaitUntil(state.mutex, deadline)) {
      }
      while (state.reporting) state.progress.Wait(state.mutex);
    }
    state.destroyed = true;
    left = state.Pending();
    state.queue = EventQueue();  // its memory, in case that the store hangs
    thread = std::move(state.thread);
    exited = state.exited;
    on_error = std::exchange(state.on_error, nullptr);
  }
  if (thread.joinable()) exited ? thread.join() : thread.detach();
  const std::string& folder = state.journal_folder;

  if (left == 0 || on_error == nullptr) return;
  try {
    (*on_error)(absl::CancelledError(
        folder.empty()
            ? fmt::format("the batch writer was destroyed with {} events not yet stored, they are "
                          "lost; call Stop first, with a longer timeout",
                          left)
            : fmt::format("the batch writer was destroyed with {} events not yet stored; they are "
                          "in the journal in \"{}\" and will be stored when the store is next "
                          "opened",
                          left, folder)));
  } catch (...) {  // as the header says: nobody is left to tell
  }
}

absl::Status BatchWriter::Start() {
  State& state = process_->Current();
  MutexLock lock(state.mutex);
  if (state.stopping) {
    return absl::FailedPreconditionError("the batch writer was stopped; create another one");
  }
  process_->started = true;
  state.wanted = true;
  if (absl::Status opened = state.OpenJournal(); !opened.ok()) return opened;
  return state.StartThread();
}

absl::Status BatchWriter::Write(EventPtr event) {
  if (event == nullptr) {
    return absl::InvalidArgumentError("there is no event to write: the pointer is null");
  }
  return process_->Current().Accept(std::move(event));
}

std::size_t BatchWriter::Flush(absl::Duration timeout) {
  const SteadyTime deadline = SteadyDeadline(timeout);
  State& state = process_->Current();
  MutexLock lock(state.mutex);
  const std::uint64_t number = state.last_number;
  const std::uint64_t looks = ++state.looks_wanted;
  state.flush_number = std::max(state.flush_number, number);
  state.Nudge();
  const bool can_wait = state.started && !state.OnWriterThread();
  const auto looked = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return state.journal_folder.empty() || state.looks_done >= looks;
  };
  while (can_wait && (!looked() || state.PendingUpTo(number) > 0) && !state.exited &&
         state.progress.WaitUntil(state.mutex, deadline)) {
  }
  return state.PendingUpTo(number);
}

std::size_t BatchWriter::Stop(absl::Duration timeout) {
  const SteadyTime deadline = SteadyDeadline(timeout);
  State& state = process_->Current();
  process_->stopped = true;
  std::thread ended;
  std::size_t pending = 0;
  {
    MutexLock lock(state.mutex);
    state.stopping = true;
    state.Nudge();
    state.room.NotifyAll();
    const bool can_wait = state.started && !state.OnWriterThread();
    while (can_wait && !state.exited && state.progress.WaitUntil(state.mutex, deadline)) {
    }
    if (state.exited) ended = std::move(state.thread);
    pending = state.Pending();
  }
  if (ended.joinable()) ended.join();
  return pending;
}

absl::StatusOr<std::vector<DeadLetter>> BatchWriter::DeadLetters(std::size_t limit) const {
  return process_->Current().dead_letters.List(limit);
}

absl::StatusOr<std::size_t> BatchWriter::ReplayDeadLetters() {
  return process_->Current().dead_letters.Replay(
      [this](EventPtr event) { return Write(std::move(event)); });
}

absl::StatusOr<RemovedLetters> BatchWriter::RemoveDeadLetters(
    absl::FunctionRef<bool(const AnalyticsEvent& event)> which) {
  return process_->Current().dead_letters.Remove(which);
}

absl::Status BatchWriter::RenewJournal(absl::Duration timeout) {
  const SteadyTime deadline = SteadyDeadline(timeout);
  State& state = process_->Current();
  MutexLock lock(state.mutex);
  bool in_time = true;
  while (in_time && state.appending()) in_time = state.journaled.WaitUntil(state.mutex, deadline);
  if (!in_time) {
    return absl::UnavailableError("the journal cannot be renewed: a write to its disk hangs");
  }
  const std::set<std::string> files = state.CompleteSegment();
  const std::uint64_t number = state.last_number;
  state.flush_number = std::max(state.flush_number, number);
  state.Nudge();
  in_time = state.started && !state.OnWriterThread();
  std::uint64_t trim = 0;  // the one after everything is stored
  while (in_time && !state.exited && state.HasAny(files)) {
    if (trim == 0 && state.PendingUpTo(number) == 0) {
      trim = ++state.trims_wanted;
      state.Nudge();
    }
    if (trim > 0 && state.trims_done >= trim) break;
    in_time = state.progress.WaitUntil(state.mutex, deadline);
  }
  if (!state.HasAny(files)) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("files of the journal in \"{}\" are still there: {} events of them wait to be "
                  "stored, or they "
                  "cannot be removed{}{}",
                  state.journal_folder, state.PendingUpTo(number),
                  state.stats.last_error.empty() ? "" : ": ", state.stats.last_error));
}

std::size_t BatchWriter::QuarantinedSegments() const {
  return CountQuarantined(process_->Current().journal_folder);
}

BatchWriterStats BatchWriter::stats() const {
  State& state = process_->Current();
  BatchWriterStats stats;
  {
    MutexLock lock(state.mutex);
    stats = state.Stats();
  }
  stats.dead_letters = state.dead_letters.count();
  return stats;
}

}  // namespace nerava::analytics
