// A connection to a Redis, for commands that are sent together.
#pragma once

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/redis/url.h"

namespace nerava::analytics::redis {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;
using Command = std::vector<std::string>;

// Unavailable: what Redis has against a command, of which it says nothing that a password may be in.
absl::Status ErrorOf(const Command& command, const redisReply& reply);

// Of one thread. After an error it is of no use any more: commands and replies may not be each other's.
class Connection {
 public:
  // Unavailable when there is none, or it wants another password. `timeout` is for each of: to connect, to
  // write, and for a part of a reply to come.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Url& url, absl::Duration timeout);

  // The replies, one a command. Unavailable; also when one of them is an error.
  absl::StatusOr<std::vector<Reply>> Send(const std::vector<Command>& commands);

  // Has whoever waits on another thread fail.
  void Interrupt();

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  explicit Connection(redisContext* context) : context_(context) {}
  absl::Status Failure() const;

  const std::unique_ptr<redisContext, Free> context_;
};

}  // namespace nerava::analytics::redis
