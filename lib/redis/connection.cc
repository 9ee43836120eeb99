#include "lib/redis/connection.h"

#include <sys/socket.h>

#include "fmt/format.h"

namespace nerava::analytics::redis {
namespace {

absl::Status Unavailable(std::string_view why) {
  return absl::UnavailableError(fmt::format("Redis: {}", why));
}

}  // namespace

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
    if (reply.type == REDIS_REPLY_ERROR) {
      return Unavailable(
          fmt::format("{}: {}", commands[i].front(), std::string_view(reply.str, reply.len)));
    }
  }
  return replies;
}

void Connection::Interrupt() { shutdown(context_->fd, SHUT_RDWR); }

absl::Status Connection::Failure() const {
  return Unavailable(context_->err == REDIS_OK ? "no memory" : context_->errstr);
}

}  // namespace nerava::analytics::redis
