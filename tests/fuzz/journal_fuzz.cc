// Any bytes as a segment, with a payload of any bytes in a good one: reading ends, in proportional
// time, and gives nothing that was not written.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/journal/event_codec.h"
#include "lib/journal/segment.h"
#include "tests/fuzz/require.h"

namespace nerava::analytics::fuzz {
namespace {

constexpr SegmentId kId{1, 0x1f2e3d4c5b6a7988};

// One whose salt nobody can know who makes the payloads: it depends on all of them.
SegmentId SecretId(std::string_view input) { return {1, std::hash<std::string_view>()(input)}; }

// What decodes is an event like any other: it can be encoded again.
void Decode(std::string_view payload) {
  const absl::StatusOr<AnalyticsEvent> event = DecodeEvent(payload);
  if (!event.ok()) {
    Require(absl::IsDataLoss(event.status()), "the code is " + event.status().ToString());
    return;
  }
  std::string encoded;
  EncodeEvent(*event, &encoded);
  const absl::StatusOr<AnalyticsEvent> again = DecodeEvent(encoded);
  Require(again.ok(), "its own encoding is refused: " + again.status().ToString());
  std::string twice;
  EncodeEvent(*again, &twice);
  Require(encoded == twice, "its own encoding is another event");
}

// As disks do it; not as somebody would who computes checksums.
void Damage(FuzzedDataProvider& input, std::string* bytes) {
  const auto from = input.ConsumeIntegralInRange<std::size_t>(0, bytes->size() - 1);
  const auto size = input.ConsumeIntegralInRange<std::size_t>(0, bytes->size() - from);
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      (*bytes)[from] = static_cast<char>((*bytes)[from] ^ input.ConsumeIntegralInRange(1, 255));
      break;
    case 1:
      bytes->replace(from, size, size, '\0');
      break;
    case 2: {  // something old
      const auto to = input.ConsumeIntegralInRange<std::size_t>(0, bytes->size() - size);
      bytes->replace(to, size, bytes->substr(from, size));
      break;
    }
    default:
      bytes->resize(from + 1);
  }
}

// A segment that was written and then damaged: each payload read is one that was written, and they
// are in order.
void ReadDamaged(const SegmentId& id, FuzzedDataProvider& input) {
  std::string bytes;
  AppendSegmentHeader(id, &bytes);
  std::vector<std::string> written;
  const int records = input.ConsumeIntegralInRange(0, 5);
  std::uint64_t synced = 1;
  for (int i = 0; i < records; ++i) {
    written.push_back(input.ConsumeRandomLengthString(300));
    // A record without a payload is none.
    if (written.back().empty()) written.back() = "x";
    const std::uint64_t sequence = id.first + static_cast<std::uint64_t>(i);
    synced = input.ConsumeIntegralInRange<std::uint64_t>(synced, sequence);
    AppendRecord(id, sequence, synced, written.back(), &bytes);
  }
  bytes.resize(bytes.size() + input.ConsumeIntegralInRange<std::size_t>(0, 100), '\0');
  const std::optional<std::uint64_t> next =
      input.ConsumeBool() ? std::optional(input.ConsumeIntegralInRange<std::uint64_t>(1, 7))
                          : std::nullopt;
  const std::string whole = bytes;
  for (int i = input.ConsumeIntegralInRange(0, 3); i > 0; --i) Damage(input, &bytes);

  const SegmentContents contents = ReadSegment(bytes, id, next);
  auto expected = written.begin();
  for (const std::string_view payload : contents.payloads) {
    expected = std::find(expected, written.end(), payload);
    Require(expected != written.end(), "a record is read that was not written");
    ++expected;
  }
  if (bytes == whole && !next.has_value()) {
    Require(contents.payloads.size() == written.size(), "a record of a good segment is not read");
  }
  for (const std::string& payload : written) Decode(payload);
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nerava::analytics;        // NOLINT: a C function cannot be in it
  using namespace nerava::analytics::fuzz;  // NOLINT: the same
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string_view payload : ReadSegment(bytes, kId, std::nullopt).payloads) {
    Decode(payload);
  }
  ReadSegment(bytes, kId, 5);
  Decode(bytes);
  FuzzedDataProvider input(data, size);
  ReadDamaged(SecretId(bytes), input);
  return 0;
}
