#include "tests/faults/power/disk.h"

#include <fcntl.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "fmt/format.h"
#include "tests/faults/power/disk_file.h"

namespace nerava::analytics::testing {
namespace {

namespace fs = std::filesystem;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::vector<Record> ParseRecords(std::string_view bytes) {
  const auto take = [&bytes](std::size_t size) {
    if (bytes.size() < size) throw std::runtime_error("the record is cut off");
    const std::string_view taken = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return taken;
  };
  std::vector<Record> records;
  while (!bytes.empty()) {
    Record& record = records.emplace_back();
    std::memcpy(&record.header, take(sizeof record.header).data(), sizeof record.header);
    record.path = take(record.header.path);
    record.other_path = take(record.header.other_path);
    if (record.header.kind == RECORD_WRITE || record.header.kind == RECORD_MARK) {
      record.data = take(static_cast<std::size_t>(record.header.length));
    }
  }
  return records;
}

Snapshot ReadSnapshot(const std::string& folder) {
  Snapshot snapshot;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder).string();
    if (EndsWith(path, "-shm")) continue;
    std::optional<std::string>& content = snapshot[path];
    if (entry.is_directory()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    content.emplace(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return snapshot;
}

void WriteSnapshot(const Snapshot& snapshot, const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) fs::remove_all(entry);
  for (const auto& [name, content] : snapshot) {  // a directory comes before what is in it
    const fs::path path = fs::path(folder) / name;
    if (!content.has_value()) {
      fs::create_directory(path);
      fs::permissions(path, fs::perms::owner_all);
      continue;
    }
    std::ofstream file(path, std::ios::binary);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    file << *content << std::flush;
    if (!file) throw std::runtime_error("cannot write " + path.string());
  }
}

// A file, or a directory.
struct Disk::Node {
  std::string path;                // its first one
  std::optional<DiskFile> file;    // a file's content
  std::vector<Entries> directory;  // a directory's entries since it was synced: first those
  std::size_t forgotten = 0;       // versions before these

