#include "lib/journal/dead_letters.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/journal/event_codec.h"
#include "lib/journal/folder.h"
#include "nerava/analytics/json.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

constexpr char kFile[] = "dead_letters.ndjson";
constexpr std::size_t kMostInMemory = 10'000;
// Where the event begins in a line: in front of it quotation marks are escaped in texts.
constexpr std::string_view kEvent = ",\"event\":";

// `record` is the event as it was, whatever its JSON can say.
std::string LineOf(const AnalyticsEvent& event, const std::string& reason, absl::Time time) {
  std::string record;
  EncodeEvent(event, &record);
  std::string line;
  JsonObjectWriter writer(&line);
  writer.Text("time", FormatTimestamp(time));
  writer.Text("reason", ValidText(reason));
  writer.Text("record", absl::Base64Escape(record));
  writer.Json("event", ToJson(event));
  writer.Close();
  return line;
}

struct Letter {
  DeadLetter shown;
  EventPtr event;
};

// Nothing for what is no letter: an unfinished line that a crash left.
std::optional<Letter> Parse(std::string_view line) {
  const std::size_t split = line.find(kEvent);
  if (split == std::string_view::npos || line.back() != '}') return std::nullopt;
  const auto head =
      nlohmann::json::parse(fmt::format("{}}}", line.substr(0, split)), nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = head.find(name);
    return found != head.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (!head.is_object()) return std::nullopt;
  const auto time = ParseTimestamp(text("time"));
  std::string record;
  if (!time.ok() || !absl::Base64Unescape(text("record"), &record)) return std::nullopt;
  auto event = DecodeEvent(record);
  if (!event.ok()) return std::nullopt;
  std::string json(line.substr(split + kEvent.size()));
  json.pop_back();
  // A failure of the power may leave any part of what was not synced, so also both ends.
  if (!nlohmann::json::accept(json)) return std::nullopt;
  return Letter{{*time, text("reason"), std::move(json)},
                std::make_shared<const AnalyticsEvent>(*std::move(event))};
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The store's folder, locked against other processes while this lives.
struct LockedFolder {
  std::shared_ptr<File> folder;

  static absl::StatusOr<LockedFolder> Lock(const std::string& path) {
    auto folder = OpenJournalFolder(path);
    if (!folder.ok()) return folder.status();
    if (absl::Status locked = (*folder)->Lock(); !locked.ok()) return locked;
    return LockedFolder{*std::move(folder)};
  }

  std::string PathOf(const std::string& name) const {
    return fmt::format("{}/{}", folder->path(), name);
  }
  absl::StatusOr<std::shared_ptr<File>> Open(const std::string& name, int flags) const {
    return File::OpenAt(folder->fd(), name, flags, PathOf(name));
  }
};

absl::StatusOr<std::string> ReadLetters(const LockedFolder& folder) {
  auto file = folder.Open(kFile, O_RDONLY);
  if (absl::IsNotFound(file.status())) return std::string();
  if (!file.ok()) return file.status();
  return (*file)->Read(0, std::numeric_limits<std::int64_t>::max());
}

absl::Status AppendLetter(const LockedFolder& folder, const std::string& line) {
  auto file = folder.Open(kFile, O_RDWR | O_CREAT);
  if (!file.ok()) return file.status();
  const auto end = (*file)->Size();
  if (!end.ok()) return end.status();
  const auto last = (*file)->Read(std::max<std::int64_t>(0, *end - 1), 1);
  if (!last.ok()) return last.status();
  // A crash may have left an unfinished line.
  const char* const separator = last->empty() || *last == "\n" ? "" : "\n";
  absl::Status status = (*file)->WriteAt(fmt::format("{}{}\n", separator, line), *end);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok() && *end == 0) status = folder.folder->Sync();
  if (!status.ok()) (*file)->Truncate(*end).IgnoreError();
  return status;
}

// All or nothing, whenever the power fails.
absl::Status ReplaceLetters(const LockedFolder& folder, const std::vector<std::string>& lines) {
  if (lines.empty()) {
    absl::Status gone = folder.folder->Remove(kFile);
    return gone.ok() ? folder.folder->Sync() : gone;
  }
  constexpr char kNew[] = "dead_letters.new";
  if (absl::Status gone = folder.folder->Remove(kNew); !gone.ok()) return gone;
  auto file = folder.Open(kNew, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.ok()) return file.status();
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  if (absl::Status written = (*file)->WriteAt(text, 0); !written.ok()) return written;
  if (absl::Status synced = (*file)->Sync(); !synced.ok()) return synced;
  return folder.folder->Rename(kNew, kFile);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DeadLetters::Lines() const {
  if (folder_.empty()) return std::vector<std::string>(in_memory_.begin(), in_memory_.end());
  std::error_code error;  // looking must not make the folder
  if (!std::filesystem::exists(folder_, error)) return std::vector<std::string>();
  const auto folder = LockedFolder::Lock(folder_);
  if (!folder.ok()) return folder.status();
  auto text = ReadLetters(*folder);
  if (!text.ok()) return text.status();
  return SplitLines(*text);
}

absl::Status DeadLetters::Add(const AnalyticsEvent& event, const std::string& reason,
                              absl::Time time) {
  std::string line = LineOf(event, reason, time);
  MutexLock lock(mutex_);
  if (!folder_.empty()) {
    const auto folder = LockedFolder::Lock(folder_);
    return folder.ok() ? AppendLetter(*folder, line) : folder.status();
  }
  in_memory_.push_back(std::move(line));
  if (in_memory_.size() > kMostInMemory) in_memory_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DeadLetter>> DeadLetters::List(std::size_t limit) const {
  MutexLock lock(mutex_);
  const auto lines = Lines();
  if (!lines.ok()) return lines.status();
  std::vector<DeadLetter> letters;
  for (const std::string& line : *lines) {
    if (letters.size() == limit) break;
    if (auto letter = Parse(line)) letters.push_back(std::move(letter->shown));
  }
  return letters;
}

absl::StatusOr<std::size_t> DeadLetters::Replay(absl::FunctionRef<absl::Status(EventPtr)> accept) {
  absl::StatusOr<std::vector<std::string>> lines;
  {
    MutexLock lock(mutex_);
    lines = Lines();
  }
  if (!lines.ok()) return lines.status();
  // Without the lock: to accept may take long, and the writer's thread may have letters to add.
  std::multiset<std::string> accepted;
  absl::Status last_error;
  for (std::string& line : *lines) {
    auto letter = Parse(line);
    if (!letter) continue;
    absl::Status status = accept(std::move(letter->event));
    status.ok() ? void(accepted.insert(std::move(line))) : void(last_error = std::move(status));
  }
  if (accepted.empty()) {
    if (!last_error.ok()) return last_error;
    return 0;
  }
  const std::size_t count = accepted.size();
  MutexLock lock(mutex_);
  absl::Status forgotten = Forget(std::move(accepted));
  if (!forgotten.ok()) return forgotten;
  return count;
}

absl::StatusOr<RemovedLetters> DeadLetters::Remove(
    absl::FunctionRef<bool(const AnalyticsEvent&)> which) {
  RemovedLetters result;
  const auto remaining = [&](const std::vector<std::string>& lines) {
    std::vector<std::string> kept;
    for (const std::string& line : lines) {
      const auto letter = Parse(line);
      if (letter && which(*letter->event)) {
        ++result.removed;
        continue;
      }
      const bool whole = letter || nlohmann::json::accept(line);
      if (!letter && whole) ++result.unreadable;
      if (whole) kept.push_back(line);
    }
    return kept;
  };
  MutexLock lock(mutex_);
  absl::Status status = Rewrite(remaining);
  if (!status.ok()) return status;
  return result;
}

absl::Status DeadLetters::Forget(std::multiset<std::string> gone) {
  const auto remaining = [&](const std::vector<std::string>& lines) {
    std::vector<std::string> kept;
    for (const std::string& line : lines) {
      const auto found = gone.find(line);
      found == gone.end() ? kept.push_back(line) : void(gone.erase(found));
    }
    return kept;
  };
  return Rewrite(remaining);
}

// `remaining`: which of the lines stay.
absl::Status DeadLetters::Rewrite(
    absl::FunctionRef<std::vector<std::string>(const std::vector<std::string>&)> remaining) {
  if (folder_.empty()) {
    const auto kept = remaining({in_memory_.begin(), in_memory_.end()});
    in_memory_.assign(kept.begin(), kept.end());
    return absl::OkStatus();
  }
  std::error_code error;  // looking must not make the folder
  if (!std::filesystem::exists(folder_, error)) return absl::OkStatus();
  const auto folder = LockedFolder::Lock(folder_);
  if (!folder.ok()) return folder.status();
  auto text = ReadLetters(*folder);
  if (!text.ok()) return text.status();
  const std::vector<std::string> lines = SplitLines(*text);
  const std::vector<std::string> kept = remaining(lines);
  return kept == lines ? absl::OkStatus() : ReplaceLetters(*folder, kept);
}

std::uint64_t DeadLetters::count() const {
  MutexLock lock(mutex_);
  if (folder_.empty()) return in_memory_.size();
  // Not locked against other processes: this is called often, and by whoever wants to know.
  const std::string path = fmt::format("{}/{}", folder_, kFile);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return 0;
  if (status.st_ino != counted_.file || status.st_size != counted_.end) {
    auto file = File::OpenAt(AT_FDCWD, path, O_RDONLY, path);
    if (file.ok()) Count(**file, status.st_ino);
  }
  return counted_.letters;
}

void DeadLetters::Count(File& file, std::uint64_t inode) const {
  const auto read_from = [&file](std::int64_t offset) {
    return file.Read(offset, std::numeric_limits<std::int64_t>::max());
  };
  const std::string& last = counted_.last_line;
  auto text = inode == counted_.file
                  ? read_from(counted_.end - static_cast<std::int64_t>(last.size()))
                  : std::string();
  if (text.ok() && inode == counted_.file && text->starts_with(last)) {
    text->erase(0, last.size());
  } else {
    counted_ = Counted{};
    counted_.file = inode;
    text = read_from(0);
  }
  if (!text.ok()) return;
  std::string_view rest = *text;
  // Another process may be about to write the end.
  for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    if (end > 0 && Parse(rest.substr(0, end))) ++counted_.letters;
    counted_.last_line = rest.substr(0, end + 1);
    counted_.end += static_cast<std::int64_t>(end) + 1;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace nerava::analytics
