#include "examples/server/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <exception>
#include <utility>

#include "examples/server/head.h"
#include "examples/server/log.h"
#include "examples/server/messages.h"

namespace nerava::examples {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using analytics::HttpHeader;
using analytics::HttpRequest;
using analytics::HttpResponse;

constexpr std::size_t kWorthGzip = 1'024;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::chrono::seconds kCloseTimeout{2};
constexpr std::chrono::seconds kStopTimeout{5};  // for those who do not take their answers

bool IsHead(const HttpRequest& request) { return request.method == "HEAD"; }

// So that the length of the body is known.
HttpRequest AsGet(const HttpRequest& head) { return {"GET", head.target, head.headers}; }

HttpResponse Busy() {
  HttpResponse response = Refusal(503, "too much is asked at once; try again a little later");
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

// Not what comes in parts as it happens: they are small.
bool IsWorthGzip(const HttpResponse& response) {
  return response.next_target.empty() ? response.body.size() >= kWorthGzip
                                      : response.next_after == absl::ZeroDuration();
}

}  // namespace

Session::Session(Server& server, boost::asio::ip::tcp::socket socket, std::string address)
    : server_(server),
      socket_(std::move(socket)),
      address_(std::move(address)),
      buffer_(server.options_.max_head_bytes + kReadBytes),
      pause_(server.io_),
      deadline_(server.io_) {
  server_.sessions_.insert(this);
  ++server_.connections_of_[address_];
}

Session::~Session() {
  FreeBody();
  EndParts();
  server_.sessions_.erase(this);
  const auto count = server_.connections_of_.find(address_);
  if (--count->second == 0) server_.connections_of_.erase(count);
}

std::chrono::milliseconds Session::ResponseTimeout() const {
  const std::chrono::milliseconds limit = server_.options_.response_timeout;
  return server_.stopping_ ? std::min<std::chrono::milliseconds>(limit, kStopTimeout) : limit;
}

void Session::Within(std::chrono::milliseconds limit) {
  deadline_.expires_after(limit);
  deadline_.async_wait([weak = weak_from_this()](Error cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self) return;
    // Else it was on its way here when there was another limit.
    if (self->deadline_.expiry() <= std::chrono::steady_clock::now()) self->OnTimeout();
  });
}

void Session::OnTimeout() {
  const bool has_some = parser_ || buffer_.size() > 0;
  if (state_ != State::kReading || timed_out_ || !has_some) return CloseNow();
  timed_out_ = true;
  Error ignored;  // Then what is being read ends, as if the client had ended it.
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_receive, ignored);
  Within(kCloseTimeout);  // "100 Continue" may be what nobody takes
}

void Session::ReadHead() {
  state_ = State::kReading;
  request_ = {};
  version_ = 11;
  keeps_alive_ = false;
  EndParts();
  parser_.reset();
  head_.emplace();
  head_->header_limit(static_cast<std::uint32_t>(server_.options_.max_head_bytes));
  head_->body_limit(server_.options_.max_body_bytes);
  Within(server_.options_.request_timeout);
  http::async_read_header(
      socket_, buffer_, *head_,
      [self = shared_from_this()](Error error, std::size_t) { self->OnHead(error); });
}

void Session::OnHead(Error error) {
  if (error || timed_out_) return OnUnread(error);
  began_ = std::chrono::steady_clock::now();
  const RequestHead& head = head_->get();
  version_ = head.version();
  request_ = HeadOf(head);
  auto refusal = CheckHead(head);
  keeps_alive_ = !refusal && head_->keep_alive();
  const bool awaits_go_on = AwaitsContinue(head);
  parser_.emplace(std::move(*head_));
  parser_->eager(true);
  if (!refusal) refusal = server_.gate_.Check(request_, address_);
  if (refusal) return Write(*std::move(refusal));
  // No other request has a use for a body: none is read.
  if (request_.method != "POST" || parser_->is_done()) return Answer();
  if (!awaits_go_on) return ReadBody();
  static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  boost::asio::async_write(socket_, boost::asio::buffer(kGoOn),
                           [self = shared_from_this()](Error failed, std::size_t) {
                             if (!failed) self->ReadBody();
                           });
}

void Session::ReadBody() {
  http::async_read_some(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](Error error, std::size_t) { self->OnBodyPart(error); });
}

