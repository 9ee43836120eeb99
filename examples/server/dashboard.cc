#include "examples/server/dashboard.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "examples/server/dashboard_files.h"
#include "examples/server/messages.h"

namespace nerava::examples {
namespace {

using analytics::HttpRequest;
using analytics::HttpResponse;

constexpr std::string_view kFolder = "/dashboard/";
// Everything from here, nothing within the markup, and in nobody's frame.
constexpr char kPolicy[] =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'";

std::string_view PathOf(std::string_view target) { return target.substr(0, target.find('?')); }

std::string_view TypeOf(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

// Weak: the same whether or not it is compressed.
std::string TagOf(std::string_view content) {
  std::array<unsigned char, crypto_generichash_BYTES_MIN> hash;
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(content.data()), content.size(),
                     nullptr, 0);
  return fmt::format("W/\"{:02x}\"", fmt::join(hash, ""));
}

}  // namespace

Dashboard::Dashboard() {
  for (const File& file : Files()) {
    const std::string path =
        file.name == "index.html" ? "/" : fmt::format("{}{}", kFolder, file.name);
    assets_.push_back({path, TypeOf(file.name), TagOf(file.content), file.content});
  }
}

bool Dashboard::IsOfPage(std::string_view target) {
  const std::string_view path = PathOf(target);
  return path == "/" || path.starts_with(kFolder);
}

std::optional<HttpResponse> Dashboard::Answer(const HttpRequest& request) const {
  const auto asset = std::find_if(assets_.begin(), assets_.end(), [&](const Asset& one) {
    return one.path == PathOf(request.target);
  });
  if (asset == assets_.end()) return std::nullopt;
  if (request.method != "GET") {
    HttpResponse response = Refusal(405, "Method Not Allowed");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  HttpResponse response;
  response.headers = {{"ETag", asset->tag},
                      {"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", kPolicy},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "no-referrer"}};
  if (HeaderOf(request, "If-None-Match").find(asset->tag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  response.headers.push_back({"Content-Type", std::string(asset->content_type)});
  response.body = asset->content;
  return response;
}

}  // namespace nerava::examples
