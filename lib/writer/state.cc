// The writer's thread: takes batches from the queue, and from the journals of dead processes.
#include "lib/writer/state.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/base/thread.h"

namespace nerava::analytics {
namespace {

// How often a writer looks for processes that died meanwhile.
constexpr std::chrono::seconds kLookInterval{10};
// Troubles that wait to be reported; there are more only when one repeats itself.
constexpr std::size_t kMaxTroubles = 100;

}  // namespace

BatchWriter::State::State(const WriterConfig& config)
    : options(config.options),
      store(config.store),
      clock(config.clock),
      idle_task(config.idle_task),
      durability(config.durability),
      journal_folder(config.journal_folder),
      dead_letters(config.journal_folder),
      on_error(config.on_error),
      jitter_(static_cast<std::minstd_rand::result_type>(SteadyNow().time_since_epoch().count())),
      put_off_(options.retry_initial_backoff) {}

absl::Status BatchWriter::State::OpenJournal() {
  if (journal_folder.empty() || journal_ != nullptr) return absl::OkStatus();
  auto folder = ProcessFolder::Create(journal_folder);
  if (!folder.ok()) return folder.status();
  const auto trouble = [this](absl::Status status) { NoteTrouble(std::move(status)); };
  auto journal =
      std::make_unique<Journal>(*folder, options.journal, durability, segments_, trouble);
  recovery_ = std::make_unique<Recovery>((*folder)->store_folder(), segments_, trouble);
  journal_ = std::move(journal);
  folder_ = *std::move(folder);
  looks_wanted = 1;
  return absl::OkStatus();
}

absl::Status BatchWriter::State::StartThread() {
  if (started) return absl::OkStatus();
  try {
    thread = analytics::StartThread([self = shared_from_this()] { self->Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        fmt::format("the batch writer's thread could not be started: {}", error.what()));
  }
  thread_id = thread.get_id();
  started = true;
  return absl::OkStatus();
}

std::uint64_t BatchWriter::State::Pending() const {
  return queue.size() + batch_pending + recoverable;
}

std::uint64_t BatchWriter::State::PendingUpTo(std::uint64_t number) const {
  std::uint64_t pending = recoverable;
  for (const QueuedEvent& event : batch) {
    if (event.event != nullptr && event.number <= number) ++pending;
  }
  for (std::size_t i = 0; i < queue.size() && queue[i].number <= number; ++i) ++pending;
  return pending;
}

bool BatchWriter::State::OnWriterThread() const {
  return started && !exited && std::this_thread::get_id() == thread_id;
}

void BatchWriter::State::Nudge() {
  nudged = true;
  recover_again_ = SteadyTime();
  work.NotifyOne();
}

BatchWriterStats BatchWriter::State::Stats() const {
  BatchWriterStats result = stats;
  result.pending = Pending();
  result.running = started && !exited;
  result.durability = durability;
  std::optional<SteadyTime> oldest;
  if (!queue.empty()) oldest = queue.front().accepted_at;
  for (const QueuedEvent& event : batch) {
    if (event.event == nullptr) continue;
    oldest = oldest ? std::min(*oldest, event.accepted_at) : event.accepted_at;
  }
  if (oldest) {
    const auto age = std::max(SteadyNow() - *oldest, SteadyTime::duration::zero());
    result.oldest_pending_age = absl::FromChrono(age);
  }
  if (journal_ != nullptr) {
    segments_.AddTo(&result.journal);
    journal_->AddTo(&result.journal);
    recovery_->AddTo(&result.journal);
  }
  assert(result.accepted == result.committed + result.duplicates + result.conflicts +
                                result.dead_lettered + result.dropped + result.pending);
  return result;
}

void BatchWriter::State::Run() {
  absl::Duration backoff = options.retry_initial_backoff;
  for (bool more = true; more;) {
    try {
      more = RunOnce();
      backoff = options.retry_initial_backoff;
    } catch (const std::exception&) {  // memory ran out, so that not even a message can be made
      {
        MutexLock lock(mutex);
        if (!destroyed) PutBackBatch();
        ++stats.failed_commits;
      }
      more = Pause(&backoff);
    }
  }
  try {
    FinishJournal();
  } catch (const std::exception&) {  // the next process does it
  }
  MutexLock lock(mutex);
  exited = true;
  progress.NotifyAll();
}

bool BatchWriter::State::RunOnce() {
  RunIdleTask();
  LookForTheDead();
  ReportTroubles();
  TakeRecovered();
  if (!AwaitBatch()) return false;
  const bool more = SettleBatch();
  TrimJournal();
  return more;
}

// True when there is a batch, or something else to do; false when the thread must end.
bool BatchWriter::State::AwaitBatch() {
  const auto interval = absl::ToChronoNanoseconds(options.flush_interval);
  MutexLock lock(mutex);
  for (;;) {
    if (abandoned) return false;
    if (batch_pending > 0) return true;  // recovered
    const std::size_t waiting = queue.size();
    SteadyTime due = SteadyTime::max();
    // First, so that nothing else keeps events from being committed.
    if (waiting > 0) {
      due = queue.front().accepted_at + interval;
      if (waiting >= options.batch_size || stopping || queue.front().number <= flush_number ||
          SteadyNow() >= due) {
        break;
      }
    }
    if (recovery_ != nullptr && looks_done < looks_wanted) return true;
    if (!troubles_.empty() || unreported_drops_ > 0 || trims_done < trims_wanted) return true;
    const SteadyTime now = SteadyNow();
    if (recoverable > 0) {
      due = std::min(due, recover_again_);
      if (now >= recover_again_) return true;
    }
    // Who is at the journal still will be told that the event is accepted.
    if (waiting == 0 && stopping && reserved_ == 0) return false;
    if (idle_task != nullptr && !stopping) {
      due = std::min(due, next_idle_run_);
      if (now >= next_idle_run_) return true;
    }
    if (recovery_ != nullptr) {
      due = std::min(due, next_look_);
      if (now >= next_look_) {
        ++looks_wanted;
        continue;
      }
    }
    if (due == SteadyTime::max()) {
      work.Wait(mutex);
    } else {
      work.WaitUntil(mutex, due);
    }
  }
  std::size_t count = std::min(queue.size(), options.max_batch_size);
  // What is being committed cannot be dropped: half of the room stays for what can.
  if (options.overflow == Overflow::kDropOldest) {
    count = std::min(count, (options.queue_capacity + 1) / 2);
  }
  batch.reserve(count);
  while (batch.size() < count) batch.push_back(queue.Pop());
  batch_pending = count;
  return true;
}

// Equal jitter: half of the pause is fixed, half random, so that processes that failed together do
// not come back together.
bool BatchWriter::State::Pause(absl::Duration* backoff) {
  const absl::Duration pause = *backoff * std::uniform_real_distribution<double>(0.5, 1.0)(jitter_);
  *backoff = std::min(*backoff * 2, options.retry_max_backoff);

  const SteadyTime deadline = SteadyDeadline(pause);
  MutexLock lock(mutex);
  while (!nudged && !abandoned && work.WaitUntil(mutex, deadline)) {
  }
  nudged = false;
  return !abandoned;
}

void BatchWriter::State::RunIdleTask() {
  if (idle_task == nullptr || SteadyNow() < next_idle_run_) return;
  absl::Time now;
  {
    MutexLock lock(mutex);
    if (stopping || abandoned) return;
    now = clock.Now();  // under the lock: the clock may be gone once we are abandoned
  }
  const absl::Duration pause =
      idle_task->Run(now, [this](const absl::Status& error) { Report(error); });
  next_idle_run_ = SteadyDeadline(pause);
}

void BatchWriter::State::LookForTheDead() {
  std::uint64_t looks = 0;
  {
    MutexLock lock(mutex);
    if (recovery_ == nullptr || looks_done == looks_wanted || abandoned) return;
    looks = looks_wanted;
  }
  LookForErasures();
  recovery_->Adopt();
  const std::uint64_t found = recovery_->TakeFound();
  next_look_ = SteadyNow() + kLookInterval;
  MutexLock lock(mutex);
  looks_done = looks;
  recoverable += found;
  stats.accepted += found;
  stats.recovered += found;
  progress.NotifyAll();
}

// Of persons, by any process: what this one's journal has of them goes, too.
void BatchWriter::State::LookForErasures() {
  std::int64_t erasures = 0;
  const absl::Status read = GuardedFromStore([&] {
    return store->Read([&](ReadTransaction& transaction) {
      erasures = transaction.erasures();
      return absl::OkStatus();
    });
  });
  if (!read.ok() || erasures_ == erasures) return;  // the next look asks again
  MutexLock lock(mutex);
  if (appending_) return;
  CompleteSegment();  // which at the first look there is none of, unless it came late
  ++trims_wanted;
  erasures_ = erasures;
}

std::set<std::string> BatchWriter::State::CompleteSegment() {
  if (journal_ == nullptr) return {};
  journal_->CompleteSegment();
  return segments_.Complete();
}

bool BatchWriter::State::HasAny(const std::set<std::string>& files) const {
  const std::set<std::string> complete = segments_.Complete();
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& file) { return complete.contains(file); });
}

