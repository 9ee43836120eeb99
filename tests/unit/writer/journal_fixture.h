// A batch writer with a journal, over a fake store.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/unit/writer/writer_fixture.h"

namespace nerava::analytics {

namespace fs = std::filesystem;

struct JournalFixture : WriterFixture {
  BatchWriterOptions Options(Durability durability = Durability::kProcess) const {
    BatchWriterOptions options = WriterFixture::Options();
    options.journal.durability = durability;
    options.journal.directory = dir.path();
    options.journal.segment_bytes = 256 << 10;
    return options;
  }
  // Another process would have another writer; the store is the same.
  void Restart() {
    writer.reset();
    REQUIRE(Start(Options()));
  }
  // All files below the journal's directory.
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir.path())) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }
  std::vector<fs::path> Segments() const {
    std::vector<fs::path> segments;
    for (const fs::path& file : Files()) {
      if (file.extension() == ".journal") segments.push_back(file);
    }
    std::sort(segments.begin(), segments.end());
    return segments;
  }
  // Whether an error of this code with this text was reported.
  bool Reported(absl::StatusCode code, const std::string& text) const {
    for (const absl::Status& error : errors->errors()) {
      if (error.code() == code && error.ToString().find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::set<std::string> Stored() const {
    std::set<std::string> ids;
    for (const EventPtr& event : store->events()) ids.insert(event->event_id);
    return ids;
  }

  testing::TempDir dir;
};

}  // namespace nerava::analytics