  std::size_t changes() const {
    return file.has_value() ? file->changes() : forgotten + directory.size() - 1;
  }
};

Disk::Disk(const Snapshot& content, SyncWorks sync_works)
    : sync_works_(std::move(sync_works)), root_(std::make_shared<Node>()) {
  root_->directory.resize(1);
  for (const auto& [path, text] : content) {  // a directory comes before what is in it
    auto node = std::make_shared<Node>();
    node->path = path;
    if (text.has_value()) {
      node->file.emplace(*text);
    } else {
      node->directory.resize(1);
    }
    const auto [directory, name] = Locate(path);
    directory->directory.back()[name] = node;
  }
}

Disk::~Disk() = default;

std::pair<Disk::NodePtr, std::string> Disk::Locate(std::string_view path) const {
  NodePtr node = root_;
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/')) {
    const auto found = node->directory.back().find(path.substr(0, slash));
    if (found == node->directory.back().end() || found->second->file.has_value()) {
      throw std::runtime_error(fmt::format("no directory for {}", path));
    }
    node = found->second;
    path.remove_prefix(slash + 1);
  }
  return {node, std::string(path)};
}

Disk::NodePtr Disk::Find(std::string_view path) const {
  if (path.empty()) return root_;
  const auto [directory, name] = Locate(path);
  const auto found = directory->directory.back().find(name);
  return found != directory->directory.back().end() ? found->second : nullptr;
}

void Disk::Enter(std::string_view path, NodePtr node) {
  const auto [directory, name] = Locate(path);
  Entries entries = directory->directory.back();
  entries.erase(name);
  if (node != nullptr) entries.emplace(name, std::move(node));
  directory->directory.push_back(std::move(entries));
}

void Disk::Open(const Record& record) {
  NodePtr node = Find(record.path);
  if (node == nullptr) {
    node = std::make_shared<Node>();
    node->path = record.path;
    node->file.emplace("");
    Enter(record.path, node);
  } else if ((record.header.offset & O_TRUNC) != 0 && node->file.has_value()) {
    node->file->Resize(applied() - 1, 0);
  }
  open_[{record.header.process, record.header.fd}] = node;
}

void Disk::Remove(const Record& record) {
  if (std::optional<DiskFile>& file = Find(record.path)->file; file.has_value()) {
    for (const std::size_t unsynced : file->unsynced()) settled_[unsynced] = true;
  }
  Enter(record.path, nullptr);
}

void Disk::Rename(const Record& record) {
  const NodePtr node = Find(record.path);
  const auto [from, old_name] = Locate(record.path);
  const auto [to, new_name] = Locate(record.other_path);
  if (from != to) {
    Enter(record.other_path, node);
    Enter(record.path, nullptr);
    return;
  }
  Entries entries = from->directory.back();
  entries.erase(old_name);
  entries[new_name] = node;
  from->directory.push_back(std::move(entries));
}

void Disk::EndSync(const Sync& sync) {
  Node& node = *sync.node;
  if (!sync_works_(node.path)) return;
  if (node.file.has_value()) {
    for (const std::size_t record : node.file->unsynced(sync.changes)) settled_[record] = true;
    node.file->Sync(sync.changes);
  } else if (sync.changes > node.forgotten) {
    const std::size_t old = sync.changes - node.forgotten;
    node.directory.erase(node.directory.begin(),
                         node.directory.begin() + static_cast<std::ptrdiff_t>(old));
    node.forgotten = sync.changes;
  }
}

void Disk::Apply(const Record& record) {
  const record_header& header = record.header;
  const std::size_t number = applied();
  settled_.push_back(false);
  const auto node = [&]() -> NodePtr& { return open_.at({header.process, header.fd}); };
  const auto file = [&]() -> DiskFile& { return node()->file.value(); };
  switch (header.kind) {
    case RECORD_OPEN:
      return Open(record);
    case RECORD_CLOSE:
      open_.erase({header.process, header.fd});
      return;
    case RECORD_WRITE:
      return file().Write(number, header.offset, record.data);
    case RECORD_RESIZE:
      return file().Resize(number, header.offset);
    case RECORD_ALLOCATE:
      return file().Allocate(number, header.offset + header.length);
    case RECORD_RENAME:
      return Rename(record);
    case RECORD_LINK:
      return Enter(record.other_path, Find(record.path));
    case RECORD_UNLINK:
    case RECORD_RMDIR:
      return Remove(record);
    case RECORD_MKDIR: {
      auto directory = std::make_shared<Node>();
      directory->path = record.path;
      directory->directory.resize(1);
      return Enter(record.path, std::move(directory));
    }
    case RECORD_SYNC_BEGIN:
      syncs_[header.thread] = {node(), node()->changes()};
      return;
    case RECORD_SYNC_END:
      EndSync(syncs_.at(header.thread));
      return;
    case RECORD_MARK:
      return;
    default:
      throw std::runtime_error(fmt::format("a record of kind {}", header.kind));
  }
}

void Disk::Collect(const std::string& path, const Entries& entries, std::mt19937_64* failure,
                   Snapshot* snapshot) const {
  for (const auto& [name, node] : entries) {
    if (EndsWith(name, "-shm")) continue;
    const std::string child = path.empty() ? name : path + "/" + name;
    std::optional<std::string>& content = (*snapshot)[child];
    if (node->file.has_value()) {
      content = failure != nullptr ? node->file->AfterPowerFailure(*failure) : node->file->Now();
    } else {
      const std::vector<Entries>& versions = node->directory;
      Collect(child,
              failure != nullptr ? versions[(*failure)() % versions.size()] : versions.back(),
              failure, snapshot);
    }
  }
}

Snapshot Disk::Now() const {
  Snapshot snapshot;
  Collect("", root_->directory.back(), nullptr, &snapshot);
  return snapshot;
}

Snapshot Disk::AfterPowerFailure(std::mt19937_64& random) const {
  Snapshot snapshot;
  const std::vector<Entries>& versions = root_->directory;
  Collect("", versions[random() % versions.size()], &random, &snapshot);
  return snapshot;
}

}  // namespace nerava::analytics::testing
