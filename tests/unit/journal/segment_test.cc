#include "lib/journal/segment.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace nerava::analytics {
namespace {

using End = SegmentContents::End;

constexpr SegmentId kId{5, 0x1234567890abcdef};
constexpr std::size_t kSpare = 64;  // preallocated

// Payloads of several sizes; one looks like a record itself.
std::vector<std::string> Payloads() {
  std::string fake;
  AppendRecord({5, 0}, 7, 7, "not accepted", &fake);
  return {"a", std::string(40, 'b'), "c" + fake + "c", std::string("d\0\0", 3), "e"};
}

// Records from `kId.first` on, of which `synced` say that all before them are on the disk.
std::string Segment(const std::vector<std::string>& payloads, bool synced) {
  std::string bytes;
  AppendSegmentHeader(kId, &bytes);
  std::uint64_t sequence = kId.first;
  for (const std::string& payload : payloads) {
    AppendRecord(kId, sequence, synced ? sequence : kId.first, payload, &bytes);
    ++sequence;
  }
  return bytes;
}

std::vector<std::string> Read(const std::string& bytes, End* end,
                              std::optional<std::uint64_t> next_first = std::nullopt) {
  const SegmentContents contents = ReadSegment(bytes, kId, next_first);
  *end = contents.end;
  return {contents.payloads.begin(), contents.payloads.end()};
}

std::vector<std::string> First(const std::vector<std::string>& all, std::size_t n) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)};
}

// Whether `part` is `all` with some left out.
bool IsPartOf(const std::vector<std::string>& part, const std::vector<std::string>& all) {
  std::size_t found = 0;
  for (const std::string& payload : all) {
    if (found < part.size() && part[found] == payload) ++found;
  }
  return found == part.size();
}

TEST_CASE("A segment is read as it was written, with preallocated space or without") {
  for (const std::size_t spare : {std::size_t{0}, std::size_t{1}, kSpare}) {
    End end{};
    const std::string bytes = Segment(Payloads(), true) + std::string(spare, '\0');
    CHECK(Read(bytes, &end) == Payloads());
    CHECK(end == End::kClean);
    CHECK(Read(bytes, &end, kId.first + Payloads().size()) == Payloads());
    CHECK(end == End::kClean);
  }
}

TEST_CASE("File names say which segment it is, and nothing else is one") {
  const std::string name = SegmentName(kId);
  CHECK(name == "0000000000000005-1234567890abcdef.journal");
  REQUIRE(ParseSegmentName(name).has_value());
  CHECK(ParseSegmentName(name)->first == kId.first);
  CHECK(ParseSegmentName(name)->salt == kId.salt);
  for (const char* other :
       {"", "x", "0000000000000005-1234567890abcdef.journal2",
        "0000000000000005-1234567890ABCDEF.journal", "000000000000000g-1234567890abcdef.journal",
        "0000000000000005_1234567890abcdef.journal"}) {
    CHECK_FALSE(ParseSegmentName(other).has_value());
  }
}

TEST_CASE("Cut off anywhere, the whole records before the cut are read") {
  const std::string bytes = Segment(Payloads(), true);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    End end{};
    const std::vector<std::string> read = Read(bytes.substr(0, size), &end);
    CHECK(read == First(Payloads(), read.size()));
    // The records' ends: exactly as many are whole.
    CHECK(Segment(First(Payloads(), read.size()), true).size() <=
          std::max(size, kSegmentHeaderBytes));
    if (read.size() < Payloads().size()) {
      CHECK(Segment(First(Payloads(), read.size() + 1), true).size() > size);
    }
    CHECK((end == End::kClean || end == End::kTorn));
    // Followed by another segment, it once was whole.
    Read(bytes.substr(0, size), &end, kId.first + Payloads().size());
    CHECK(end == End::kDamaged);
  }
}

TEST_CASE("Whatever byte is changed, no record is read that was not written") {
  const std::string bytes = Segment(Payloads(), true) + std::string(kSpare, '\0');
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      for (const auto next_first :
           {std::optional<std::uint64_t>(), std::optional(kId.first + Payloads().size())}) {
        End end{};
        const std::vector<std::string> read = Read(flipped, &end, next_first);
        INFO("byte " << at << " bit " << bit);
        CHECK(IsPartOf(read, Payloads()));
        // Only the record that was hit is lost.
        CHECK(read.size() + 1 >= Payloads().size());
      }
    }
  }
}

