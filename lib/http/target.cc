#include "lib/http/target.h"

#include <algorithm>
#include <charconv>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "fmt/format.h"
#include "lib/event/text.h"

namespace nerava::analytics::http {
namespace {

absl::StatusOr<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      unsigned char byte = 0;
      const char* const digits = text.data() + i + 1;
      if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
        return absl::InvalidArgumentError(
            fmt::format("{} has a \"%\" that is not followed by two hexadecimal digits; write it "
                        "as %25",
                        Quoted(text)));
      }
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (FindTextFault(decoded) != TextFault::kNone) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not UTF-8 without NUL once it is decoded", Quoted(text)));
  }
  return decoded;
}

std::string Encode(std::string_view text) {
  constexpr std::string_view kPlain = "-._~/:";
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || kPlain.find(c) != kPlain.npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

absl::StatusOr<Target> ParseTarget(std::string_view target) {
  Target result;
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  auto path = Decode(target.substr(0, mark), false);
  if (!path.ok()) return path.status();
  result.path = *std::move(path);
  std::string_view query = mark == target.npos ? "" : target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = Decode(pair.substr(0, equals), true);
    if (!name.ok()) return name.status();
    auto value = Decode(equals == pair.npos ? "" : pair.substr(equals + 1), true);
    if (!value.ok()) return value.status();
    result.parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return result;
}

std::string WriteTarget(const Target& target) {
  std::string text = Encode(target.path);
  char separator = '?';
  for (const auto& [name, value] : target.parameters) {
    text += separator + Encode(name) + '=' + Encode(value);
    separator = '&';
  }
  return text;
}

}  // namespace nerava::analytics::http
