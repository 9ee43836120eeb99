// The format of a journal's files, as bytes. docs/reliability.md describes it.
//
// A segment is a header and records one after the other, then zeros. Every record says its sequence
// number, which is one more than the last one's, and up to which sequence number everything was on
// the disk when it was written. Its checksum also covers the segment's random salt, so that no text
// inside an event can pass for a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nerava::analytics {

inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 24;
inline constexpr std::uint32_t kSegmentVersion = 2;
inline constexpr std::int64_t kMaxSegmentBytes = 1 << 30;  // of a file

// What tells a segment from all others; also its file name, so that a damaged header costs nothing.
struct SegmentId {
  std::uint64_t first = 0;  // sequence number of its first record
  std::uint64_t salt = 0;
};

// "0000000000000001-5be0a2f1c3d4e5f6.journal"
std::string SegmentName(const SegmentId& id);
std::optional<SegmentId> ParseSegmentName(std::string_view name);

// Appends to `*out`.
void AppendSegmentHeader(const SegmentId& id, std::string* out);
// `synced`: every record with a lower sequence number is on the disk.
void AppendRecord(const SegmentId& id, std::uint64_t sequence, std::uint64_t synced,
                  std::string_view payload, std::string* out);

struct SegmentContents {
  enum class End : std::uint8_t {
    kClean,  // nothing behind the last record
    // Something unfinished or unsynced behind it: what a crash leaves. Nobody was told that it is
    // safe, or the power failed within the sync_interval.
    kTorn,
    // A part that once was on the disk is no longer as it was written. What can be read is there,
    // before and after.
    kDamaged,
    kOtherVersion,  // written by another version of the library; nothing was read
  };
  std::vector<std::string_view> payloads;  // views of the bytes that were read
  End end = End::kClean;
};

// Reads a segment that nobody writes to any more. `next_first`: the first sequence number of the
// segment after it, if there is one: then everything before was synced, and all records from that
// number on were taken back. Never fails, whatever the bytes are, and takes time in proportion to
// their number.
SegmentContents ReadSegment(std::string_view bytes, const SegmentId& id,
                            std::optional<std::uint64_t> next_first);

}  // namespace nerava::analytics
