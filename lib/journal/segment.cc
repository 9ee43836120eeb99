#include "lib/journal/segment.h"

#include <isa-l/crc.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "fmt/format.h"
#include "lib/base/bytes.h"

namespace nerava::analytics {
namespace {

constexpr std::string_view kMagic("NVAJRNL\0", 8);
constexpr std::string_view kSuffix = ".journal";
constexpr std::size_t kHexDigits = 16;

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t crc) {
  // ISA-L does not change what it reads; its prototype forgot to say so.
  auto* const data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  return crc32_iscsi(data, static_cast<int>(bytes.size()), crc);
}

// What makes a record one of its segment. Not by a CRC of the salt: that is linear, so a payload could hold a
// record whose salt and that of the next one's checksum, behind the payload, cancel each other out.
std::uint32_t Mask(std::uint64_t salt, const char* sequence) {
  static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);
  std::array<char, 16> key;
  PutFixed(salt, &key[0]);
  PutFixed(salt, &key[8]);
  std::array<char, 8> hash;
  crypto_shorthash(reinterpret_cast<unsigned char*>(hash.data()),
                   reinterpret_cast<const unsigned char*>(sequence), 8,
                   reinterpret_cast<const unsigned char*>(key.data()));
  return GetFixed<std::uint32_t>(hash.data());
}

// Of a record: its length, sequence number, `synced` and payload.
std::uint32_t RecordCheck(std::uint64_t salt, const char* header, std::string_view payload) {
  std::uint32_t crc = Crc32c({header, 4}, ~std::uint32_t{0});
  crc = Crc32c({header + 8, 16}, crc);
  return ~Crc32c(payload, crc) ^ Mask(salt, header + 8);
}

struct Record {
  std::uint64_t sequence;
  std::uint64_t synced;
  std::string_view payload;

  std::size_t size() const { return kRecordHeaderBytes + payload.size(); }
};

class SegmentReader {
 public:
  SegmentReader(std::string_view bytes, const SegmentId& id,
                std::optional<std::uint64_t> next_first)
      : bytes_(bytes), id_(id), next_first_(next_first), expected_(id.first) {
    // The zeros behind the last record need no looking at.
    const std::size_t last = bytes_.find_last_not_of('\0');
    used_ = last == std::string_view::npos ? 0 : last + 1;
  }

  SegmentContents Read() {
    SegmentContents contents;
    const bool header_is_whole = HeaderIsWhole();
    if (!header_is_whole && IsOfAnotherVersion()) return {{}, SegmentContents::End::kOtherVersion};
    bool damaged = false;
    std::size_t offset = kSegmentHeaderBytes;
    bool torn = false;
    while (!Finished()) {
      std::optional<Record> record = At(offset, /*exactly=*/true);
      if (!record) {
        if (offset >= used_) break;
        if (!next_first_ && !WasSynced(offset)) {
          torn = true;
          break;
        }
        record = Next(&offset);
        if (!record) {
          torn = true;
          break;
        }
        damaged = true;
        if (TakenBack(*record)) break;
      }
      contents.payloads.push_back(record->payload);
      expected_ = record->sequence + 1;
      offset += record->size();
    }
    // Whoever began the next segment had synced this one whole.
    if (next_first_ && expected_ < *next_first_) damaged = true;
    // A crash can cost the header only together with the record behind it.
    if (!header_is_whole && !contents.payloads.empty()) damaged = true;
    if (damaged) {
      contents.end = SegmentContents::End::kDamaged;
    } else if (torn && !next_first_) {
      contents.end = SegmentContents::End::kTorn;
    }
    return contents;
  }

 private:
  bool TakenBack(const Record& record) const {
    return next_first_ && record.sequence >= *next_first_;
  }
  bool Finished() const { return next_first_ && expected_ >= *next_first_; }

  bool HeaderIsWhole() const {
    std::string header;
    AppendSegmentHeader(id_, &header);
    return bytes_.substr(0, kSegmentHeaderBytes) == header;
  }

  bool IsOfAnotherVersion() const {
    if (bytes_.size() < kSegmentHeaderBytes || bytes_.substr(0, 8) != kMagic) return false;
    const std::uint32_t crc =
        ~Crc32c(bytes_.substr(16, 16), Crc32c(bytes_.substr(0, 12), ~std::uint32_t{0}));
    return GetFixed<std::uint32_t>(&bytes_[12]) == crc &&
           GetFixed<std::uint32_t>(&bytes_[8]) != kSegmentVersion;
  }

