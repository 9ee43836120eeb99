#include "examples/replay/event_ids.h"

#include <fmt/core.h>

#include <cstdint>

#include "nerava/analytics/limits.h"

namespace nerava::examples {
namespace {

// FNV-1a, 64 bits; the length beside it makes an accident still less likely.
std::string Hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}-{}", hash, text.size());
}

}  // namespace

std::string SessionEventId(std::string_view session_id, std::string_view kind) {
  std::string id = fmt::format("{}:{}", session_id, kind);
  return id.size() <= analytics::kMaxIdBytes ? id : fmt::format("{}:{}", kind, Hash(session_id));
}

std::string ContentEventId(std::string_view json) { return fmt::format("content:{}", Hash(json)); }

}  // namespace nerava::examples
