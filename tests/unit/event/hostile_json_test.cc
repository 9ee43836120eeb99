// JSON that is broken, or made to hurt.
#include <catch2/catch.hpp>
#include <string>

#include "nerava/analytics/limits.h"
#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

std::string Event(std::string_view members) {
  return R"({"event_type":"foo",)" + std::string(members) + "}";
}

std::string Repeat(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

// "x": [[[...]]] that makes the event `depth` levels deep.
std::string Nested(int depth) { return "\"x\":" + Repeat("[", depth - 1) + Repeat("]", depth - 1); }

TEST_CASE("what is no JSON object is refused") {
  const std::string json = GENERATE(
      "", " ", "{", "}", "{]", "{\"a\"}", "{\"a\":}", "{'a':1}", "{\"a\":1,}", "{\"a\":01}",
      "{\"a\":NaN}", "{\"a\":1} x", "{\"a\":1}{}", "// no\n{}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}",
      "nul", "[]", "\"text\"", "\"\\u0000\"", "17", "1.5", "true", "null");
  const auto event = ParseDomainEvent(json);
  INFO(json << ": " << Verdict(event));
  CHECK(ReasonOf(event.status()) == RejectReason::kMalformedJson);
}

TEST_CASE("the refusal of another JSON value says what it is") {
  CHECK(Verdict(ParseDomainEvent("[1]")) ==
        "malformed_json: the event is an array; it must be a JSON object");
  CHECK(Verdict(ParseDomainEvent("17")) ==
        "malformed_json: the event is a number; it must be a JSON object");
}

TEST_CASE("the refusal of broken JSON says where, without the input") {
  const std::string verdict = Verdict(ParseDomainEvent("{\"secret-" + Repeat("x", 50'000) + "\"}"));
  CHECK(verdict.find("malformed_json: the event is no JSON object: ") == 0);
  CHECK(verdict.find("at byte 50011") != std::string::npos);
  CHECK(verdict.find("secret") == std::string::npos);
  CHECK(verdict.size() < 300);
}

TEST_CASE("an event of 65536 bytes is read, one of a byte more is not") {
  const std::string frame = Event("\"x\":\"\"");
  const std::string fill(kMaxJsonBytes - frame.size(), 'y');
  CHECK(Verdict(ConvertJson(Event("\"x\":\"" + fill + "\""))) == "accepted");
  CHECK(Verdict(ParseDomainEvent(Event("\"x\":\"y" + fill + "\""))) ==
        "too_large: the event is 65537 bytes long; at most 65536 are allowed");
}

TEST_CASE("an event of 32 levels is read, one of 33 is not") {
  CHECK(Verdict(ConvertJson(Event(Nested(32)))) == "accepted");
  CHECK(
      Verdict(ParseDomainEvent(Event(Nested(33)))) ==
      "too_large: the event is nested too deep in \"x\"; at most 32 levels are allowed, the event "
      "itself included");
}

TEST_CASE("properties count as a level of the event") {
  const auto properties = [](int depth) { return "\"properties\":{" + Nested(depth) + "}"; };
  CHECK(Verdict(ConvertJson(Event(properties(31)))) == "accepted");
  CHECK(ReasonOf(ParseDomainEvent(Event(properties(32))).status()) == RejectReason::kTooLarge);
}

TEST_CASE("tens of thousands of levels are refused as any other depth") {
  const std::string open = GENERATE("[", "{\"a\":");
  const std::string json = "{\"x\":" + Repeat(open, static_cast<int>(60'000 / open.size()));
  CHECK(ReasonOf(ParseDomainEvent(json).status()) == RejectReason::kTooLarge);
}

TEST_CASE("a size beyond the limit is refused whatever the text is") {
  CHECK(ReasonOf(ParseDomainEvent(Repeat("[", 1 << 20)).status()) == RejectReason::kTooLarge);
}

TEST_CASE("thousands of small members are read") {
  std::string members = "\"m\":0";
  for (int i = 0; members.size() < 60'000; ++i) members += ",\"" + std::to_string(i) + "\":0";
  CHECK(Verdict(ConvertJson(Event(members))) == "accepted");
}

TEST_CASE("a name given twice is refused") {
  CHECK(Verdict(ParseDomainEvent(Event(R"("user_id":"a","user_id":"b")"))) ==
        "malformed_json: the event has \"user_id\" more than once");
  CHECK(Verdict(ParseDomainEvent(Event(R"("a":1,"b":2,"\u0061":null)"))) ==
        "malformed_json: the event has \"a\" more than once");
}

TEST_CASE("text that is no UTF-8 is refused wherever it is") {
  const std::string members =
      GENERATE("\"user_id\":\"\xff\"", "\"x\":\"\xc0\x80\"", "\"\xed\xa0\x80\":1",
               "\"properties\":{\"a\":[\"\xf5\"]}", "\"x\":1\xff");
  CHECK(Verdict(ParseDomainEvent(Event(members))) == "invalid_text: the event is not valid UTF-8");
}

TEST_CASE("half a surrogate pair is refused wherever it is") {
  const std::string members =
      GENERATE(R"("user_id":"\ud800")", R"("user_id":"\udc00")", R"("x":["\ud800\u0041"])",
               R"("\ud800x":1)", R"("properties":{"a":"\udfff\ud800"})");
  const auto event = ParseDomainEvent(Event(members));
  INFO(Verdict(event));
  CHECK(ReasonOf(event.status()) == RejectReason::kInvalidText);
}

TEST_CASE("a NUL is refused wherever it is") {
  const auto [members, where] = GENERATE(table<std::string, std::string>({
      {R"("user_id":"a\u0000b")", "user_id"},
      {R"("x":"\u0000")", "x"},
      {R"("x":[{"y":"\u0000"}])", "x"},
      {R"("x":{"\u0000":1})", "x"},
      {R"("a\u0000":1)", "a\\x00"},
      {R"("properties":{"p":"\u0000"})", "properties"},
  }));
  CHECK(Verdict(ParseDomainEvent(Event(members))) ==
        "invalid_text: the event holds a NUL (\\u0000) in \"" + where + "\"; that is not allowed");
}

TEST_CASE("a NUL byte is refused") {
  std::string json = Event("\"x\":\"y\"");
  json[json.size() - 3] = '\0';
  CHECK(Verdict(ParseDomainEvent(json)) == "invalid_text: the event holds a NUL byte");
}

TEST_CASE("no cut of a good event is accepted") {
  const std::string json =
      Event(R"("user_id":"\u00e9","x":[1.5e3,{"y":null}],"properties":{"a":true})");
  REQUIRE(ParseDomainEvent(json).ok());
  for (std::size_t length = 0; length < json.size(); ++length) {
    REQUIRE(ReasonOf(ParseDomainEvent(json.substr(0, length)).status()) ==
            RejectReason::kMalformedJson);
  }
}

}  // namespace
}  // namespace nerava::analytics
