// An HTTP/1.1 server that slow and hostile clients do not keep from answering others: one thread waits for
// all connections, a few answer what came whole.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "examples/server/gate.h"
#include "nerava/analytics/http.h"

namespace nerava::examples {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;  // 0: any free one
  std::size_t max_head_bytes = std::size_t{32} << 10;
  std::size_t max_body_bytes = std::size_t{8} << 20;
  // Of all requests that arrive or are answered; one more that needs more is refused with 503.
  std::size_t max_total_body_bytes = std::size_t{256} << 20;
  // For a request to arrive whole, from when its connection is free for it.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(15);
  // For a response, or each part of one, to be taken.
  std::chrono::milliseconds response_timeout = std::chrono::seconds(30);
  std::size_t max_connections = 1'000;
  std::size_t max_connections_of_address = 500;
  std::size_t max_streams = 100;  // responses in parts at a time; more are refused with 503
  std::size_t max_waiting = 256;  // requests for a thread; more are refused with 503
  std::size_t threads = 4;        // that answer
  bool access_log = false;        // a line a request on standard error: no query, no key, no body
};

class Session;

// Of one thread, which Run() keeps; owns its connections and threads.
class Server {
 public:
  // Answers requests that came whole and passed the gate; on several threads.
  using Handler = std::function<analytics::HttpResponse(const analytics::HttpRequest& request)>;

  Server(ServerOptions options, GateOptions gate, Handler handler);
  ~Server();

  // Returns the port. An error says why the address cannot be had.
  absl::StatusOr<std::uint16_t> Listen();

  // Until SIGINT or SIGTERM came, and requests that had come whole are answered. A second signal ends the
  // process.
  void Run();

 private:
  friend class Session;

  void RunHandlers();
  void Accept();
  void Admit(boost::asio::ip::tcp::socket socket);
  void Stop();

  const ServerOptions options_;
  const Handler handler_;
  Gate gate_;

  // Of the thread that waits. Sessions are in io_, so these outlive it.
  std::unordered_set<Session*> sessions_;
  absl::flat_hash_map<std::string, std::size_t> connections_of_;
  std::size_t body_bytes_ = 0;
  std::size_t waiting_ = 0;
  std::size_t streams_ = 0;
  bool stopping_ = false;

  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer accept_again_{io_};
  boost::asio::signal_set signals_{io_, SIGINT, SIGTERM};
  std::optional<boost::asio::thread_pool> threads_;
};

}  // namespace nerava::examples
