#include "lib/event/text.h"

#include <fmt/format.h>

#include <iterator>

namespace nerava::analytics {
namespace {

unsigned char ByteAt(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool IsContinuation(std::string_view text, std::size_t i) {
  return i < text.size() && (ByteAt(text, i) & 0xC0) == 0x80;
}

// Bytes of the UTF-8 character that begins at `i`; 0 when there is none (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
std::size_t CharacterLength(std::string_view text, std::size_t i) {
  const unsigned char lead = ByteAt(text, i);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !IsContinuation(text, i + 1)) return 0;
  if (lead < 0xE0) return 2;
  const unsigned char second = ByteAt(text, i + 1);
  if (!IsContinuation(text, i + 2)) return 0;
  if (lead < 0xF0) {
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (!IsContinuation(text, i + 3)) return 0;
  const bool overlong = lead == 0xF0 && second < 0x90;
  const bool too_large = lead == 0xF4 && second >= 0x90;
  return overlong || too_large ? 0 : 4;
}

}  // namespace

TextFault FindTextFault(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= sizeof(std::uint64_t) && IsPlainWord(text.data() + i)) {
      i += sizeof(std::uint64_t);
      continue;
    }
    if (text[i] == '\0') return TextFault::kNul;
    const std::size_t length = CharacterLength(text, i);
    if (length == 0) return TextFault::kNotUtf8;
    i += length;
  }
  return TextFault::kNone;
}

std::string Excerpt(std::string_view text, std::size_t max_bytes) {
  std::string shown;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = CharacterLength(text, i);
    const std::size_t step = length == 0 ? 1 : length;
    if (i + step > max_bytes) return shown + "...";
    const unsigned char byte = ByteAt(text, i);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(shown), "\\x{:02x}", byte);
    } else {
      shown.append(text, i, step);
    }
    i += step;
  }
  return shown;
}

std::string ValidText(std::string_view text) {
  return FindTextFault(text) == TextFault::kNone ? std::string(text) : Excerpt(text, text.size());
}

std::string Quoted(std::string_view text) { return '"' + Excerpt(text) + '"'; }

}  // namespace nerava::analytics
