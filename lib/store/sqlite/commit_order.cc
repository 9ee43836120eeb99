#include "lib/store/sqlite/commit_order.h"

#include <functional>
#include <queue>
#include <utility>

#include "fmt/format.h"

namespace nerava::analytics::sqlite {
namespace {

// Where the rows of a partition are.
struct Head {
  std::int64_t id;
  Statement* rows;

  friend bool operator>(const Head& a, const Head& b) { return a.id > b.id; }
};

class Merge {
 public:
  Merge(Connection& connection, const std::vector<PartitionPtr>& partitions, std::int64_t after)
      : connection_(connection), partitions_(partitions), after_(after) {}

  // Sees to it that the first of the heads is the next of all rows.
  absl::Status Find() {
    while (next_ < partitions_.size() &&
           (heads_.empty() || partitions_[next_]->first_event < heads_.top().id)) {
      auto rows = connection_.database->Prepare(partitions_[next_++]->after_sql);
      if (!rows.ok()) return rows.status();
      (*rows)->Bind(1, after_);
      if (absl::Status status = Advance(*rows); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  bool empty() const { return heads_.empty(); }
  const Head& head() const { return heads_.top(); }

  absl::Status Pop() {
    Statement* const rows = heads_.top().rows;
    heads_.pop();
    return Advance(rows);
  }

  // Once nothing went wrong: statements that did are the connection's to reset.
  void End() {
    for (; !heads_.empty(); heads_.pop()) heads_.top().rows->Reset();
  }

 private:
  absl::Status Advance(Statement* rows) {
    if (rows->Step()) {
      heads_.push({rows->Integer(0), rows});
      return absl::OkStatus();
    }
    absl::Status status = rows->status();
    rows->Reset();
    return status;
  }

  Connection& connection_;
  const std::vector<PartitionPtr>& partitions_;
  const std::int64_t after_;
  std::size_t next_ = 0;  // the first partition that was not looked into
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
};

}  // namespace

absl::Status ReadInCommitOrder(Connection& connection, const std::vector<PartitionPtr>& partitions,
                               std::int64_t after, std::int64_t last, std::int64_t limit,
                               ReadTransaction::PositionSink sink) {
  Merge merge(connection, partitions, after);
  std::int64_t before = after;
  for (std::int64_t i = 0; i < limit; ++i) {
    if (absl::Status status = merge.Find(); !status.ok()) return status;
    if (merge.empty()) break;
    const auto [id, rows] = merge.head();
    if (id <= before || id > last) {  // in a damaged file rows may come again and again
      return absl::DataLossError(fmt::format(
          "the stored event {} is damaged: it does not follow {}, up to {}", id, before, last));
    }
    before = id;
    auto event = connection.rows.Read(*rows);
    if (!event.ok()) return event.status();
    if (!sink(id, *std::move(event))) break;
    if (absl::Status status = merge.Pop(); !status.ok()) return status;
  }
  merge.End();
  return absl::OkStatus();
}

}  // namespace nerava::analytics::sqlite