void Session::OnBodyPart(Error error) {
  if (error || timed_out_) return OnUnread(error);
  if (!Reserve()) return Write(Busy());
  if (!parser_->is_done()) return ReadBody();
  request_.body = std::move(parser_->get().body());
  Answer();
}

bool Session::Reserve() {
  const std::size_t others = server_.body_bytes_ - body_bytes_;
  const std::size_t length = parser_->get().body().size();
  // A single one always has it, whatever the limits.
  if (others > 0 && others + length > server_.options_.max_total_body_bytes) return false;
  server_.body_bytes_ = others + length;
  body_bytes_ = length;
  return true;
}

void Session::FreeBody() {
  server_.body_bytes_ -= std::exchange(body_bytes_, 0);
  std::string().swap(request_.body);  // assigned to, it would keep its memory
  if (parser_) std::string().swap(parser_->get().body());
}

void Session::OnUnread(Error error) {
  static const Error kAny = http::error::bad_method;  // for its category
  if (!parser_) began_ = std::chrono::steady_clock::now();
  const ServerOptions& options = server_.options_;
  if (timed_out_) {
    return Write(
        Refusal(408, fmt::format("the request did not come whole within {} s",
                                 options.request_timeout / std::chrono::duration<double>(1))));
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != kAny.category()) {
    return;
  }
  if (error == http::error::body_limit) {
    return Write(Refusal(413, fmt::format("the body is too large; it may have at most {} bytes",
                                          options.max_body_bytes)));
  }
  if (error == http::error::header_limit || (error == http::error::buffer_overflow && !parser_)) {
    return Write(Refusal(431, fmt::format("path and headers are too large; together they may have "
                                          "at most {} bytes",
                                          options.max_head_bytes)));
  }
  Write(Refusal(400, fmt::format("this is no HTTP/1.1 request: {}", error.message())));
}

void Session::Answer() {
  if (server_.waiting_ >= server_.options_.max_waiting) return Write(Busy());
  state_ = State::kAnswering;
  Ask(&Session::Write);
}

HttpResponse Session::MakeAnswer() {
  try {
    HttpResponse response = server_.handler_(IsHead(request_) ? AsGet(request_) : request_);
    const bool is_first = !serializer_;
    if (is_first && IsWorthGzip(response)) {
      response.headers.push_back({"Vary", "Accept-Encoding"});
      if (AcceptsGzip(std::string(HeaderOf(request_, "Accept-Encoding")))) {
        response.headers.push_back({"Content-Encoding", "gzip"});
        gzip_ = std::make_unique<GzipStream>();
      }
    }
    if (gzip_) response.body = gzip_->Next(response.body, response.next_target.empty());
    return response;
  } catch (const std::exception&) {  // no memory
    return Busy();
  }
}

void Session::Ask(Taker take) {
  deadline_.cancel();
  ++server_.waiting_;
  auto work = boost::asio::make_work_guard(server_.io_);  // it goes on until this is answered
  boost::asio::post(*server_.threads_, [self = shared_from_this(), work, take]() mutable {
    HttpResponse response = self->MakeAnswer();
    auto& io = self->server_.io_;
    boost::asio::post(io, [self = std::move(self), take, response = std::move(response)]() mutable {
      --self->server_.waiting_;
      ((*self).*take)(std::move(response));
    });
  });
}

void Session::Write(HttpResponse response) {
  state_ = State::kWriting;
  FreeBody();
  SetHead(response);
  const bool is_head = IsHead(request_);
  if (!is_head && !response.next_target.empty()) {
    return server_.streams_ < server_.options_.max_streams ? BeginParts(std::move(response))
                                                           : Write(Busy());
  }
  const bool has_length = response.status != 204 && response.status != 304 &&
                          !(is_head && !response.next_target.empty());
  if (has_length) response_.content_length(response.body.size());
  if (!is_head) response_.body() = std::move(response.body);
  Within(ResponseTimeout());
  http::async_write(socket_, response_, [self = shared_from_this()](Error error, std::size_t) {
    self->OnWritten(error);
  });
}

void Session::SetHead(const HttpResponse& response) {
  response_ = {};
  response_.version(version_);
  response_.result(static_cast<unsigned>(response.status));
  for (const HttpHeader& header : response.headers) response_.insert(header.name, header.value);
  for (const HttpHeader& header : server_.gate_.CorsHeaders(request_)) {
    response_.insert(header.name, header.value);
  }
  response_.set("X-Content-Type-Options", "nosniff");
  // What of the request was not read would be taken for the next one.
  response_.keep_alive(keeps_alive_ && parser_->is_done() && !server_.stopping_);
}