  // The whole record at `offset`, with the expected sequence number or, if not `exactly`, a later
  // one.
  std::optional<Record> At(std::size_t offset, bool exactly) {
    if (offset > bytes_.size() || bytes_.size() - offset < kRecordHeaderBytes) return std::nullopt;
    const char* const header = bytes_.data() + offset;
    const auto size = GetFixed<std::uint32_t>(header);
    if (size == 0 || size > bytes_.size() - offset - kRecordHeaderBytes) return std::nullopt;
    const Record record{GetFixed<std::uint64_t>(header + 8), GetFixed<std::uint64_t>(header + 16),
                        bytes_.substr(offset + kRecordHeaderBytes, size)};
    if (record.sequence < expected_ || (exactly && record.sequence != expected_)) {
      return std::nullopt;
    }
    // There cannot be more records than bytes. Without this the search would look at far too many.
    if (record.sequence - expected_ > bytes_.size()) return std::nullopt;
    if (!exactly) {
      if (size > search_budget_) return std::nullopt;
      search_budget_ -= size;
    }
    if (GetFixed<std::uint32_t>(header + 4) != RecordCheck(id_.salt, header, record.payload)) {
      return std::nullopt;
    }
    return record;
  }

  std::optional<Record> AtOrBehind(std::size_t* offset) {
    std::optional<Record> record = At(*offset, /*exactly=*/true);
    return record ? record : Next(offset);
  }

  // The first record behind `*offset`, wherever it begins.
  std::optional<Record> Next(std::size_t* offset) {
    for (std::size_t at = *offset + 1; at < used_; ++at) {
      if (std::optional<Record> record = At(at, /*exactly=*/false)) {
        *offset = at;
        return record;
      }
    }
    return std::nullopt;
  }

  // Whether a record behind the gap at `offset` says that the gap once was on the disk. If none does,
  // the power failed, and with the gap all that came after it is void.
  bool WasSynced(std::size_t offset) {
    if (!most_synced_) {
      most_synced_ = 0;
      const std::uint64_t gap = std::exchange(expected_, expected_ + 1);
      const std::size_t budget = search_budget_;
      while (const std::optional<Record> record = AtOrBehind(&offset)) {
        most_synced_ = std::max(*most_synced_, record->synced);
        expected_ = record->sequence + 1;
        offset += record->size();
      }
      expected_ = gap;
      search_budget_ = budget;
    }
    return *most_synced_ > expected_;
  }

  const std::string_view bytes_;
  const SegmentId id_;
  const std::optional<std::uint64_t> next_first_;
  std::size_t used_ = 0;    // behind the last byte that is not zero
  std::uint64_t expected_;  // sequence number of the next record
  // The highest `synced` of all records behind the first gap, once there is one. It also speaks for
  // the gaps that follow: behind a record with it, none says more.
  std::optional<std::uint64_t> most_synced_;
  // Bytes whose checksum the search may compute: bytes made to look like many long records must not
  // take for ever.
  std::size_t search_budget_ = 64 * bytes_.size();
};

}  // namespace

std::string SegmentName(const SegmentId& id) {
  return fmt::format("{:016x}-{:016x}{}", id.first, id.salt, kSuffix);
}

std::optional<SegmentId> ParseSegmentName(std::string_view name) {
  SegmentId id;
  if (name.size() != 2 * kHexDigits + 1 + kSuffix.size() || !name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  const auto parse = [&](std::size_t at, std::uint64_t* number) {
    const char* const begin = name.data() + at;
    return std::from_chars(begin, begin + kHexDigits, *number, 16).ptr == begin + kHexDigits;
  };
  if (!parse(0, &id.first) || !parse(kHexDigits + 1, &id.salt)) return std::nullopt;
  return SegmentName(id) == name ? std::optional(id) : std::nullopt;
}

SegmentContents ReadSegment(std::string_view bytes, const SegmentId& id,
                            std::optional<std::uint64_t> next_first) {
  return SegmentReader(bytes, id, next_first).Read();
}

void AppendSegmentHeader(const SegmentId& id, std::string* out) {
  std::array<char, kSegmentHeaderBytes> header{};
  std::copy(kMagic.begin(), kMagic.end(), header.begin());
  PutFixed(kSegmentVersion, &header[8]);
  PutFixed(id.salt, &header[16]);
  PutFixed(id.first, &header[24]);
  std::uint32_t crc = Crc32c({header.data(), 12}, ~std::uint32_t{0});
  PutFixed(~Crc32c({&header[16], 16}, crc), &header[12]);
  out->append(header.data(), header.size());
}

void AppendRecord(const SegmentId& id, std::uint64_t sequence, std::uint64_t synced,
                  std::string_view payload, std::string* out) {
  std::array<char, kRecordHeaderBytes> header;
  PutFixed(static_cast<std::uint32_t>(payload.size()), header.data());
  PutFixed(sequence, &header[8]);
  PutFixed(synced, &header[16]);
  PutFixed(RecordCheck(id.salt, header.data(), payload), &header[4]);
  out->append(header.data(), header.size());
  out->append(payload);
}

}  // namespace nerava::analytics
