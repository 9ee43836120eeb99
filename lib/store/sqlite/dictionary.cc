#include "lib/store/sqlite/dictionary.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fmt/format.h"
#include "nerava/analytics/limits.h"

namespace nerava::analytics::sqlite {

Dictionary::Dictionary(Database& database, std::string_view table)
    : database_(database),
      find_(fmt::format("SELECT number FROM {} WHERE text = ?1", table)),
      add_(fmt::format("INSERT INTO {}(text) VALUES (?1)", table)),
      text_(fmt::format("SELECT text FROM {} WHERE number = ?1", table)) {}

absl::StatusOr<std::optional<std::int64_t>> Dictionary::Find(std::string_view text) {
  const auto known = numbers_.find(absl::string_view(text.data(), text.size()));
  if (known != numbers_.end()) return known->second;
  auto statement = database_.Prepare(find_);
  if (!statement.ok()) return statement.status();
  (*statement)->BindText(1, text);
  if (!(*statement)->Step()) {
    if (!(*statement)->status().ok()) return (*statement)->status();
    return std::nullopt;
  }
  const std::int64_t number = (*statement)->Integer(0);
  (*statement)->Reset();
  Remember(text, number);
  return number;
}

absl::StatusOr<std::int64_t> Dictionary::FindOrAdd(std::string_view text) {
  auto found = Find(text);
  if (!found.ok()) return found.status();
  if (found->has_value()) return **found;
  auto statement = database_.Prepare(add_);
  if (!statement.ok()) return statement.status();
  (*statement)->BindText(1, text);
  if (absl::Status added = (*statement)->Run(); !added.ok()) return added;
  const std::int64_t number = database_.LastInsertedRow();
  Remember(text, number);
  return number;
}

absl::StatusOr<std::string> Dictionary::Text(std::int64_t number) {
  const auto known = texts_.find(number);
  if (known != texts_.end()) return known->second;
  auto statement = database_.Prepare(text_);
  if (!statement.ok()) return statement.status();
  (*statement)->Bind(1, number);
  if (!(*statement)->Step()) {
    if (!(*statement)->status().ok()) return (*statement)->status();
    return absl::DataLossError(fmt::format("the store has no name for number {}", number));
  }
  const std::string_view bytes = (*statement)->Bytes(0);
  if (bytes.size() > kMaxTextBytes) {
    return absl::DataLossError(fmt::format(
        "the store's name for number {} is damaged: it has {} bytes", number, bytes.size()));
  }
  std::string text(bytes);
  (*statement)->Reset();
  Remember(text, number);
  return text;
}

void Dictionary::Forget() {
  numbers_.clear();
  texts_.clear();
}

void Dictionary::Remember(std::string_view text, std::int64_t number) {
  constexpr std::size_t kMany = 200'000;  // some 30 MB
  if (numbers_.size() >= kMany) Forget();
  numbers_.emplace(text, number);
  texts_.emplace(number, text);
}

absl::StatusOr<std::string_view> NamesAtHand::Find(std::int64_t number) {
  constexpr std::size_t kMostAtHand = 10'000;
  if (number == 0) return std::string_view();
  const auto index = static_cast<std::size_t>(number);
  if (index < texts_.size() && !texts_[index].empty()) return std::string_view(texts_[index]);
  auto text = names_.Text(number);
  if (!text.ok()) return text.status();
  if (index >= kMostAtHand) {
    other_ = *std::move(text);
    return std::string_view(other_);
  }
  if (index >= texts_.size()) texts_.resize(index + 1);
  texts_[index] = *std::move(text);
  return std::string_view(texts_[index]);
}

}  // namespace nerava::analytics::sqlite
