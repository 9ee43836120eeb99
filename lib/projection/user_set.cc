#include "nerava/analytics/user_set.h"

#include <cstring>
#include <roaring/roaring.hh>
#include <utility>
#include <vector>

#include "absl/status/status.h"

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

void UserSet::UniteMembers(const UserSet& other) { bitmaps_->members |= other.bitmaps_->members; }

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

// Roaring's portable format (https://github.com/RoaringBitmap/RoaringFormatSpec), one bitmap after
// the other: the members, then the digits from the lowest.
std::string UserSet::Serialize() const {
  std::vector<const Roaring*> all{&bitmaps_->members};
  for (const Roaring& digit : bitmaps_->digits) all.push_back(&digit);
  std::string bytes;
  for (const Roaring* bitmap : all) {
    const std::size_t begin = bytes.size();
    bytes.resize(begin + bitmap->getSizeInBytes(/*portable=*/true));
    bitmap->write(bytes.data() + begin, /*portable=*/true);
  }
  return bytes;
}

namespace {

absl::StatusOr<Roaring> ParseBitmap(std::string_view* bytes) {
  const std::size_t size = roaring_bitmap_portable_deserialize_size(bytes->data(), bytes->size());
  if (size == 0) return absl::DataLossError("a stored user set is damaged");
  roaring_bitmap_t* bitmap = roaring_bitmap_portable_deserialize_safe(bytes->data(), size);
  if (bitmap == nullptr) return absl::DataLossError("a stored user set is damaged");
  bytes->remove_prefix(size);
  return Roaring(bitmap);
}

}  // namespace

absl::StatusOr<UserSet> UserSet::ParseMembers(std::string_view bytes) {
  UserSet set;
  if (bytes.empty()) return set;
  auto members = ParseBitmap(&bytes);
  if (!members.ok()) return members.status();
  set.bitmaps_->members = *std::move(members);
  return set;
}

absl::StatusOr<UserSet> UserSet::Parse(std::string_view bytes) {
  UserSet set;
  if (bytes.empty()) return set;
  auto members = ParseBitmap(&bytes);
  if (!members.ok()) return members.status();
  set.bitmaps_->members = *std::move(members);
  while (!bytes.empty()) {
    auto digit = ParseBitmap(&bytes);
    if (!digit.ok()) return digit.status();
    set.bitmaps_->digits.push_back(*std::move(digit));
  }
  return set;
}

}  // namespace nerava::analytics
