#include "examples/server/session.h"

#include <fmt/core.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <exception>
#include <utility>

namespace nerava::examples {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using analytics::HttpHeader;
using analytics::HttpRequest;
using analytics::HttpResponse;

constexpr std::size_t kWorthGzip = 1'024;

std::string Text(beast::string_view text) { return {text.data(), text.size()}; }

HttpRequest HeadOf(const http::request<http::empty_body>& message) {
  HttpRequest request{Text(message.method_string()), Text(message.target())};
  for (const auto& field : message) {
    request.headers.push_back({Text(field.name_string()), Text(field.value())});
  }
  return request;
}

bool IsHead(const HttpRequest& request) { return request.method == "HEAD"; }

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
      stream_(std::move(socket)),
      address_(std::move(address)),
      pause_(server.io_) {
  server_.sessions_.insert(this);
  ++server_.connections_of_[address_];
}

Session::~Session() {
  Release();
  server_.sessions_.erase(this);
  const auto count = server_.connections_of_.find(address_);
  if (--count->second == 0) server_.connections_of_.erase(count);
}

void Session::ReadHead() {
  reading_ = true;
  request_ = {};
  Release();
  parser_.reset();
  head_.emplace();
  head_->header_limit(static_cast<std::uint32_t>(server_.options_.max_head_bytes));
  head_->body_limit(server_.options_.max_body_bytes);
  stream_.expires_after(server_.options_.request_timeout);
  http::async_read_header(
      stream_, buffer_, *head_,
      [self = shared_from_this()](Error error, std::size_t) { self->OnHead(error); });
}

void Session::OnHead(Error error) {
  if (error) return OnUnread(error);
  began_ = std::chrono::steady_clock::now();
  request_ = HeadOf(head_->get());
  parser_.emplace(std::move(*head_));
  if (auto refusal = server_.gate_.Check(request_, address_)) return Write(*std::move(refusal));
  if (!Reserve()) return Write(Busy());
  if (parser_->is_done() || HeaderOf(request_, "Expect") != "100-continue") return ReadBody();
  static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  boost::asio::async_write(stream_, boost::asio::buffer(kGoOn),
                           [self = shared_from_this()](Error failed, std::size_t) {
                             if (!failed) self->ReadBody();
                           });
}

bool Session::Reserve() {
  const ServerOptions& options = server_.options_;
  const std::size_t length = parser_->chunked()
                                 ? options.max_body_bytes
                                 : static_cast<std::size_t>(parser_->content_length().value_or(0));
  // A single one always has it, whatever the limits.
  const bool has_room = server_.body_bytes_ == 0 || length == 0 ||
                        server_.body_bytes_ + length <= options.max_total_body_bytes;
  if (has_room) server_.body_bytes_ += body_bytes_ = length;
  return has_room;
}

void Session::ReadBody() {
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](Error error, std::size_t) { self->OnBody(error); });
}

void Session::OnBody(Error error) {
  if (error) return OnUnread(error);
  request_.body = std::move(parser_->get().body());
  Answer();
}

void Session::OnUnread(Error error) {
  static const Error kAny = http::error::bad_method;  // for its category
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != kAny.category()) {
    return;
  }
  began_ = std::chrono::steady_clock::now();
  const ServerOptions& options = server_.options_;
  if (error == http::error::body_limit) {
    return Write(Refusal(413, fmt::format("the body is too large; it may have at most {} bytes",
                                          options.max_body_bytes)));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Write(Refusal(431, fmt::format("path and headers are too large; together they may have "
                                          "at most {} bytes",
                                          options.max_head_bytes)));
  }
  Write(Refusal(400, fmt::format("this is no HTTP/1.1 request: {}", error.message())));
}

void Session::Answer() {
  if (server_.waiting_ >= server_.options_.max_waiting) return Write(Busy());
  reading_ = false;
  Ask(&Session::Write);
}

