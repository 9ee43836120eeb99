// RowReader for CSV.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "examples/replay/csv_reader.h"
#include "examples/replay/row_reader.h"
#include "nerava/analytics/money.h"

namespace nerava::examples {
namespace {

class CsvRowReader final : public RowReader {
 public:
  CsvRowReader(ByteSource* source, const ColumnNames* names, char delimiter, Announce announce)
      : reader_(source, delimiter), names_(*names), announce_(std::move(announce)) {}

  absl::StatusOr<bool> Next(Row* row) override {
    if (header_.empty()) {
      const absl::Status status = ReadHeader();
      if (!status.ok()) return status;
    }
    absl::StatusOr<bool> more = reader_.Next(&fields_);
    if (!more.ok() || !*more) return more;
    row->Clear();
    row->line = reader_.line();
    if (fields_.size() != header_.size()) {
      row->error = absl::InvalidArgumentError(
          fmt::format("has {} fields, but the header has {}", fields_.size(), header_.size()));
      return true;
    }
    if (!resolved_) {
      absl::StatusOr<Layout> layout = names_.Resolve(header_, fields_);
      if (!layout.ok()) return layout.status();
      layout_ = *std::move(layout);
      resolved_ = true;
      if (!layout_.is_event) announce_(Describe(layout_, header_));
    }
    row->is_event = layout_.is_event;
    for (std::size_t column = 0; column < fields_.size(); ++column) {
      const std::size_t field = layout_.field_of_column[column];
      if (field == kFields.size()) continue;
      std::string value(ValueOrMissing(fields_[column]));
      if (kFields[field].type == FieldType::kTime && RepairCentury(&value)) ++row->repaired_years;
      (*row)[field] = std::move(value);
    }
    if (layout_.is_event) row->error = MakeEventJson(row);
    return true;
  }

 private:
  absl::Status ReadHeader() {
    absl::StatusOr<bool> more = reader_.Next(&header_);
    if (!more.ok()) return more.status();
    const std::optional<std::string> missing = names_.MissingColumn(header_);
    if (*more && missing) {
      std::string columns;
      for (const std::string& name : header_) columns += fmt::format(" '{}'", name);
      return absl::InvalidArgumentError(
          fmt::format("--column: there is no column '{}'; the header has{}", *missing, columns));
    }
    return absl::OkStatus();
  }

  // Columns that are no known field keep their names.
  absl::Status MakeEventJson(Row* row) const {
    bool has_time = false;
    std::string& json = row->event_json;
    try {
      const auto add = [&](std::string_view name, std::string_view value) {
        json += fmt::format("{}{}:{}", json.empty() ? "{" : ",",
                            nlohmann::json(std::string(name)).dump(), value);
      };
      for (std::size_t column = 0; column < fields_.size(); ++column) {
        const std::size_t field = layout_.field_of_column[column];
        const bool known = field != kFields.size();
        const std::string value = known ? row->values[field] : fields_[column];
        if (ValueOrMissing(value).empty()) continue;
        has_time |= known && kFields[field].type == FieldType::kTime;
        const FieldType type = known ? kFields[field].type : FieldType::kText;
        const std::string_view name = known ? kFields[field].name : header_[column];
        if (type == FieldType::kNumber && !analytics::MicrosFromDecimal(value).ok()) {
          return absl::InvalidArgumentError(fmt::format("{}: '{}' is no number", name, value));
        }
        const bool as_it_is = type == FieldType::kNumber || type == FieldType::kObject;
        add(name, as_it_is ? value : nlohmann::json(value).dump());
      }
    } catch (const nlohmann::json::exception&) {
      return absl::InvalidArgumentError("is not UTF-8");
    }
    if (!has_time) return EventWithoutTime();
    json += '}';
    return absl::OkStatus();
  }

  CsvReader reader_;
  const ColumnNames& names_;
  const Announce announce_;
  std::vector<std::string> header_;
  std::vector<std::string> fields_;
  bool resolved_ = false;
  Layout layout_;
};

}  // namespace

std::unique_ptr<RowReader> MakeCsvRowReader(ByteSource* source, const ColumnNames* names,
                                            char delimiter, Announce announce) {
  return std::make_unique<CsvRowReader>(source, names, delimiter, std::move(announce));
}

}  // namespace nerava::examples
