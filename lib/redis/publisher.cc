#include "nerava/analytics/redis/publisher.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "fmt/format.h"
#include "lib/base/fork.h"
#include "lib/base/mutex.h"
#include "lib/base/thread.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/http/headers.h"
#include "lib/pipeline/names.h"
#include "lib/redis/connection.h"
#include "nerava/analytics/http.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

using Commands = std::vector<redis::Command>;

constexpr absl::Duration kMostPutOff = absl::Seconds(30);

absl::Status CheckRange(std::string_view name, absl::Duration value, absl::Duration min,
                        absl::Duration max) {
  if (min <= value && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is {}; it must be from {} to {}", name, absl::FormatDuration(value),
                  absl::FormatDuration(min), absl::FormatDuration(max)));
}

absl::Status Validate(const RedisPublisherOptions& options) {
  const std::string& prefix = options.prefix;
  const bool is_plain =
      std::all_of(prefix.begin(), prefix.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (prefix.empty() || prefix.size() > 200 || !is_plain) {
    return absl::InvalidArgumentError(
        "prefix must be 1 to 200 bytes of ASCII without spaces and control characters");
  }
  if (options.targets.empty() || options.targets.size() > 1000) {
    return absl::InvalidArgumentError(
        fmt::format("there are {} targets; there must be 1 to 1000", options.targets.size()));
  }
  for (const auto& [name, value, min, max] :
       {std::tuple("interval", options.interval, absl::Milliseconds(100), absl::Hours(24)),
        std::tuple("timeout", options.timeout, absl::Milliseconds(1), absl::Seconds(60)),
        std::tuple("expiry", options.expiry, 2 * options.interval, absl::Hours(24 * 366))}) {
    if (absl::Status status = CheckRange(name, value, min, max); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// The numbers among the stats, by their names there.
redis::Command Counters(std::string key, const Health& health) {
  redis::Command command = {
      "HSET",         std::move(key),
      "status",       std::string(kHealthStatusNames[static_cast<std::size_t>(health.status())]),
      "published_at", FormatTimestamp(absl::Now())};
  const auto stats = nlohmann::json::parse(ToJson(health.stats));
  for (const auto& [name, value] : stats.items()) {
    if (!value.is_number()) continue;
    command.push_back(name);
    command.push_back(value.dump());
  }
  return command;
}

}  // namespace

// Of the thread, but for what the lock guards.
struct RedisPublisher::Impl {
  // An answer that is kept in Redis.
  struct Kept {
    std::string target;
    std::string tag = {};  // of the answer that Redis has; empty: none, or it has none
  };

  Impl(Pipeline& pipeline_in, RedisPublisherOptions options_in, redis::Url url_in)
      : pipeline(pipeline_in),
        api(pipeline_in),
        options(std::move(options_in)),
        url(std::move(url_in)),
        expiry(std::to_string(absl::ToInt64Milliseconds(options.expiry))) {
    for (const std::string& target : options.targets) kept.push_back({target});
  }

  absl::Status CheckTargets() const {
    for (const Kept& one : kept) {
      const HttpResponse response = api.Handle({"GET", one.target});
      if (!response.next_target.empty()) {
        return absl::InvalidArgumentError(
            fmt::format("the target '{}' is answered in parts, which cannot be kept", one.target));
      }
      if (response.status < 400 || response.status >= 500) continue;
      return absl::InvalidArgumentError(fmt::format("the target '{}' is answered with {}: {}",
                                                    one.target, response.status, response.body));
    }
    return absl::OkStatus();
  }

  void Run() {
    absl::Duration put_off = options.interval;
    for (;;) {
      std::uint64_t serves = 0;
      {
        MutexLock lock(mutex);
        while (!stopping && asked == served && SteadyNow() < due) changed.WaitUntil(mutex, due);
        if (stopping) return;
        serves = asked;
      }
      const SteadyTime begin = SteadyNow();
      const absl::Status status = Round();
      Tell(status);
      MutexLock lock(mutex);
      stats.connected = status.ok();
      ++(status.ok() ? stats.rounds : stats.failures);
      stats.last_error = std::string(status.message());
      if (status.ok()) {
        put_off = options.interval;
        due = begin + absl::ToChronoNanoseconds(options.interval);
      } else {
        connection = nullptr;
        for (Kept& one : kept) one.tag.clear();
        due = SteadyNow() + absl::ToChronoNanoseconds(put_off * jitter(random));
        put_off = std::min(2 * put_off, std::max(kMostPutOff, options.interval));
      }
      served = serves;
      last = status;
      changed.NotifyAll();
    }
  }

  void Tell(const absl::Status& status) {
    if (status == told || absl::IsCancelled(status)) return;
    told = status;
    if (status.ok() || !options.on_error) return;
    try {
      options.on_error(status);
    } catch (...) {  // the rounds go on
    }
  }

  // What is to be sent; `sent` is where each answer's command is.
  Commands Prepare(std::vector<std::pair<Kept*, std::size_t>>* sent) {
    Commands commands = {{"MULTI"}};
    bool has_changed = false;
    for (Kept& one : kept) {
      const HttpResponse answer = api.Handle({"GET", one.target, {{"If-None-Match", one.tag}}});
      const std::string key = options.prefix + one.target;
      if (answer.status == 200 && answer.next_target.empty()) {
        has_changed = true;
        commands.push_back({"SET", key, answer.body, "PX", expiry});
        one.tag = http::HeaderOf(answer, "ETag");
      } else if (answer.status == 304) {
        commands.push_back({"PEXPIRE", key, expiry});
      } else {
        one.tag.clear();
        MutexLock lock(mutex);
        ++stats.failed_answers;
        continue;
      }
      sent->emplace_back(&one, commands.size() - 2);  // as EXEC counts
    }
    const std::string counters = options.prefix + "counters";
    commands.push_back(Counters(counters, pipeline.health()));
    commands.push_back({"PEXPIRE", counters, expiry});
    if (has_changed) {
      commands.push_back({"PUBLISH", options.prefix + "changes", FormatTimestamp(absl::Now())});
    }
    commands.push_back({"EXEC"});
    return commands;
  }

  absl::Status Round() try {
    if (connection == nullptr) {
      auto opened = redis::Connection::Open(url, options.timeout);
      if (!opened.ok()) return opened.status();
      MutexLock lock(mutex);
      if (stopping) return absl::CancelledError("stopping");
      connection = *std::move(opened);
    }
    std::vector<std::pair<Kept*, std::size_t>> sent;
    const Commands commands = Prepare(&sent);
    const auto replies = connection->Send(commands);
    if (!replies.ok()) return replies.status();
    const redisReply& all = *replies->back();
    if (all.type != REDIS_REPLY_ARRAY || all.elements != commands.size() - 2) {
      return absl::UnavailableError("Redis: EXEC does not have the replies of its commands");
    }
    for (std::size_t i = 0; i < all.elements; ++i) {
      const redisReply& reply = *all.element[i];
      if (reply.type == REDIS_REPLY_ERROR) return redis::ErrorOf(commands[i + 1], reply);
    }
    for (const auto& [one, place] : sent) {
      // PEXPIRE found no key: somebody removed it.
      const redisReply& reply = *all.element[place];
      if (reply.type == REDIS_REPLY_INTEGER && reply.integer == 0) one->tag.clear();
    }
    MutexLock lock(mutex);
    stats.commands += commands.size();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(error.what());
  }

  Pipeline& pipeline;
  const HttpApi api;
  const RedisPublisherOptions options;
  const redis::Url url;
  const std::string expiry;  // milliseconds
  const std::uint32_t generation = ForkGeneration();
  std::vector<Kept> kept;
  absl::Status told;  // of the last round
  std::minstd_rand random{std::random_device()()};
  std::uniform_real_distribution<double> jitter{0.5, 1};

  // Changed under the lock by the thread, so that others may interrupt it.
  std::unique_ptr<redis::Connection> connection;

  Mutex mutex;
  Condition changed;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::uint64_t asked ABSL_GUARDED_BY(mutex) = 0;
  std::uint64_t served ABSL_GUARDED_BY(mutex) = 0;
  SteadyTime due ABSL_GUARDED_BY(mutex) = SteadyNow();
  absl::Status last ABSL_GUARDED_BY(mutex);
  RedisPublisherStats stats ABSL_GUARDED_BY(mutex);
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<RedisPublisher>> RedisPublisher::Open(
    Pipeline& pipeline, RedisPublisherOptions options) {
  absl::Status status = Validate(options);
  if (!status.ok()) return status;
  auto url = redis::ParseUrl(options.url);
  if (!url.ok()) return url.status();
  auto impl = std::make_unique<Impl>(pipeline, std::move(options), *std::move(url));
  if (status = impl->CheckTargets(); !status.ok()) return status;
  try {
    impl->thread = StartThread([state = impl.get()] { state->Run(); });
  } catch (const std::system_error&) {
    return absl::ResourceExhaustedError("there can be no thread for Redis");
  }
  return std::unique_ptr<RedisPublisher>(new RedisPublisher(std::move(impl)));
}

RedisPublisher::RedisPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RedisPublisher::~RedisPublisher() {
  if (ForkGeneration() != impl_->generation) {
    static_cast<void>(impl_.release());  // its thread and its connection are the parent's
    return;
  }
  {
    MutexLock lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->connection != nullptr) impl_->connection->Interrupt();
    impl_->changed.NotifyAll();
  }
  impl_->thread.join();
}

absl::Status RedisPublisher::PublishNow(absl::Duration timeout) {
  if (ForkGeneration() != impl_->generation) {
    return absl::FailedPreconditionError("a forked child does not publish; open another one there");
  }
  const SteadyTime deadline = SteadyDeadline(timeout);
  MutexLock lock(impl_->mutex);
  const std::uint64_t ticket = ++impl_->asked;
  impl_->changed.NotifyAll();
  while (impl_->served < ticket) {
    if (!impl_->changed.WaitUntil(impl_->mutex, deadline) && impl_->served < ticket) {
      return absl::DeadlineExceededError("Redis has not taken it yet");
    }
  }
  return impl_->last;
}

std::string ToJson(const RedisPublisherStats& stats) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("connected", JsonOf(stats.connected));
    json.Json("rounds", JsonOf(stats.rounds));
    json.Json("commands", JsonOf(stats.commands));
    json.Json("failures", JsonOf(stats.failures));
    json.Json("failed_answers", JsonOf(stats.failed_answers));
    json.Text("last_error", ValidText(stats.last_error));
  });
}

RedisPublisherStats RedisPublisher::stats() const {
  if (ForkGeneration() != impl_->generation) return {};
  MutexLock lock(impl_->mutex);
  return impl_->stats;
}

}  // namespace nerava::analytics
