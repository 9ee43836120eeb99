#include "tests/faults/power/disk_file.h"

#include <algorithm>

namespace nerava::analytics::testing {
namespace {

constexpr std::int64_t kSector = 512;
constexpr std::int64_t kPage = 4096;

// After how many of the changes the sector at an offset was written to the disk for the last time.
// How it is chosen differs by file, so that simple states are as likely as wild ones.
class Moments {
 public:
  Moments(std::size_t changes, std::mt19937_64& random) : bound_(changes + 1), seed_(random()) {
    switch (random() % 6) {
      case 0:  // nothing was
        fixed_ = 0;
        break;
      case 1:  // everything was
        fixed_ = changes;
        break;
      case 2:  // all at one moment
        fixed_ = random() % bound_;
        break;
      case 3:
        unit_ = kPage;
        break;
      case 4:
        unit_ = kSector;
        break;
      default:  // each sector in its last state or not at all
        unit_ = kSector;
        extremes_ = true;
    }
  }

  std::size_t At(std::int64_t offset) const {
    if (unit_ == 0) return fixed_;
    const std::uint64_t chosen =
        Mix(seed_ + static_cast<std::uint64_t>(offset / unit_)) % (extremes_ ? 2 : bound_);
    return extremes_ ? chosen * (bound_ - 1) : chosen;
  }

 private:
  // splitmix64: a number for each sector, without keeping them.
  static std::uint64_t Mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  const std::size_t bound_;
  const std::uint64_t seed_;
  std::size_t fixed_ = 0;
  std::int64_t unit_ = 0;  // 0: the same for all
  bool extremes_ = false;
};

}  // namespace

std::int64_t DiskFile::SizeAfter(std::size_t changes) const {
  return changes == 0 ? static_cast<std::int64_t>(synced_.size()) : changes_[changes - 1].size;
}

void DiskFile::Write(std::size_t record, std::int64_t offset, std::string_view data) {
  const std::int64_t end = offset + static_cast<std::int64_t>(data.size());
  changes_.push_back({record, offset, data, std::max(SizeAfter(changes_.size()), end)});
}

void DiskFile::Resize(std::size_t record, std::int64_t size) {
  changes_.push_back({record, 0, {}, size});
}

void DiskFile::Allocate(std::size_t record, std::int64_t end) {
  changes_.push_back({record, 0, {}, std::max(SizeAfter(changes_.size()), end)});
}

void DiskFile::Apply(const Change& change, std::string* content) {
  content->resize(static_cast<std::size_t>(change.size));
  content->replace(static_cast<std::size_t>(change.offset), change.data.size(), change.data);
}

void DiskFile::Sync(std::size_t count) {
  for (; forgotten_ < count; ++forgotten_) {
    Apply(changes_.front(), &synced_);
    changes_.pop_front();
  }
}

std::vector<std::size_t> DiskFile::unsynced(std::size_t count) const {
  std::vector<std::size_t> records;
  for (const Change& change : changes_) {
    if (forgotten_ + records.size() >= count) break;
    records.push_back(change.record);
  }
  return records;
}

std::string DiskFile::Now() const {
  std::string content = synced_;
  for (const Change& change : changes_) Apply(change, &content);
  return content;
}

std::string DiskFile::AfterPowerFailure(std::mt19937_64& random) const {
  const Moments moments(changes_.size(), random);
  // The size is metadata, and gets to the disk by itself.
  const std::int64_t size = SizeAfter(moments.At(-kPage));
  std::int64_t largest = SizeAfter(0);
  for (const Change& change : changes_) largest = std::max(largest, change.size);

  std::string content = synced_;
  content.resize(static_cast<std::size_t>(largest));
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    // Sector by sector: what it writes, and the zeros behind a new end.
    const bool cuts = change.size < SizeAfter(i);
    std::int64_t at = cuts ? change.size : change.offset;
    const std::int64_t end =
        cuts ? SizeAfter(i) : change.offset + static_cast<std::int64_t>(change.data.size());
    while (at < end) {
      const std::int64_t next = std::min(end, (at / kSector + 1) * kSector);
      const auto length = static_cast<std::size_t>(next - at);
      if (i < moments.At(at)) {
        const std::string_view data =
            cuts ? std::string_view()
                 : change.data.substr(static_cast<std::size_t>(at - change.offset), length);
        content.replace(static_cast<std::size_t>(at), length,
                        cuts ? std::string(length, '\0') : std::string(data));
      }
      at = next;
    }
  }
  content.resize(static_cast<std::size_t>(size));
  return content;
}

}  // namespace nerava::analytics::testing
