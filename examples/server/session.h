// One connection of a Server, request after request.
#pragma once

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "examples/server/server.h"

namespace nerava::examples {

// Lives as long as something of it is under way. All but the handler runs on the server's waiting thread.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server& server, boost::asio::ip::tcp::socket socket, std::string address);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void ReadHead();
  // Closes it unless a request is being answered.
  void CloseIfIdle();

 private:
  using Error = boost::beast::error_code;

  void OnHead(Error error);
  void ReadBody();
  void OnBody(Error error);
  // What to say about a request that did not come whole; nobody is there to hear it: close.
  void OnUnread(Error error);
  void Answer();
  void Write(analytics::HttpResponse response);
  void OnWritten(Error error);
  // Says that nothing more comes, and takes what still does for a moment: who sent it would otherwise
  // lose the response.
  void Close();
  void Discard();

  Server& server_;
  boost::beast::tcp_stream stream_;
  const std::string address_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  analytics::HttpRequest request_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::chrono::steady_clock::time_point began_;
  bool reading_ = true;
};

}  // namespace nerava::examples
