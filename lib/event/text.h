// Text as it comes from outside: is it what we accept, and how is it shown in a message.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace nerava::analytics {

// Whether the eight bytes at `text` are ASCII without NUL: nearly all text is.
inline bool IsPlainWord(const char* text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t word;
  std::memcpy(&word, text, sizeof word);
  return ((word | (word - kOnes)) & kHighBits) == 0;
}

// Whether all of `text` is.
inline bool IsPlain(std::string_view text) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (text.size() < kWord) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<signed char>(c) > 0; });
  }
  for (std::size_t i = 0; i + kWord < text.size(); i += kWord) {
    if (!IsPlainWord(text.data() + i)) return false;
  }
  return IsPlainWord(text.data() + text.size() - kWord);  // may overlap the one before
}

enum class TextFault { kNone, kNul, kNotUtf8 };

// The first thing wrong with `text`, which must be UTF-8 without NUL.
TextFault FindTextFault(std::string_view text);

// At most `max_bytes` of `text` without a cut character, control characters and broken UTF-8 as
// escapes, "..." where something is left out. For messages; never more than five times as long.
std::string Excerpt(std::string_view text, std::size_t max_bytes = 40);

// All of it, with what is no UTF-8 and NUL as escapes.
std::string ValidText(std::string_view text);

// The excerpt in quotation marks.
std::string Quoted(std::string_view text);

}  // namespace nerava::analytics
