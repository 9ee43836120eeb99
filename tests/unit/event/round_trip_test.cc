// Whatever a producer accepts can be written as JSON and read back as the same event.
#include <catch2/catch.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <type_traits>

#include "lib/event/fields.h"
#include "nerava/analytics/limits.h"
#include "tests/unit/event/event_testing.h"

namespace nerava::analytics {
namespace {

// Fills the fields of events with random values that are accepted.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }

  void operator()(const TextField& field, std::string& value) {
    if (field.required || Below(4) != 0) value = Text(30);
  }
  void operator()(const TimeField&, absl::Time& value) {
    if (Below(3) != 0) value = TestNow() - absl::Microseconds(Below(1ULL << 50));
  }
  void operator()(const AmountField& field, std::optional<std::int64_t>& value) {
    const std::uint64_t max = PlacesOf(field.kind) == 0 ? kMaxCents : kMaxMicroUsd;
    if (field.required || Below(4) != 0) value = static_cast<std::int64_t>(Below(max + 1));
  }
  void operator()(const NumberField&, std::optional<double>& value) {
    if (Below(4) != 0) value = std::ldexp(static_cast<double>(Below(1ULL << 53)), Exponent());
  }
  void operator()(const VersionField&, std::int32_t& value) {
    value = static_cast<std::int32_t>(1 + Below(0x7FFFFFFF));
  }

  std::string Object() {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (std::uint64_t i = Below(4); i > 0; --i) {
      object["x" + std::to_string(Below(99)) + Text(5)] = Value(3);
    }
    return object.empty() ? "" : object.dump();
  }

 private:
  int Exponent() { return static_cast<int>(Below(200)) - 100; }

  std::string Text(std::uint64_t max) {
    static const std::string kPieces[] = {"a",    "Z",      "7",      "-",         " ",
                                          "\"",   "\\",     "/",      "\n",        "\x01",
                                          "\x7f", "\u00e9", "\u20ac", "\U0001F50C"};
    std::string text = "t";
    while (text.size() < max && Below(12) != 0) text += kPieces[Below(std::size(kPieces))];
    return text;
  }

  nlohmann::ordered_json Value(int depth) {
    switch (Below(depth > 0 ? 7 : 5)) {
      case 0:
        return Text(20);
      case 1:
        return random_();
      case 2:
        return -static_cast<std::int64_t>(Below(1000));
      case 3:
        return std::ldexp(static_cast<double>(Below(1ULL << 53)), Exponent());
      case 4:
        return Below(2) == 0;
      case 5:
        return {Value(depth - 1), nullptr, Value(depth - 1)};
      default:
        return {{Text(5), Value(depth - 1)}};
    }
  }

  std::mt19937_64 random_;
};

template <std::size_t I = 0>
DomainEvent Alternative(std::size_t index) {
  if constexpr (I < std::variant_size_v<DomainEvent>) {
    if (index == I) return DomainEvent(std::in_place_index<I>);
    return Alternative<I + 1>(index);
  } else {
    FAIL("no such alternative");
    return {};
  }
}

DomainEvent RandomEvent(Filler& fill) {
  DomainEvent random = Alternative(fill.Below(std::variant_size_v<DomainEvent>));
  std::visit(
      [&fill](auto& event) {
        std::string type;
        VisitBase(type, event.header, fill);
        VisitFields(event, fill);
        if constexpr (std::is_same_v<std::decay_t<decltype(event)>, GenericEvent>) {
          event.event_type = type;
        }
        event.header.fields = fill.Object();
        event.header.properties = fill.Object();
      },
      random);
  return random;
}

bool Same(const AnalyticsEvent& a, const AnalyticsEvent& b) {
  return a.SamePayload(b) && a.time == b.time && a.kind() == b.kind();
}

TEST_CASE("an analytics event read back from its JSON is the same") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    Filler fill(seed);
    const absl::StatusOr<AnalyticsEvent> event = Convert(RandomEvent(fill));
    INFO(event.status());
    REQUIRE(event.ok());
    const std::string json = ToJson(*event);
    INFO(json);
    REQUIRE(nlohmann::json::accept(json));
    const absl::StatusOr<AnalyticsEvent> again = ConvertJson(json);
    INFO(again.status());
    REQUIRE(again.ok());
    REQUIRE(Same(*event, *again));
    REQUIRE(ToJson(*again) == json);
  }
}

TEST_CASE("a domain event read back from its JSON makes the same analytics event") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    Filler fill(seed);
    DomainEvent event = RandomEvent(fill);
    std::visit([](auto& e) { e.header.event_id = "fixed"; }, event);
    const std::string json = ToJson(event);
    INFO(json);
    const absl::StatusOr<AnalyticsEvent> again = ConvertJson(json);
    INFO(again.status());
    REQUIRE(again.ok());
    REQUIRE(Same(Convert(event).value(), *again));
  }
}

TEST_CASE("random bytes are refused or read, never worse") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    Filler fill(seed);
    std::string json = ToJson(RandomEvent(fill));
    for (std::uint64_t i = 1 + fill.Below(4); i > 0; --i) {
      json[fill.Below(json.size())] = static_cast<char>(fill.Below(256));
    }
    const absl::StatusOr<AnalyticsEvent> event = ConvertJson(json);
    if (event.ok()) {
      REQUIRE(Same(*event, ConvertJson(ToJson(*event)).value()));
    } else {
      REQUIRE(event.status().code() == absl::StatusCode::kInvalidArgument);
      REQUIRE(event.status().message().size() < 500);
    }
  }
}

}  // namespace
}  // namespace nerava::analytics
