#include "nerava/analytics/user_set.h"

#include <roaring/roaring.hh>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lib/base/bytes.h"
#include "lib/projection/user_set_format.h"

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

// A set of so few is stored as a list.
constexpr std::uint64_t kMostListed = 64;

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

absl::StatusOr<Roaring> ParseBitmap(std::string_view* bytes) {
  const std::size_t size = roaring_format::Check(*bytes);
  if (size == 0) return DamagedUserSet();
  roaring_bitmap_t* const bitmap = roaring_bitmap_portable_deserialize_safe(bytes->data(), size);
  if (bitmap == nullptr) return absl::UnavailableError("no memory for a user set");
  bytes->remove_prefix(size);
  return Roaring(bitmap);
}

}  // namespace

absl::StatusOr<UserSet> UserSet::ParseMembers(std::string_view bytes) {
  if (bytes.empty() || bytes.front() == kListed) return Parse(bytes);
  auto members = ParseBitmap(&bytes);
  if (!members.ok()) return members.status();
  UserSet set;
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
    if (set.bitmaps_->digits.size() == kMaxDigits) return DamagedUserSet();
    auto digit = ParseBitmap(&bytes);
    if (!digit.ok()) return digit.status();
    set.bitmaps_->digits.push_back(*std::move(digit));
  }
  return set;
}

}  // namespace nerava::analytics
