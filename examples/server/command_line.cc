#include "examples/server/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"

namespace nerava::examples {
namespace {

constexpr const char* kDescription =
    R"(Serves Nerava Analytics over HTTP: takes domain events, and answers questions about KPIs.
docs/http.md lists the endpoints, docs/server.md says how to run it.)";

constexpr const char* kFooter =
    R"(The pipeline is configured by the environment (ANALYTICS_BATCH_SIZE and so on, see
docs/configuration.md). Secrets are never given on the command line, where others see them.

API keys are needed unless --listen is an address of this machine only. A file has one a line:
  read       KEY   may ask
  write      KEY   may send events
  read,write KEY   may do both
The variable NERAVA_API_KEYS has the same, with ';' between.

SIGTERM and Ctrl-C answer what has come, store what was accepted, and end it.
Exit code: 0 stopped, and all is stored; 1 the store, the address or the last commit failed; 2 wrong usage.)";

constexpr std::size_t kMaxKeyFileBytes = std::size_t{1} << 20;

[[noreturn]] void Refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

// "127.0.0.1:8000", "[::1]:8000"
void SetAddress(const std::string& text, ServerOptions* server) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  int port = 0;
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  if (colon == std::string::npos || error || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port < 0 || port > 65'535) {
    Refuse(
        "--listen",
        fmt::format("'{}' must be an address and a port, like 127.0.0.1:8000 or [::1]:8000", text));
  }
  server->address = host;
  server->port = static_cast<std::uint16_t>(port);
}

ApiKeys ParseKeys(const std::string& where, const std::string& text) {
  absl::StatusOr<ApiKeys> keys = ApiKeys::Parse(text);
  if (!keys.ok()) Refuse(where, std::string(keys.status().message()));
  if (keys->empty()) Refuse(where, "there is no key in it");
  return *std::move(keys);
}

ApiKeys ReadKeys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxKeyFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    Refuse("--api-keys", fmt::format("cannot read '{}'", path));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxKeyFileBytes) {
    Refuse("--api-keys", fmt::format("'{}' has more than {} bytes", path, kMaxKeyFileBytes));
  }
  return ParseKeys("--api-keys", text);
}

void CheckOrigin(const std::string& origin) {
  const bool is_web = origin.rfind("http://", 0) == 0 || origin.rfind("https://", 0) == 0;
  if (!is_web || origin.find('/', origin.find("//") + 2) != std::string::npos) {
    Refuse("--cors-origin", fmt::format("'{}' must be like https://ops.example.com", origin));
  }
}

// CLI::Range lets "nan" pass.
CLI::Validator Between(double least, double most, bool or_zero = false) {
  const auto check = [=](const std::string& text) {
    double number = 0;
    const bool good = absl::SimpleAtod(text, &number) &&
                      ((number >= least && number <= most) || (or_zero && number == 0));
    return good ? "" : fmt::format("'{}' must be a number from {} to {}", text, least, most);
  };
  return CLI::Validator(check, "");
}

void AddTimeout(CLI::App& app, const char* flag, const char* description,
                std::chrono::milliseconds& timeout) {
  app.add_option_function<double>(
         flag,
         [&timeout](double seconds) {
           timeout = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1'000));
         },
         description)
      ->check(Between(0.1, 3'600));
}

void AddLimits(CLI::App& app, Settings* settings) {
  ServerOptions& server = settings->server;
  app.add_option("--rate", settings->gate.requests_per_second,
                 "Requests a second from one address, and as many at once; 0: any number")
      ->check(Between(1e-3, 1e9, true))
      ->capture_default_str();
  app.add_option("--threads", server.threads, "That answer requests")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--max-connections", server.max_connections)
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-connections-of-address", server.max_connections_of_address)
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-streams", server.max_streams, "Exports and listeners at a time")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-body-bytes", server.max_body_bytes)
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_option("--max-total-body-bytes", server.max_total_body_bytes, "Of all requests together")
      ->check(CLI::Range(1LL, 1LL << 40))
      ->capture_default_str();
  AddTimeout(app, "--request-timeout",
             "Seconds that a request may take to arrive, and a connection may be idle (default 15)",
             server.request_timeout);
  AddTimeout(app, "--response-timeout",
             "Seconds that a response, or a part of one, may take to be taken (default 30)",
             server.response_timeout);
}

}  // namespace

std::optional<int> ParseCommandLine(int argc, char** argv, Settings* settings) {
  CLI::App app(kDescription, "nerava-analytics-server");
  app.footer(kFooter);
  std::string listen = "127.0.0.1:8000";
  std::string key_file;
  settings->gate.requests_per_second = 1'000;
  absl::StatusOr<analytics::Options> environment = analytics::Options::FromEnvironment();
  if (environment.ok()) settings->pipeline = *environment;
  app.add_option("--store", settings->pipeline.database_url,
                 "memory:, sqlite:///FILE or sqlite:////ABSOLUTE/FILE; or ANALYTICS_DATABASE_URL")
      ->capture_default_str();
  app.add_option("--listen", listen, "ADDRESS:PORT; port 0 is any free one")
      ->envname("NERAVA_LISTEN")
      ->capture_default_str();
  app.add_option("--api-keys", key_file, "File of API keys")->envname("NERAVA_API_KEYS_FILE");
  app.add_option("--cors-origin", settings->gate.cors_origins,
                 "Pages of this origin may ask from a browser; repeatable. None by default")
      ->allow_extra_args(false);
  app.add_option("--redis", settings->redis,
                 "redis://HOST:PORT or unix:///SOCKET, which gets KPIs and counters for others to "
                 "read. With a password, only by the variable NERAVA_REDIS_URL");
  app.add_flag("--access-log", settings->server.access_log,
               "A line a request on standard error, without query, key and body");
  AddLimits(app, settings);
  try {
    app.parse(argc, argv);
    if (!environment.ok()) Refuse("environment", std::string(environment.status().message()));
    SetAddress(listen, &settings->server);
    for (const std::string& origin : settings->gate.cors_origins) CheckOrigin(origin);
    if (const char* const variable = std::getenv("NERAVA_API_KEYS"); !key_file.empty()) {
      settings->gate.keys = ReadKeys(key_file);
    } else if (variable != nullptr && *variable != '\0') {
      settings->gate.keys =
          ParseKeys("NERAVA_API_KEYS", absl::StrReplaceAll(variable, {{";", "\n"}}));
    }
    if (settings->redis.find('@') != std::string::npos) {
      Refuse("--redis", "others see a password there; set the variable NERAVA_REDIS_URL instead");
    }
    if (const char* const variable = std::getenv("NERAVA_REDIS_URL");
        settings->redis.empty() && variable != nullptr) {
      settings->redis = variable;
    }
    const auto address = boost::asio::ip::make_address(settings->server.address);
    if (settings->gate.keys.empty() && !address.is_loopback()) {
      Refuse("--listen", fmt::format("others can reach {}: name a file of API keys (--api-keys), "
                                     "or listen at 127.0.0.1",
                                     settings->server.address));
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace nerava::examples