// The next batch from the journals of dead processes, if there is one.
void BatchWriter::State::TakeRecovered() {
  {
    MutexLock lock(mutex);
    if (recoverable == 0 || abandoned || SteadyNow() < recover_again_) return;
    recovering_ = options.max_batch_size;
    queue.Reserve(queue.size() + recovering_ + reserved_);  // to put the batch back
    batch.reserve(options.max_batch_size);
  }
  auto recovered = recovery_->Next(options.max_batch_size);
  if (!recovered.ok()) {
    Report(recovered.status());
    MutexLock lock(mutex);
    recovering_ = 0;
    recover_again_ = SteadyNow() + absl::ToChronoNanoseconds(options.retry_max_backoff);
    return;
  }
  const SteadyTime now = SteadyNow();
  MutexLock lock(mutex);
  for (EventPtr& event : recovered->events) {
    batch.push_back({std::move(event), recovered->segment, /*number=*/0, now});
  }
  recovering_ = 0;
  batch_pending = batch.size();
  recoverable -= batch.size() + recovered->gone;
  stats.dropped += recovered->gone;
  stats.dropped_unreadable += recovered->gone;
}

void BatchWriter::State::PutBackBatch() {
  for (auto event = batch.rbegin(); event != batch.rend(); ++event) {
    if (event->event != nullptr) queue.PutBack(std::move(*event));
  }
  batch.clear();
  batch_pending = 0;
}

