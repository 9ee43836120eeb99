#include "examples/server/server.h"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "examples/server/log.h"
#include "examples/server/session.h"

namespace nerava::examples {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json\r\n"
    "Content-Length: 35\r\nConnection: close\r\n\r\n{\"detail\":\"too many connections\"}\r\n";

// One each, and some for the store.
void AllowDescriptors(std::size_t connections) {
  const rlim_t wanted = connections + 100;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    Log(fmt::format(
        "warning: {} connections may need {} file descriptors, and this process may have "
        "{}: raise its limit (ulimit -n), or lower --max-connections",
        connections, wanted, limit.rlim_cur));
  }
}

}  // namespace

Server::Server(ServerOptions options, GateOptions gate, Handler handler)
    : options_(std::move(options)), handler_(std::move(handler)), gate_(std::move(gate)) {
  // They take no signals: that is for the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  threads_.emplace(options_.threads);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Server::~Server() { threads_->join(); }

absl::StatusOr<std::uint16_t> Server::Listen() {
  Error error;
  const asio::ip::address address = asio::ip::make_address(options_.address, error);
  const tcp::endpoint endpoint(address, options_.port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(fmt::format("cannot listen at {}:{}: {}", options_.address,
                                              options_.port, error.message()));
  }
  return acceptor_.local_endpoint().port();
}

void Server::Run() {
  signals_.async_wait([this](Error error, int) {
    if (!error) Stop();
  });
  AllowDescriptors(options_.max_connections);
  Accept();
  RunHandlers();
  threads_->join();
}

void Server::RunHandlers() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {  // no memory for one connection, which is closed
      Log(fmt::format("error: a connection was given up: {}", error.what()));
    }
  }
}

void Server::Accept() {
  acceptor_.async_accept([this](Error error, tcp::socket socket) {
    if (stopping_) return;
    if (!error) {
      Accept();
      return Admit(std::move(socket));
    }
    // Out of file descriptors, say: some come back.
    accept_again_.expires_after(std::chrono::milliseconds(100));
    accept_again_.async_wait([this](Error cancelled) {
      if (!cancelled) Accept();
    });
  });
}

void Server::Admit(tcp::socket socket) {
  Error error;
  const std::string address = socket.remote_endpoint(error).address().to_string();
  if (error) return;  // gone already
  socket.set_option(tcp::no_delay(true), error);
  const auto count = connections_of_.find(address);
  if (sessions_.size() >= options_.max_connections ||
      (count != connections_of_.end() && count->second >= options_.max_connections_of_address)) {
    socket.write_some(asio::buffer(kFull), error);  // fits a fresh socket's buffer
    return;
  }
  std::make_shared<Session>(*this, std::move(socket), address)->ReadHead();
}

void Server::Stop() {
  stopping_ = true;
  signals_.clear();  // a second one ends the process
  Error ignored;
  acceptor_.close(ignored);
  accept_again_.cancel();
  const std::vector<Session*> sessions(sessions_.begin(), sessions_.end());
  for (Session* session : sessions) session->CloseIfIdle();
}

}  // namespace nerava::examples
