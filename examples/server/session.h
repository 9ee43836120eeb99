// One connection of a Server, request after request.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "examples/server/gzip.h"
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
  // The server stops: closes it unless a request is being answered; one that is answered in parts gets no
  // further ones.
  void CloseIfIdle();

 private:
  using Error = boost::beast::error_code;

  std::chrono::milliseconds ResponseTimeout() const;
  // Has OnTimeout() called unless what is under way ends before, or is given another limit.
  void Within(std::chrono::milliseconds limit);
  void OnTimeout();
  void OnHead(Error error);
  void ReadBody();
  void OnBodyPart(Error error);
  // Whether there is room for the body as far as it came.
  bool Reserve();
  void FreeBody();
  // What to say about a request that did not come whole; nobody is there to hear it: close.
  void OnUnread(Error error);
  void Answer();
  void Write(analytics::HttpResponse response);
  void OnWritten(Error error);
  void SetHead(const analytics::HttpResponse& response);
  // On one of the server's threads.
  analytics::HttpResponse MakeAnswer();
  // Has that made, then goes on with `take`.
  using Taker = void (Session::*)(analytics::HttpResponse response);
  void Ask(Taker take);
  // A response with a next_target: one part after the other, each once the one before is taken.
  void BeginParts(analytics::HttpResponse response);
  void WritePart(analytics::HttpResponse part);
  void OnPartWritten(Error error);
  void AskForPart();
  void EndParts();
  // While nothing is sent, nobody would notice that the client went away.
  void AwaitEnd();
  // Without the end that says that it is whole.
  void CutShort();
  void LogAccess() const;
  // Says that nothing more comes, and takes what still does for a moment: who sent it would otherwise
  // lose the response.
  void Close();
  void Discard();
  void CloseNow();

  enum class State { kReading, kAnswering, kWriting, kClosing };

  Server& server_;
  boost::asio::ip::tcp::socket socket_;
  const std::string address_;
  boost::beast::flat_buffer buffer_;  // of limited size, whatever comes
  // The head first: only what passed the gate gets room for its body.
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> head_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::size_t body_bytes_ = 0;  // of the server's
  // Of the request, as its head has it: a trailer says nothing.
  unsigned version_ = 11;
  bool keeps_alive_ = false;
  bool timed_out_ = false;
  analytics::HttpRequest request_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
      serializer_;
  std::unique_ptr<GzipStream> gzip_;  // of the response
  std::string part_;
  std::string next_target_;
  std::chrono::milliseconds next_after_{};
  bool awaits_end_ = false;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer deadline_;
  std::chrono::steady_clock::time_point began_;
  State state_ = State::kReading;
};

}  // namespace nerava::examples