void BatchWriter::State::TrimJournal() {
  std::uint64_t trims = 0;
  {
    MutexLock lock(mutex);
    if (journal_ == nullptr) return;
    trims = trims_wanted;
  }
  absl::Status trimmed = segments_.Trim(*store, [this](const std::string& path) {
    NoteTrouble(absl::DataLossError(
        fmt::format("a damaged file of the journal was moved to \"{}\"", path)));
  });
  if (!trimmed.ok()) NoteTrouble(std::move(trimmed));
  MutexLock lock(mutex);
  trims_done = trims;
  room.NotifyAll();
  progress.NotifyAll();
}

// When everything is settled nothing is left behind, not even folders.
void BatchWriter::State::FinishJournal() {
  {
    MutexLock lock(mutex);
    if (journal_ == nullptr || destroyed || Pending() + reserved_ > 0) return;
  }
  journal_->Finish();
  TrimJournal();
  ReportTroubles();
  MutexLock lock(mutex);
  folder_->RemoveIfEmpty();
}

void BatchWriter::State::NoteTrouble(absl::Status trouble) {
  MutexLock lock(mutex);
  if (troubles_.size() < kMaxTroubles) troubles_.push_back(std::move(trouble));
  flush_number = last_number;  // what is in the store needs the journal no more
  work.NotifyOne();
}

void BatchWriter::State::ReportTroubles() {
  std::vector<absl::Status> troubles;
  std::uint64_t drops = 0;
  {
    MutexLock lock(mutex);
    troubles.swap(troubles_);
    drops = std::exchange(unreported_drops_, 0);
  }
  for (const absl::Status& trouble : troubles) Report(trouble);
  if (drops > 0) {
    Report(absl::ResourceExhaustedError(fmt::format(
        "{} of the oldest events were dropped to make room for new ones; make the store faster, or "
        "raise queue_capacity",
        drops)));
  }
}

void BatchWriter::State::Report(const absl::Status& error) {
  std::shared_ptr<const ErrorHandler> handler;
  {
    MutexLock lock(mutex);
    if (on_error == nullptr) return;
    handler = on_error;
    reporting = true;
  }
  try {
    (*handler)(error);
  } catch (...) {  // as the header says: nobody is left to tell
  }
  handler.reset();
  MutexLock lock(mutex);
  reporting = false;
  progress.NotifyAll();
}

}  // namespace nerava::analytics
