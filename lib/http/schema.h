// JSON Schemas of what is answered and of what is sent, as JSON texts. Nothing that is not described may be in an
// answer, and all that is must be, but for what is optional.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace nerava::analytics::http {

struct Member {
  std::string_view name;
  std::string schema;
  bool is_optional = false;
};
using Members = std::vector<Member>;
Members Join(std::vector<Members> groups);

std::string ObjectSchema(const Members& members);
std::string OpenObjectSchema(const Members& members);  // that may have further members
std::string MapSchema(std::string_view value);         // by names that the schema does not know
std::string ArraySchema(std::string_view item);
std::string AnyOf(const std::vector<std::string>& schemas);
std::string OrNull(std::string schema);
std::string Choice(absl::Span<const std::string_view> words);
std::string RefTo(std::string_view name);  // one of Schemas()

std::string Count(std::string_view description = "");  // a whole number, not negative
std::string Number(std::string_view description = "");
std::string Text(std::string_view description = "");
std::string Time(std::string_view description = "");
std::string Truth(std::string_view description = "");

using NamedSchema = std::pair<std::string_view, std::string>;
std::vector<NamedSchema> KpiSchemas();
std::vector<NamedSchema> ReportSchemas();
std::vector<NamedSchema> PipelineSchemas();
std::vector<NamedSchema> EventSchemas();

// The numbers of all KPI groups, each once; and what every answer about a period says of it.
Members SummaryMembers();
Members PeriodMembers();
std::string GrainSchema();
// Of a breakdown whose rows have these members beside their name.
std::string BreakdownSchema(const Members& row);

}  // namespace nerava::analytics::http
