// CsvReader: what RFC 4180 says, and what it leaves open.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "examples/replay/byte_source.h"
#include "examples/replay/csv_reader.h"

namespace nerava::examples {
namespace {

using Records = std::vector<std::vector<std::string>>;

// A file with `text`, open for reading; the file itself is gone at once.
std::unique_ptr<ByteSource> SourceOf(const std::string& text) {
  std::string path = "/tmp/csv_reader_test_XXXXXX";
  const int fd = mkstemp(path.data());
  REQUIRE(fd >= 0);
  std::ofstream(path, std::ios::binary) << text;
  close(fd);
  absl::StatusOr<std::unique_ptr<ByteSource>> source = ByteSource::Open(path);
  std::remove(path.c_str());
  REQUIRE(source.ok());
  return *std::move(source);
}

Records ReadAll(const std::string& text, char delimiter = ',') {
  const std::unique_ptr<ByteSource> source = SourceOf(text);
  CsvReader reader(source.get(), delimiter);
  Records records;
  std::vector<std::string> fields;
  while (reader.Next(&fields).value()) records.push_back(fields);
  return records;
}

TEST_CASE("records end with LF, CRLF or the input") {
  CHECK(ReadAll("a,b\nc,d\n") == Records{{"a", "b"}, {"c", "d"}});
  CHECK(ReadAll("a,b\r\nc,d\r\n") == Records{{"a", "b"}, {"c", "d"}});
  CHECK(ReadAll("a,b\r\nc,d") == Records{{"a", "b"}, {"c", "d"}});
  CHECK(ReadAll("a\r") == Records{{"a"}});
}

TEST_CASE("fields may be empty, lines may not") {
  CHECK(ReadAll(",\n\n\r\n,,\n") == Records{{"", ""}, {"", "", ""}});
  CHECK(ReadAll("").empty());
  CHECK(ReadAll("\n\r\n").empty());
  CHECK(ReadAll("\"\"\n") == Records{{""}});
}

TEST_CASE("quotes protect delimiters, line ends and quotes") {
  CHECK(ReadAll("\"a,b\",\"c\r\nd\",\"e\"\"f\"\n") == Records{{"a,b", "c\r\nd", "e\"f"}});
  CHECK(ReadAll("\"\"\"\"\n") == Records{{"\""}});
}

TEST_CASE("stray quotes and carriage returns are text") {
  CHECK(ReadAll("a\"b,c\rd,\"e\"f\n") == Records{{"a\"b", "c\rd", "ef"}});
}

TEST_CASE("a byte order mark is skipped, another delimiter taken") {
  CHECK(ReadAll("\xEF\xBB\xBF\"a\";b,c\n", ';') == Records{{"a", "b,c"}});
  CHECK(ReadAll("a\tb\n", '\t') == Records{{"a", "b"}});
}

TEST_CASE("a record knows the line on which it begins") {
  const std::unique_ptr<ByteSource> source = SourceOf("a\n\n\"b\nb\"\nc\n");
  CsvReader reader(source.get(), ',');
  std::vector<std::string> fields;
  std::vector<std::size_t> lines;
  while (reader.Next(&fields).value()) lines.push_back(reader.line());
  CHECK(lines == std::vector<std::size_t>{1, 3, 5});
}

TEST_CASE("a quote that is not closed is an error that names its line") {
  const std::string endless(CsvReader::kMaxRecordBytes + 10, 'x');
  for (const std::string& tail : {std::string("never closed"), endless + "\"\n"}) {
    const std::unique_ptr<ByteSource> source = SourceOf("a\nb,\"" + tail);
    CsvReader reader(source.get(), ',');
    std::vector<std::string> fields;
    REQUIRE(reader.Next(&fields).value());
    const absl::Status status = reader.Next(&fields).status();
    CHECK(absl::IsDataLoss(status));
    CHECK_THAT(std::string(status.message()), Catch::Contains("line 2"));
  }
}

TEST_CASE("inputs larger than the buffer are read whole") {
  std::string text;
  Records expected;
  for (int n = 0; n < 60'000; ++n) {
    const std::string number = std::to_string(n);
    text.append(number).append(",\"x").append(number).append("\"\r\n");
    expected.push_back({number, "x" + number});
  }
  CHECK(ReadAll(text) == expected);
}

TEST_CASE("a file that is not there is named") {
  const absl::Status status = ByteSource::Open("no-such-file.csv").status();
  CHECK(absl::IsNotFound(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("no-such-file.csv"));
}

}  // namespace
}  // namespace nerava::examples
