#include "lib/event/text.h"

#include <catch2/catch.hpp>
#include <string>

namespace nerava::analytics {
namespace {

TEST_CASE("UTF-8 of every length is accepted, at any place") {
  const std::string character = GENERATE("a", "\x7f", "\u00e9", "\u20ac", "\uffff", "\U0001F50C",
                                         "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80");
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string text = std::string(before, 'x') + character + "xxxxxxxxxx";
    REQUIRE(FindTextFault(text) == TextFault::kNone);
    REQUIRE(IsPlain(text) == (character.size() == 1));
  }
}

TEST_CASE("broken UTF-8 is found at any place") {
  const std::string bytes =
      GENERATE("\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe2\x82", "\xe0\x9f\xbf",
               "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
               "\xf5\x80\x80\x80", "\xf0\x9f\x94", "\xff", "\xfe", "\xc3\xc3");
  for (std::size_t before = 0; before < 20; ++before) {
    REQUIRE(FindTextFault(std::string(before, 'x') + bytes) == TextFault::kNotUtf8);
    REQUIRE(FindTextFault(std::string(before, 'x') + bytes + "xxxxxxxx") == TextFault::kNotUtf8);
  }
}

TEST_CASE("a NUL is found at any place") {
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text(20, 'x');
    text[at] = '\0';
    REQUIRE(FindTextFault(text) == TextFault::kNul);
  }
}

TEST_CASE("only ASCII without NUL is plain, at any place and of any length") {
  CHECK(IsPlain(""));
  for (std::size_t size = 1; size < 40; ++size) {
    REQUIRE(IsPlain(std::string(size, '\x01')));
    REQUIRE(IsPlain(std::string(size, '\x7f')));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char odd : {'\0', '\x80', '\xff'}) {
        std::string text(size, 'x');
        text[at] = odd;
        REQUIRE_FALSE(IsPlain(text));
      }
    }
  }
}

TEST_CASE("an excerpt is cut between characters") {
  CHECK(Excerpt("short") == "short");
  CHECK(Excerpt(std::string(40, 'a')) == std::string(40, 'a'));
  CHECK(Excerpt(std::string(41, 'a')) == std::string(40, 'a') + "...");
  CHECK(Excerpt(std::string(39, 'a') + "\u00e9") == std::string(39, 'a') + "...");
}

TEST_CASE("an excerpt shows what cannot be printed as escapes") {
  CHECK(Excerpt(std::string("a\0\n\x1b\x7f\xff\u00e9", 8)) == "a\\x00\\x0a\\x1b\\x7f\\xff\u00e9");
}

}  // namespace
}  // namespace nerava::analytics
