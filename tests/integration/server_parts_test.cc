// What the HTTP server example asks of a request before it answers.
#include <zlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <string>

#include "examples/server/api_keys.h"
#include "examples/server/gate.h"
#include "examples/server/gzip.h"
#include "examples/server/head.h"
#include "examples/server/messages.h"
#include "examples/server/rate_limiter.h"

namespace nerava::examples {
namespace {

using analytics::HttpHeader;
using analytics::HttpRequest;

constexpr char kReader[] = "reader-0123456789";
constexpr char kWriter[] = "writer-0123456789";
constexpr char kBoth[] = "both-0123456789ab";

ApiKeys Keys() {
  return ApiKeys::Parse("# of the backend\n\nread " + std::string(kReader) + "\n write\t" +
                        kWriter + "\r\nread,write " + kBoth)
      .value();
}

int StatusOf(Gate& gate, const HttpRequest& request, const std::string& address = "10.0.0.1") {
  const auto refusal = gate.Check(request, address);
  return refusal ? refusal->status : 0;
}

HttpRequest With(std::string method, std::vector<HttpHeader> headers) {
  return {std::move(method), "/v1/analytics/kpis", std::move(headers)};
}

// Of which the end may be yet to come.
std::string UnzipStart(std::string bytes, bool* ended) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
  std::string out(1'000'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  *ended = inflate(&stream, Z_SYNC_FLUSH) == Z_STREAM_END;
  CHECK(stream.avail_in == 0);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string Unzip(const std::string& bytes) {
  bool ended = false;
  std::string text = UnzipStart(bytes, &ended);
  CHECK(ended);
  return text;
}

TEST_CASE("A key may do what its line says", "[server]") {
  const ApiKeys keys = Keys();
  using Verdict = ApiKeys::Verdict;
  CHECK(keys.Check(kReader, Scope::kRead) == Verdict::kAllowed);
  CHECK(keys.Check(kReader, Scope::kWrite) == Verdict::kOtherScope);
  CHECK(keys.Check(kWriter, Scope::kRead) == Verdict::kOtherScope);
  CHECK(keys.Check(kWriter, Scope::kWrite) == Verdict::kAllowed);
  CHECK(keys.Check(kBoth, Scope::kRead) == Verdict::kAllowed);
  CHECK(keys.Check(kBoth, Scope::kWrite) == Verdict::kAllowed);
  for (const char* unknown : {"", "reader-012345678", "reader-01234567890", "Reader-0123456789"}) {
    CHECK(keys.Check(unknown, Scope::kRead) == Verdict::kUnknownKey);
  }
}

TEST_CASE("A bad line of keys is told by its number, without the key", "[server]") {
  const auto message = [](const std::string& text) {
    const auto keys = ApiKeys::Parse(text);
    return keys.ok() ? "" : std::string(keys.status().message());
  };
  CHECK(message("read short") ==
        "line 1: the key has 5 bytes; it must have at least 16. `openssl "
        "rand -hex 32` makes a good one");
  CHECK_THAT(message("\nadmin " + std::string(kBoth)), Catch::StartsWith("line 2: it must begin"));
  CHECK_THAT(message("read " + std::string(kBoth) + " x"), Catch::StartsWith("line 1: behind"));
  CHECK_THAT(message(kBoth), !Catch::Contains(kBoth));
  CHECK(ApiKeys::Parse("# nothing\n")->empty());
  // A byte order mark, as Windows writes it, is no part of the first line.
  CHECK(ApiKeys::Parse("\xEF\xBB\xBFread " + std::string(kBoth)).ok());
}

TEST_CASE("With keys, each request needs one of its scope", "[server]") {
  Gate gate({.keys = Keys()});
  CHECK(StatusOf(gate, With("GET", {})) == 401);
  CHECK(StatusOf(gate, With("GET", {{"x-api-key", "nobody-0123456789"}})) == 401);
  CHECK(StatusOf(gate, With("GET", {{"Authorization", "Basic " + std::string(kReader)}})) == 401);
  CHECK(StatusOf(gate, With("GET", {{"authorization", "Bearer " + std::string(kReader)}})) == 0);
  CHECK(StatusOf(gate, With("GET", {{"authorization", "bearer  " + std::string(kReader)}})) == 0);
  CHECK(StatusOf(gate, With("GET", {{"Authorization", "Bearer "}})) == 401);
  CHECK(StatusOf(gate, With("HEAD", {{"X-API-Key", kReader}})) == 0);
  CHECK(StatusOf(gate, With("POST", {{"X-API-Key", kReader}})) == 403);
  CHECK(StatusOf(gate, With("POST", {{"X-API-Key", kWriter}})) == 0);
  CHECK(StatusOf(gate, With("GET", {{"X-API-Key", kWriter}})) == 403);
  CHECK(StatusOf(gate, {"GET", "/livez"}) == 0);
  CHECK(StatusOf(gate, {"GET", "/readyz?x"}) == 0);
  CHECK(StatusOf(gate, {"GET", "/livez/../v1/analytics/kpis"}) == 401);
  const auto refusal = gate.Check(With("GET", {}), "10.0.0.1");
  REQUIRE(refusal);
  CHECK(HeaderOf({"", "", refusal->headers}, "WWW-Authenticate") == "Bearer");
}

TEST_CASE("The dashboard, which has no data, needs no key; what lies beside it does", "[server]") {
  Gate gate({.keys = Keys()});
  for (const char* open : {"/", "/?days=7", "/dashboard/main.js", "/dashboard/x?y"}) {
    CHECK(StatusOf(gate, {"GET", open}) == 0);
  }
  for (const char* closed : {"", "//", "/dashboard", "/x/dashboard/",
                             "/v1/analytics/kpis?x=/dashboard/", "/metrics", "*"}) {
    CHECK(StatusOf(gate, {"GET", closed}) == 401);
  }
  Gate local({});
  CHECK(StatusOf(local, {"GET", "/", {{"Host", "evil.example"}}}) == 403);
}

TEST_CASE("Without keys, pages from elsewhere cannot ask through a browser", "[server]") {
  Gate gate({.cors_origins = {"https://ops.example"}});
  CHECK(StatusOf(gate, With("GET", {})) == 0);
  for (const char* host : {"localhost", "localhost:8000", "127.0.0.1:8000", "[::1]", "[::1]:80",
                           "LocalHost:8000", "localhost.:8000", "127.0.0.2:8000"}) {
    CHECK(StatusOf(gate, With("GET", {{"Host", host}})) == 0);
  }
  for (const char* host : {"evil.example", "localhost.evil.example:8000", "127.0.0.1.evil", ":",
                           "128.0.0.1", "localhost..", "10.127.0.0:8000"}) {
    CHECK(StatusOf(gate, With("GET", {{"Host", host}})) == 403);
  }
  const auto origin = [&](const char* text) {
    return StatusOf(gate, With("POST", {{"Host", "localhost:8000"}, {"Origin", text}}));
  };
  CHECK(origin("http://localhost:8000") == 0);
  CHECK(origin("https://ops.example") == 0);
  CHECK(origin("https://evil.example") == 403);
  CHECK(origin("http://localhost:9000") == 403);
  CHECK(origin("null") == 403);
}

TEST_CASE("Pages of a named origin may read answers, others may not", "[server]") {
  Gate gate({.keys = Keys(), .cors_origins = {"https://ops.example"}});
  const auto preflight = [](const char* origin) {
    return With("OPTIONS", {{"Origin", origin}, {"Access-Control-Request-Method", "GET"}});
  };
  CHECK(StatusOf(gate, preflight("https://ops.example")) == 204);
  CHECK(StatusOf(gate, preflight("https://evil.example")) == 403);
  const HttpRequest known{"", "", gate.CorsHeaders(preflight("https://ops.example"))};
  CHECK(HeaderOf(known, "Access-Control-Allow-Origin") == "https://ops.example");
  CHECK_THAT(std::string(HeaderOf(known, "Access-Control-Allow-Headers")),
             Catch::Contains("Authorization") && Catch::Contains("Last-Event-ID"));
  CHECK_THAT(std::string(HeaderOf(known, "Access-Control-Expose-Headers")),
             Catch::Contains("ETag") && Catch::Contains("Next-Cursor"));
  const HttpRequest other{"", "", gate.CorsHeaders(preflight("https://evil.example"))};
  CHECK(HeaderOf(other, "Access-Control-Allow-Origin").empty());
  CHECK(HeaderOf(other, "Vary") == "Origin");
  CHECK(Gate(GateOptions()).CorsHeaders(preflight("https://ops.example")).empty());
}

TEST_CASE("An address may send so many requests a second", "[server]") {
  RateLimiter limiter(10);
  RateLimiter::Clock::time_point now{};
  const auto allowed = [&](const std::string& client) {
    int count = 0;
    while (count < 100 && limiter.Allow(client, now)) ++count;
    return count;
  };
  CHECK(allowed("a") == 10);
  CHECK(allowed("b") == 10);
  now += std::chrono::milliseconds(500);
  CHECK(allowed("a") == 5);
  now += std::chrono::hours(1);
  CHECK(allowed("a") == 10);
  for (int i = 0; i < 5'000; ++i) CHECK(limiter.Allow(std::to_string(i), now));
  CHECK(allowed("a") == 0);  // not forgotten among so many

  RateLimiter any(0);
  for (int i = 0; i < 1'000; ++i) CHECK(any.Allow("a", now));

  Gate gate({.requests_per_second = 1});
  CHECK(StatusOf(gate, {"GET", "/livez"}, "a") == 0);
  CHECK(StatusOf(gate, {"GET", "/livez"}, "a") == 429);
  CHECK(StatusOf(gate, {"GET", "/livez"}, "b") == 0);

  RateLimiter slow(0.25);
  CHECK(slow.Allow("a", now));
  CHECK_FALSE(slow.Allow("a", now += std::chrono::milliseconds(3'900)));
  CHECK(slow.Allow("a", now += std::chrono::milliseconds(200)));
  Gate patient({.requests_per_second = 0.25});
  CHECK(StatusOf(patient, {"GET", "/livez"}) == 0);
  const auto refusal = patient.Check({"GET", "/livez"}, "10.0.0.1");
  REQUIRE(refusal);
  CHECK(HeaderOf({"", "", refusal->headers}, "Retry-After") == "4");
}

namespace http = boost::beast::http;

RequestHead Head(unsigned version, std::vector<HttpHeader> headers) {
  RequestHead head(http::verb::get, "/livez", version);
  for (const HttpHeader& header : headers) head.insert(header.name, header.value);
  return head;
}

TEST_CASE("A request whose end a proxy may see elsewhere is none", "[server]") {
  const auto status = [](unsigned version, std::vector<HttpHeader> headers) {
    const auto refusal = CheckHead(Head(version, std::move(headers)));
    return refusal ? refusal->status : 0;
  };
  const HttpHeader host{"Host", "a"};
  CHECK(status(11, {host}) == 0);
  CHECK(status(10, {}) == 0);
  CHECK(status(11, {}) == 400);
  CHECK(status(11, {host, host}) == 400);
  CHECK(status(10, {host, host}) == 400);
  CHECK(status(11, {host, {"Transfer-Encoding", "Chunked"}}) == 0);
  CHECK(status(10, {host, {"Transfer-Encoding", "chunked"}}) == 400);
  for (const char* coding :
       {"", "xchunked", "identity", "gzip", "gzip, chunked", "chunked, gzip"}) {
    CHECK(status(11, {host, {"Transfer-Encoding", coding}}) == 501);
  }
  const HttpHeader chunked{"Transfer-Encoding", "chunked"};
  CHECK(status(11, {host, chunked, chunked}) == 501);
  CHECK(status(11, {host, {"Expect", "100-Continue"}}) == 0);
  CHECK(status(11, {host, {"Expect", "200-ok"}}) == 417);
  CHECK(status(10, {{"Expect", "200-ok"}}) == 0);
  CHECK(AwaitsContinue(Head(11, {{"Expect", "100-Continue"}})));
  CHECK_FALSE(AwaitsContinue(Head(10, {{"Expect", "100-continue"}})));
  CHECK_FALSE(AwaitsContinue(Head(11, {})));
}

TEST_CASE("Headers of one name are one", "[server]") {
  const HttpRequest request =
      HeadOf(Head(11, {{"Accept-Encoding", "br"}, {"Host", "a"}, {"accept-encoding", "gzip"}}));
  CHECK(HeaderOf(request, "Accept-Encoding") == "br, gzip");
  CHECK(request.headers.size() == 2);
}

TEST_CASE("A whole URL is a path, and a host", "[server]") {
  const auto ask = [](const std::string& target) {
    RequestHead head = Head(11, {{"Host", "a"}});
    head.target(target);
    const HttpRequest request = HeadOf(head);
    return request.target + " " + std::string(HeaderOf(request, "Host"));
  };
  CHECK(ask("/x?y=http://b/") == "/x?y=http://b/ a");
  CHECK(ask("http://b:80/x?y") == "/x?y b:80");
  CHECK(ask("HTTPS://b") == "/ b");
  CHECK(ask("http://b?y") == "/?y b");
  CHECK(ask("http:///x") == "/x ");
  CHECK(ask("*") == "* a");
}

TEST_CASE("Bodies are zipped for who takes it", "[server]") {
  for (const char* yes :
       {"gzip", "br, gzip", "GZIP;q=0.5", "deflate;q=1 , gzip ; q=1", "gzip;x=1"}) {
    CHECK(AcceptsGzip(yes));
  }
  for (const char* no :
       {"", "br", "gzip;q=0", "gzip;q=0.0", "gzip;q=x", "gzip;Q=0", "gzip;x=1;q=0", "xgzip", "*"}) {
    CHECK_FALSE(AcceptsGzip(no));
  }
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += std::to_string(i * 7'919);
  const std::string zipped = GzipStream().Next(text, /*is_last=*/true);
  CHECK(Unzip(zipped) == text);
  CHECK(zipped.size() < text.size());
  CHECK(Unzip(GzipStream().Next("", /*is_last=*/true)) == "");
}

TEST_CASE("A body that is zipped in parts can be read as far as it has come", "[server]") {
  GzipStream stream;
  std::string text, zipped;
  std::mt19937 random(1);
  for (const std::size_t size : {1U, 0U, 100U, 300'000U, 5U, 0U}) {
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(random());  // zips to more
    zipped += stream.Next(std::string_view(text).substr(text.size() - size), /*is_last=*/false);
    bool ended = true;
    CHECK(UnzipStart(zipped, &ended) == text);
    CHECK_FALSE(ended);
  }
  zipped += stream.Next("end", /*is_last=*/true);
  CHECK(Unzip(zipped) == text + "end");
}

}  // namespace
}  // namespace nerava::examples