TEST_CASE("A damaged record that was on the disk costs only itself, and is told") {
  for (std::size_t hit = 0; hit + 1 < Payloads().size(); ++hit) {
    std::string bytes = Segment(Payloads(), /*synced=*/true);
    const std::size_t at = Segment(First(Payloads(), hit), true).size() + kRecordHeaderBytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    std::vector<std::string> expected = Payloads();
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(hit));
    End end{};
    CHECK(Read(bytes, &end) == expected);
    CHECK(end == End::kDamaged);
  }
}

TEST_CASE("A later record speaks for a damaged one, also when its neighbours do not") {
  // Groups of two: both records of one say that what was before the group is on the disk.
  std::string bytes;
  std::vector<std::size_t> ends;
  AppendSegmentHeader(kId, &bytes);
  for (std::uint64_t i = 0; i < Payloads().size(); ++i) {
    AppendRecord(kId, kId.first + i, kId.first + i / 2 * 2, Payloads()[i], &bytes);
    ends.push_back(bytes.size());
  }
  for (std::size_t hit = 0; hit < Payloads().size(); ++hit) {
    std::string damaged = bytes;
    damaged[ends[hit] - 1] = static_cast<char>(damaged[ends[hit] - 1] ^ 1);
    std::vector<std::string> expected = Payloads();
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(hit));
    End end{};
    CHECK(Read(damaged, &end) == expected);
    // Of the last group nobody says that it was synced.
    CHECK(end == (hit + 1 < Payloads().size() ? End::kDamaged : End::kTorn));
  }
}

TEST_CASE("Behind a gap that never was on the disk nothing counts: a power failure made it") {
  for (std::size_t gap = 0; gap + 1 < Payloads().size(); ++gap) {
    std::string bytes = Segment(Payloads(), /*synced=*/false);
    const std::size_t begin = Segment(First(Payloads(), gap), false).size();
    const std::size_t end_of_gap = Segment(First(Payloads(), gap + 1), false).size();
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
              bytes.begin() + static_cast<std::ptrdiff_t>(end_of_gap), '\0');
    End end{};
    CHECK(Read(bytes, &end) == First(Payloads(), gap));
    CHECK(end == End::kTorn);
  }
}

TEST_CASE("Records that the next segment begins with again were taken back") {
  End end{};
  const std::string bytes = Segment(Payloads(), true);
  CHECK(Read(bytes, &end, kId.first + 3) == First(Payloads(), 3));
  CHECK(end == End::kClean);
}

TEST_CASE("A damaged header costs nothing") {
  std::string bytes = Segment(Payloads(), true);
  for (std::size_t i = 0; i < kSegmentHeaderBytes; ++i) bytes[i] = 'x';
  End end{};
  CHECK(Read(bytes, &end) == Payloads());
  CHECK(end == End::kDamaged);
}

TEST_CASE("A segment of another name, or of nobody's, has no records") {
  End end{};
  std::string bytes = Segment(Payloads(), true);
  CHECK(ReadSegment(bytes, {kId.first, kId.salt + 1}, std::nullopt).payloads.empty());
  CHECK(Read("", &end).empty());
  CHECK(end == End::kClean);
  CHECK(Read(std::string(4096, '\0'), &end).empty());
  CHECK(end == End::kClean);
  CHECK(Read(std::string(4096, 'x'), &end).empty());
  CHECK(end == End::kTorn);
}

TEST_CASE("Bytes that look like many long records take no time") {
  // Lengths up to the end, plausible sequence numbers, wrong checksums: at every place.
  std::string bytes(1 << 20, '\0');
  for (std::size_t at = kSegmentHeaderBytes; at + 8 < bytes.size(); at += 8) bytes[at + 1] = 5;
  End end{};
  CHECK(Read(bytes, &end).empty());
}

}  // namespace
}  // namespace nerava::analytics