HttpResponse Session::MakeAnswer() {
  try {
    HttpRequest request = request_;
    if (IsHead(request)) request.method = "GET";  // so that the length of the body is known
    HttpResponse response = server_.handler_(request);
    const bool is_first = !serializer_;
    if (is_first && IsWorthGzip(response)) {
      response.headers.push_back({"Vary", "Accept-Encoding"});
      if (AcceptsGzip(std::string(HeaderOf(request, "Accept-Encoding")))) {
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
  reading_ = false;
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
  stream_.expires_after(server_.options_.response_timeout);
  http::async_write(stream_, response_, [self = shared_from_this()](Error error, std::size_t) {
    self->OnWritten(error);
  });
}

void Session::SetHead(const HttpResponse& response) {
  const bool is_old = (parser_ ? parser_->get().version() : head_->get().version()) == 10;
  response_ = {};
  response_.version(is_old ? 10 : 11);
  response_.result(static_cast<unsigned>(response.status));
  for (const HttpHeader& header : response.headers) response_.insert(header.name, header.value);
  for (const HttpHeader& header : server_.gate_.CorsHeaders(request_)) {
    response_.insert(header.name, header.value);
  }
  response_.set("X-Content-Type-Options", "nosniff");
  // What of the request was not read would be taken for the next one.
  response_.keep_alive(parser_ && parser_->is_done() && parser_->keep_alive() &&
                       !server_.stopping_);
}

void Session::BeginParts(HttpResponse response) {
  if (response_.version() == 11) {
    response_.chunked(true);
  } else {
    // Its end is that of the connection, which any other one must not look like.
    response_.keep_alive(false);
    Error ignored;
    stream_.socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
  }
  serializer_.emplace(response_);
  ++server_.streams_;
  stream_.expires_after(server_.options_.response_timeout);
  http::async_write_header(
      stream_, *serializer_,
      [self = shared_from_this(), part = std::move(response)](Error error, std::size_t) mutable {
        if (error) return self->Log();
        self->WritePart(std::move(part));
      });
}

void Session::WritePart(HttpResponse part) {
  if (part.status != 200 || server_.stopping_) return CutShort();
  next_target_ = std::move(part.next_target);
  next_after_ = absl::ToChronoMilliseconds(part.next_after);
  part_ = std::move(part.body);
  if (part_.empty()) return OnPartWritten({});
  stream_.expires_after(server_.options_.response_timeout);
  const auto then = [self = shared_from_this()](Error error, std::size_t) {
    self->OnPartWritten(error);
  };
  if (response_.chunked()) {
    boost::asio::async_write(stream_, http::make_chunk(boost::asio::buffer(part_)), then);
  } else {
    boost::asio::async_write(stream_, boost::asio::buffer(part_), then);
  }
}

void Session::OnPartWritten(Error error) {
  if (error) return Log();
  if (next_target_.empty()) {
    if (!response_.chunked()) {
      stream_.socket().set_option(boost::asio::socket_base::linger(false, 0), error);
      return OnWritten(error);
    }
    return boost::asio::async_write(
        stream_, http::make_chunk_last(),
        [self = shared_from_this()](Error failed, std::size_t) { self->OnWritten(failed); });
  }
  if (next_after_ == std::chrono::milliseconds::zero()) return AskForPart();
  AwaitEnd();
  pause_.expires_after(next_after_);
  pause_.async_wait([self = shared_from_this()](Error) { self->AskForPart(); });
}

void Session::Release() {
  server_.body_bytes_ -= std::exchange(body_bytes_, 0);
  if (serializer_) --server_.streams_;
  serializer_.reset();
  gzip_.reset();
}

void Session::AwaitEnd() {
  if (std::exchange(awaits_end_, true)) return;
  using boost::asio::ip::tcp;
  stream_.socket().async_wait(tcp::socket::wait_read, [self = shared_from_this()](Error error) {
    self->awaits_end_ = false;
    char next = 0;
    tcp::socket& socket = self->stream_.socket();
    if (!error) socket.receive(boost::asio::buffer(&next, 1), tcp::socket::message_peek, error);
    if (!error || !self->serializer_) return;  // its next request
    self->stream_.close();
    self->pause_.cancel();
  });
}

void Session::AskForPart() {
  if (!stream_.socket().is_open()) return Log();
  request_.target = next_target_;
  Ask(&Session::WritePart);
}

void Session::CutShort() {
  Log();
  if (!response_.chunked()) return stream_.close();
  Close();
}

void Session::Log() const {
  if (!server_.options_.access_log) return;
  const auto took = std::chrono::steady_clock::now() - began_;
  fmt::print(stderr, "{} {} {} {} {:.3f} ms\n", address_,
             request_.method.empty() ? "-" : request_.method,
             request_.target.substr(0, request_.target.find('?')), response_.result_int(),
             std::chrono::duration<double, std::milli>(took).count());
}

void Session::OnWritten(Error error) {
  Log();
  if (error) return;
  if (!response_.keep_alive() || server_.stopping_) return Close();
  ReadHead();
}

void Session::Close() {
  reading_ = true;
  Error ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(std::chrono::seconds(2));
  if (!server_.stopping_) Discard();
}

void Session::Discard() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(std::size_t{64} << 10),
                          [self = shared_from_this()](Error error, std::size_t) {
                            if (!error) self->Discard();
                          });
}

void Session::CloseIfIdle() {
  // Not just what it waits for now: between two reads or writes of one message there is nothing to cancel.
  if (reading_ || serializer_) stream_.close();
  pause_.cancel();
}

}  // namespace nerava::examples
