#include "lib/redis/connection.h"

#include <sys/socket.h>

#include <cerrno>

#include "fmt/format.h"

namespace nerava::analytics::redis {
namespace {

constexpr std::size_t kMaxErrorBytes = 200;

absl::Status Unavailable(std::string_view why) {
  return absl::UnavailableError(fmt::format("Redis: {}", why));
}

// "WRONGPASS" of what Redis says about a password: one that does not know AUTH repeats what it was sent.
std::string_view CodeOf(std::string_view error) {
  const std::size_t end = error.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return end == error.npos || error[end] == ' ' ? error.substr(0, end) : "refused";
}

}  // namespace

absl::Status ErrorOf(const Command& command, const redisReply& reply) {
  const std::string_view error(reply.str, reply.len);
  const std::string& name = command.front();
  return Unavailable(fmt::format("{}: {}", name,
                                 name == "AUTH" ? CodeOf(error) : error.substr(0, kMaxErrorBytes)));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Url& url,
                                                             absl::Duration timeout) {
  const timeval limit = absl::ToTimeval(timeout);
  redisContext* const context = url.socket.empty()
                                    ? redisConnectWithTimeout(url.host.c_str(), url.port, limit)
                                    : redisConnectUnixWithTimeout(url.socket.c_str(), limit);
  if (context == nullptr) return Unavailable("no memory for a connection");
  std::unique_ptr<Connection> connection(new Connection(context));
  if (context->err != REDIS_OK) return connection->Failure();
  if (redisSetTimeout(context, limit) != REDIS_OK) return connection->Failure();
  std::vector<Command> commands;
  if (!url.user.empty()) {
    commands.push_back({"AUTH", url.user, url.password});
  } else if (!url.password.empty()) {
    commands.push_back({"AUTH", url.password});
  }
  if (url.database != 0) commands.push_back({"SELECT", std::to_string(url.database)});
  if (auto replies = connection->Send(commands); !replies.ok()) return replies.status();
  return connection;
}

absl::StatusOr<std::vector<Reply>> Connection::Send(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(),
                               sizes.data()) != REDIS_OK) {
      return Failure();
    }
  }
  std::vector<Reply> replies;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    void* read = nullptr;
    if (redisGetReply(context_.get(), &read) != REDIS_OK) return Failure();
    replies.emplace_back(static_cast<redisReply*>(read));
    const redisReply& reply = *replies.back();
    if (reply.type == REDIS_REPLY_ERROR) return ErrorOf(commands[i], reply);
  }
  return replies;
}

void Connection::Interrupt() { shutdown(context_->fd, SHUT_RDWR); }

absl::Status Connection::Failure() const {
  if (context_->err == REDIS_OK) return Unavailable("no memory");
  if (context_->err == REDIS_ERR_IO && errno == EAGAIN) return Unavailable("no reply in time");
  return Unavailable(context_->errstr);
}

}  // namespace nerava::analytics::redis
