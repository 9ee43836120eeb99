// Text as it comes from outside: is it what we accept, and how is it shown in a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nerava::analytics {

enum class TextFault { kNone, kNul, kNotUtf8 };

// The first thing wrong with `text`, which must be UTF-8 without NUL.
TextFault FindTextFault(std::string_view text);

// At most `max_bytes` of `text` without a cut character, control characters and broken UTF-8 as
// escapes, "..." where something is left out. For messages; never more than five times as long.
std::string Excerpt(std::string_view text, std::size_t max_bytes = 40);

// The excerpt in quotation marks.
std::string Quoted(std::string_view text);

}  // namespace nerava::analytics
