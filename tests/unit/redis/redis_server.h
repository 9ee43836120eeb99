// A real Redis of the test's own, in its own folder, reached by a socket there.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "lib/redis/connection.h"
#include "tests/support/temp_dir.h"

extern char** environ;

namespace nerava::analytics::testing {

class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    Start();
  }
  ~RedisServer() { Kill(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  std::string socket() const { return dir_.File("redis.sock"); }
  std::string url(const std::string& user = "") const { return "unix://" + user + socket(); }

  // Returns once it listens.
  void Start() {
    std::vector<std::string> words = {
        "redis-server", "--port",    "0",          "--unixsocket", socket(),    "--save",        "",
        "--dir",        dir_.path(), "--loglevel", "warning",      "--logfile", dir_.File("log")};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), environ) != 0) {
      throw std::runtime_error("there is no redis-server");
    }
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    redis::Url url;
    url.socket = socket();
    for (;;) {
      auto opened = redis::Connection::Open(url, absl::Seconds(10));
      if (opened.ok()) break;
      if (absl::Now() > deadline) throw std::runtime_error(opened.status().ToString());
      absl::SleepFor(absl::Milliseconds(5));  // until it listens
    }
  }

  void Send(int signal) { kill(pid_, signal); }

  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
  }

  // Text or number; "" for nothing.
  std::string Ask(const redis::Command& command) {
    redis::Url url;
    url.socket = socket();
    auto connection = redis::Connection::Open(url, absl::Seconds(30));
    if (!connection.ok()) throw std::runtime_error(connection.status().ToString());
    const auto replies = (*connection)->Send({command});
    if (!replies.ok()) throw std::runtime_error(replies.status().ToString());
    const redisReply& reply = *replies->front();
    if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
    return reply.str == nullptr ? "" : std::string(reply.str, reply.len);
  }

 private:
  const TempDir dir_;
  const std::vector<std::string> options_;
  pid_t pid_ = 0;
};

}  // namespace nerava::analytics::testing
