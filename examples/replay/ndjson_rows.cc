// RowReader for NDJSON: one JSON object a line, each a domain event or a session.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "examples/replay/row_reader.h"
#include "nerava/analytics/limits.h"

namespace nerava::examples {
namespace {

using Json = nlohmann::ordered_json;

// The names of an object's members, and whether a member's text is a time that needs repair: all
// that must be known of an event that can be passed on as it is. Much faster than a whole parse.
class TopLevelScan final : public nlohmann::json_sax<Json> {
 public:
  const std::vector<std::string>& names() const { return names_; }
  bool repairs() const { return repairs_; }
  bool is_object() const { return is_object_; }
  const std::string& error() const { return error_; }

  bool start_object(std::size_t) override {
    if (depth_ == 0) is_object_ = true;
    ++depth_;
    return true;
  }
  bool end_object() override { return --depth_, true; }
  bool start_array(std::size_t) override { return ++depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool key(string_t& name) override {
    if (depth_ == 1) names_.push_back(name);
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 1 && text.size() > 4 && text[0] == '0' && text[4] == '-') repairs_ = true;
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    error_ = fmt::format("is not JSON: see byte {}", position);
    return false;
  }

 private:
  int depth_ = 0;
  bool is_object_ = false;
  bool repairs_ = false;
  std::vector<std::string> names_;
  std::string error_;
};

// A member's value as the text that a column would have.
std::string TextOf(const Json& value) {
  if (value.is_null()) return "";
  return std::string(
      ValueOrMissing(value.is_string() ? value.get_ref<const std::string&>() : value.dump()));
}

class NdjsonRowReader final : public RowReader {
 public:
  NdjsonRowReader(ByteSource* source, const ColumnNames* names, Announce announce)
      : source_(*source), names_(*names), announce_(std::move(announce)) {
    source_.SkipByteOrderMark();
  }

  absl::StatusOr<bool> Next(Row* row) override {
    row->Clear();
    do {
      absl::StatusOr<bool> more = ReadLine();
      if (!more.ok() || !*more) return more;
    } while (text_.empty());
    row->line = line_;
    if (too_long_) {
      row->error = absl::InvalidArgumentError(
          fmt::format("is longer than {} bytes", analytics::kMaxJsonBytes));
      return true;
    }
    row->error = Read(row);
    return true;
  }

 private:
  // Into text_, without its end.
  absl::StatusOr<bool> ReadLine() {
    text_.clear();
    too_long_ = false;
    if (source_.Peek() == ByteSource::kEnd && source_.status().ok()) return false;
    ++line_;
    for (int byte; (byte = source_.Get()) != '\n';) {
      if (byte == ByteSource::kEnd) {
        // A line that an error cut off is not one.
        if (!source_.status().ok()) return source_.status();
        break;
      }
      too_long_ = too_long_ || text_.size() >= analytics::kMaxJsonBytes;
      if (!too_long_) text_ += static_cast<char>(byte);
    }
    text_.erase(text_.find_last_not_of(" \t\r") + 1);
    return true;
  }

  absl::Status Read(Row* row) {
    TopLevelScan scan;
    if (!Json::sax_parse(text_, &scan) || !scan.is_object()) {
      return absl::InvalidArgumentError(scan.error().empty() ? "is no JSON object" : scan.error());
    }
    std::string key;
    for (const std::string& name : scan.names()) (key += name) += '\0';
    auto layout = layouts_.find(key);
    if (layout == layouts_.end()) {
      absl::StatusOr<Layout> resolved = Resolve(scan.names());
      if (!resolved.ok()) return resolved.status();
      if (announce_ && !resolved->is_event) {
        std::exchange(announce_, nullptr)(Describe(*resolved, scan.names()));
      }
      constexpr std::size_t kMaxLayouts = 1000;
      if (layouts_.size() == kMaxLayouts) layouts_.clear();
      layout = layouts_.emplace(std::move(key), *std::move(resolved)).first;
    }
    row->is_event = layout->second.is_event;
    if (row->is_event && !layout->second.has_time) return EventWithoutTime();
    if (row->is_event && !layout->second.renames && !scan.repairs()) {
      row->event_json = text_;
      return absl::OkStatus();
    }
    Json object = Json::parse(text_);
    row->is_event ? Rewrite(layout->second, std::move(object), row)
                  : ReadSession(layout->second, scan.names(), object, row);
    return absl::OkStatus();
  }

  absl::StatusOr<Layout> Resolve(const std::vector<std::string>& names) const {
    const Json object = Json::parse(text_);
    std::vector<std::string> values;
    for (const std::string& name : names) values.push_back(TextOf(object[name]));
    return names_.Resolve(names, values);
  }

  static void ReadSession(const Layout& layout, const std::vector<std::string>& names,
                          const Json& object, Row* row) {
    for (std::size_t column = 0; column < names.size(); ++column) {
      const std::size_t field = layout.field_of_column[column];
      if (field == kFields.size()) continue;
      std::string value = TextOf(object[names[column]]);
      if (kFields[field].type == FieldType::kTime && RepairCentury(&value)) ++row->repaired_years;
      (*row)[field] = std::move(value);
    }
  }

  static void Rewrite(const Layout& layout, Json object, Row* row) {
    Json event = Json::object();
    std::size_t column = 0;
    for (auto& [name, value] : object.items()) {
      const std::size_t field = layout.field_of_column[column++];
      const bool known = field != kFields.size();
      if (known && kFields[field].type == FieldType::kTime && value.is_string() &&
          RepairCentury(&value.get_ref<std::string&>())) {
        ++row->repaired_years;
      }
      event[known ? std::string(kFields[field].name) : name] = std::move(value);
    }
    row->event_json = event.dump();
  }

  ByteSource& source_;
  const ColumnNames& names_;
  Announce announce_;  // empty once it was told
  std::size_t line_ = 0;
  std::string text_;
  bool too_long_ = false;
  std::unordered_map<std::string, Layout> layouts_;  // by the names of the members
};

}  // namespace

std::unique_ptr<RowReader> MakeNdjsonRowReader(ByteSource* source, const ColumnNames* names,
                                               Announce announce) {
  return std::make_unique<NdjsonRowReader>(source, names, std::move(announce));
}

}  // namespace nerava::examples
