#include "nerava/analytics/user_set.h"

#include <cstring>
#include <limits>
#include <roaring/roaring.hh>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lib/base/bytes.h"

// CRoaring put its names into these namespaces with version 0.3; Debian 12 has 0.2.
namespace roaring {
namespace api {}
}  // namespace roaring
using namespace roaring;       // NOLINT(google-build-using-namespace)
using namespace roaring::api;  // NOLINT(google-build-using-namespace)

namespace nerava::analytics {

// `members` holds who is in; digits[k] holds the users whose count less one has binary digit k set.
struct UserSet::Bitmaps {
  Roaring members;
  std::vector<Roaring> digits;
};

UserSet::UserSet() : bitmaps_(std::make_unique<Bitmaps>()) {}
UserSet::UserSet(const UserSet& other) : bitmaps_(std::make_unique<Bitmaps>(*other.bitmaps_)) {}
UserSet::UserSet(UserSet&& other) noexcept = default;
UserSet& UserSet::operator=(const UserSet& other) {
  if (this != &other) bitmaps_ = std::make_unique<Bitmaps>(*other.bitmaps_);
  return *this;
}
UserSet& UserSet::operator=(UserSet&& other) noexcept = default;
UserSet::~UserSet() = default;

void UserSet::Add(std::uint32_t user, std::int64_t sessions) {
  const std::int64_t count = CountOf(user) + sessions;
  if (count <= 0) {
    bitmaps_->members.remove(user);
  } else {
    bitmaps_->members.add(user);
  }
  std::uint64_t above_one = count <= 1 ? 0 : static_cast<std::uint64_t>(count - 1);
  for (std::size_t k = 0; above_one != 0 || k < bitmaps_->digits.size(); ++k, above_one >>= 1) {
    if (k == bitmaps_->digits.size()) bitmaps_->digits.emplace_back();
    if ((above_one & 1) != 0) {
      bitmaps_->digits[k].add(user);
    } else {
      bitmaps_->digits[k].remove(user);
    }
  }
  while (!bitmaps_->digits.empty() && bitmaps_->digits.back().isEmpty()) {
    bitmaps_->digits.pop_back();
  }
}

void UserSet::UniteMembers(absl::Span<const std::uint32_t> users) {
  bitmaps_->members.addMany(users.size(), users.data());
}

void UserSet::UniteMembers(const UserSet& other) { bitmaps_->members |= other.bitmaps_->members; }

void UserSet::UniteMembers(absl::Span<const UserSet> others) {
  std::vector<const Roaring*> all{&bitmaps_->members};
  for (const UserSet& other : others) all.push_back(&other.bitmaps_->members);
  bitmaps_->members = Roaring::fastunion(all.size(), all.data());
}

std::uint64_t UserSet::size() const { return bitmaps_->members.cardinality(); }

bool UserSet::Contains(std::uint32_t user) const { return bitmaps_->members.contains(user); }

std::int64_t UserSet::CountOf(std::uint32_t user) const {
  if (!Contains(user)) return 0;
  std::uint64_t above_one = 0;
  for (std::size_t k = 0; k < bitmaps_->digits.size(); ++k) {
    if (bitmaps_->digits[k].contains(user)) above_one |= std::uint64_t{1} << k;
  }
  return static_cast<std::int64_t>(above_one) + 1;
}

std::uint64_t UserSet::CommonWith(const UserSet& other) const {
  return bitmaps_->members.and_cardinality(other.bitmaps_->members);
}

UserSet UserSet::Without(const UserSet& other) const {
  UserSet rest;
  rest.bitmaps_->members = bitmaps_->members - other.bitmaps_->members;
  return rest;
}

void UserSet::ForEach(absl::FunctionRef<void(std::uint32_t user)> sink) const {
  bitmaps_->members.iterate(
      [](std::uint32_t user, void* to) {
        (*static_cast<absl::FunctionRef<void(std::uint32_t)>*>(to))(user);
        return true;
      },
      &sink);
}

void UserSet::ForEachCount(
    absl::FunctionRef<void(std::uint32_t user, std::int64_t sessions)> sink) const {
  ForEach([&](std::uint32_t user) { sink(user, CountOf(user)); });
}

namespace {

// A set of so few is stored as a list, which begins so.
constexpr std::uint64_t kMostListed = 64;
constexpr char kListed = 1;

}  // namespace

// A list: kListed, and for each member in ascending order, as varints, how much larger it is than the
// one before, and its count less one. Else Roaring's portable format
// (https://github.com/RoaringBitmap/RoaringFormatSpec), one bitmap after the other: the members, then
// the digits from the lowest.
std::string UserSet::Serialize() const {
  std::string bytes;
  if (size() <= kMostListed) {
    bytes += kListed;
    std::uint32_t last = 0;
    ForEachCount([&](std::uint32_t user, std::int64_t sessions) {
      AppendVarint(user - last, &bytes);
      AppendVarint(static_cast<std::uint64_t>(sessions - 1), &bytes);
      last = user;
    });
    return bytes;
  }
  std::vector<const Roaring*> all{&bitmaps_->members};
  for (const Roaring& digit : bitmaps_->digits) all.push_back(&digit);
  for (const Roaring* bitmap : all) {
    const std::size_t begin = bytes.size();
    bytes.resize(begin + bitmap->getSizeInBytes(/*portable=*/true));
    bitmap->write(bytes.data() + begin, /*portable=*/true);
  }
  return bytes;
}

namespace {

// More digits than any count has; with them counts stay far from overflowing.
constexpr std::size_t kMaxDigits = 30;

absl::Status Damaged() { return absl::DataLossError("a stored user set is damaged"); }

template <typename Number>
Number Load(const char* bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

// A container of `cardinality` members, 16 bits of each: sorted if they are few, else as bits.
constexpr std::size_t kMaxSorted = 4096;
constexpr std::size_t kBitsBytes = 65536 / 8;

// Both are run for every set of every KPI, and are written so that compilers vectorize them.
bool IsSorted(const char* values, std::size_t cardinality) {
  unsigned unsorted = 0;
  for (std::size_t i = 1; i < cardinality; ++i) {
    unsorted |= static_cast<unsigned>(Load<std::uint16_t>(values + 2 * (i - 1)) >=
                                      Load<std::uint16_t>(values + 2 * i));
  }
  return unsorted == 0;
}

bool HasBits(const char* bits, std::size_t cardinality) {
  std::uint64_t set = 0;
  for (std::size_t i = 0; i < kBitsBytes; i += 8) {
    // std::popcount is a call on processors of 2003.
    auto word = Load<std::uint64_t>(bits + i);
    word -= (word >> 1) & 0x5555555555555555;
    word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    word += word >> 8;
    word += word >> 16;
    word += word >> 32;
    set += word & 0x7f;
  }
  return set == cardinality;
}

// How long the bitmap is that `bytes` begin with; 0 when it is none. CRoaring checks only that it
// ends in time, and would write past the end of an array for one that claims fewer members than it
// has. Serialize makes no run containers, so that none are allowed.
std::size_t CheckBitmap(std::string_view bytes) {
  constexpr std::uint32_t kCookie = 12346;
  constexpr std::size_t kHeaderBytes = 8;       // the cookie, the number of containers
  constexpr std::size_t kDescriptionBytes = 8;  // of a container: key, cardinality - 1; offset
  if (bytes.size() < kHeaderBytes || Load<std::uint32_t>(bytes.data()) != kCookie) return 0;
  const std::size_t containers = Load<std::uint32_t>(bytes.data() + 4);
  if (containers > 65536) return 0;
  std::size_t end = kHeaderBytes + containers * kDescriptionBytes;
  if (end > bytes.size()) return 0;

  const char* const descriptions = bytes.data() + kHeaderBytes;
  const char* const offsets = descriptions + 4 * containers;
  for (std::size_t i = 0; i < containers; ++i) {
    const char* const description = descriptions + 4 * i;
    if (i > 0 && Load<std::uint16_t>(description - 4) >= Load<std::uint16_t>(description)) return 0;
    if (Load<std::uint32_t>(offsets + 4 * i) != end) return 0;
    const std::size_t cardinality = std::size_t{Load<std::uint16_t>(description + 2)} + 1;
    const bool sorted = cardinality <= kMaxSorted;
    const std::size_t size = sorted ? 2 * cardinality : kBitsBytes;
    if (size > bytes.size() - end) return 0;
    const char* const container = bytes.data() + end;
    if (!(sorted ? IsSorted(container, cardinality) : HasBits(container, cardinality))) return 0;
    end += size;
  }
  return end;
}

// Gives the members of a list with their counts.
template <typename Sink>
absl::Status ReadList(std::string_view bytes, Sink sink) {
  std::uint64_t user = 0;
  bool first = true;
  for (ByteReader reader(bytes.substr(1)); !reader.empty(); first = false) {
    const auto more = reader.Varint();
    const auto above_one = reader.Varint();
    if (!more || !above_one || *above_one >> kMaxDigits != 0 ||
        *more > std::numeric_limits<std::uint32_t>::max() - user || (*more == 0 && !first)) {
      return Damaged();
    }
    user += *more;
    sink(static_cast<std::uint32_t>(user), static_cast<std::int64_t>(*above_one) + 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<Roaring> ParseBitmap(std::string_view* bytes) {
  const std::size_t size = CheckBitmap(*bytes);
  if (size == 0) return Damaged();
  roaring_bitmap_t* const bitmap = roaring_bitmap_portable_deserialize_safe(bytes->data(), size);
  if (bitmap == nullptr) return absl::UnavailableError("no memory for a user set");
  bytes->remove_prefix(size);
  return Roaring(bitmap);
}

}  // namespace

absl::StatusOr<bool> UserSet::AppendListed(std::string_view bytes,
                                           std::vector<std::uint32_t>* users) {
  if (bytes.empty()) return true;
  if (bytes.front() != kListed) return false;
  absl::Status read =
      ReadList(bytes, [&](std::uint32_t user, std::int64_t) { users->push_back(user); });
  if (!read.ok()) return read;
  return true;
}

absl::StatusOr<UserSet> UserSet::ParseMembers(std::string_view bytes) {
  UserSet set;
  std::vector<std::uint32_t> few;
  auto listed = AppendListed(bytes, &few);
  if (!listed.ok()) return listed.status();
  if (*listed) {
    set.UniteMembers(few);
    return set;
  }
  auto members = ParseBitmap(&bytes);
  if (!members.ok()) return members.status();
  set.bitmaps_->members = *std::move(members);
  return set;
}

absl::StatusOr<UserSet> UserSet::Parse(std::string_view bytes) {
  UserSet set;
  if (bytes.empty()) return set;
  if (bytes.front() == kListed) {
    absl::Status read = ReadList(
        bytes, [&](std::uint32_t user, std::int64_t sessions) { set.Add(user, sessions); });
    if (!read.ok()) return read;
    return set;
  }
  auto members = ParseBitmap(&bytes);
  if (!members.ok()) return members.status();
  set.bitmaps_->members = *std::move(members);
  while (!bytes.empty()) {
    if (set.bitmaps_->digits.size() == kMaxDigits) return Damaged();
    auto digit = ParseBitmap(&bytes);
    if (!digit.ok()) return digit.status();
    set.bitmaps_->digits.push_back(*std::move(digit));
  }
  return set;
}

}  // namespace nerava::analytics