void Session::BeginParts(HttpResponse response) {
  if (response_.version() == 11) {
    response_.chunked(true);
  } else {
    // Its end is that of the connection, which any other one must not look like.
    response_.keep_alive(false);
    Error ignored;
    socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  }
  serializer_.emplace(response_);
  ++server_.streams_;
  Within(ResponseTimeout());
  http::async_write_header(
      socket_, *serializer_,
      [self = shared_from_this(), part = std::move(response)](Error error, std::size_t) mutable {
        if (error) return self->LogAccess();
        self->WritePart(std::move(part));
      });
}

void Session::WritePart(HttpResponse part) {
  if (part.status != 200 || server_.stopping_) return CutShort();
  next_target_ = std::move(part.next_target);
  next_after_ = absl::ToChronoMilliseconds(part.next_after);
  part_ = std::move(part.body);
  Within(ResponseTimeout());
  if (part_.empty()) return OnPartWritten({});
  const auto then = [self = shared_from_this()](Error error, std::size_t) {
    self->OnPartWritten(error);
  };
  if (response_.chunked()) {
    boost::asio::async_write(socket_, http::make_chunk(boost::asio::buffer(part_)), then);
  } else {
    boost::asio::async_write(socket_, boost::asio::buffer(part_), then);
  }
}

void Session::OnPartWritten(Error error) {
  if (error) return LogAccess();
  if (next_target_.empty()) {
    if (!response_.chunked()) {
      socket_.set_option(boost::asio::socket_base::linger(false, 0), error);
      return OnWritten(error);
    }
    return boost::asio::async_write(
        socket_, http::make_chunk_last(),
        [self = shared_from_this()](Error failed, std::size_t) { self->OnWritten(failed); });
  }
  if (next_after_ == std::chrono::milliseconds::zero()) return AskForPart();
  deadline_.cancel();
  AwaitEnd();
  pause_.expires_after(next_after_);
  pause_.async_wait([self = shared_from_this()](Error) { self->AskForPart(); });
}

void Session::EndParts() {
  if (serializer_) --server_.streams_;
  serializer_.reset();
  gzip_.reset();
}

void Session::AwaitEnd() {
  if (std::exchange(awaits_end_, true)) return;
  using boost::asio::ip::tcp;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Error error) {
    self->awaits_end_ = false;
    char next = 0;
    tcp::socket& socket = self->socket_;
    if (!error) socket.receive(boost::asio::buffer(&next, 1), tcp::socket::message_peek, error);
    if (!error || !self->serializer_) return;  // its next request
    self->CloseNow();
    self->pause_.cancel();
  });
}

void Session::AskForPart() {
  if (!socket_.is_open()) return LogAccess();
  request_.target = next_target_;
  Ask(&Session::WritePart);
}

void Session::CutShort() {
  LogAccess();
  if (!response_.chunked()) return CloseNow();
  Close();
}

void Session::LogAccess() const {
  if (!server_.options_.access_log) return;
  const auto took = std::chrono::steady_clock::now() - began_;
  Log(fmt::format("{} {} {} {} {:.3f} ms", address_,
                  request_.method.empty() ? "-" : request_.method,
                  request_.target.substr(0, request_.target.find('?')), response_.result_int(),
                  std::chrono::duration<double, std::milli>(took).count()));
}

void Session::OnWritten(Error error) {
  LogAccess();
  if (error) return;
  if (!response_.keep_alive() || server_.stopping_) return Close();
  ReadHead();
}

void Session::Close() {
  state_ = State::kClosing;
  Error ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  Within(kCloseTimeout);
  if (!server_.stopping_) Discard();
}

void Session::Discard() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](Error error, std::size_t) {
                            if (!error) self->Discard();
                          });
}

void Session::CloseIfIdle() {
  // Not just what it waits for now: between two reads or writes of one message there is nothing to cancel.
  if (state_ == State::kAnswering) return;
  if (state_ == State::kWriting && !serializer_) return Within(ResponseTimeout());
  CloseNow();
  pause_.cancel();
}

void Session::CloseNow() {
  Error ignored;
  socket_.close(ignored);
}

}  // namespace nerava::examples
