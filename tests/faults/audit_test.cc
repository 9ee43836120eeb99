// The audit finds what it is there to find: without this no other test here proves anything.
#include <sqlite3.h>

#include <fstream>

#include "tests/faults/drive.h"

namespace nerava::analytics {
namespace {

using Catch::Matchers::Contains;
using testing::Audit;
using testing::ChargingLoadId;
using testing::LedgerWriter;
using testing::TestScene;

// A scene of 60 events, stored and closed.
struct Sound : TestScene {
  Sound() { REQUIRE(PublishAll({"events=60"}) == 0); }

  // Runs SQL; TABLE stands for the first partition.
  void Execute(std::string sql) const {
    const std::string table = "events_20250301_0";
    for (std::size_t at = sql.find("TABLE"); at != std::string::npos; at = sql.find("TABLE", at)) {
      sql.replace(at, 5, table);
    }
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(database().c_str(), &db) == SQLITE_OK);
    const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    INFO(sqlite3_errmsg(db));
    sqlite3_close(db);
    REQUIRE(code == SQLITE_OK);
  }
};

TEST_CASE("the audit finds nothing wrong when all is well") {
  const Sound scene;
  CHECK(Audit(scene) == "");
}

TEST_CASE("the audit finds an accepted event that is not stored") {
  const Sound scene;
  LedgerWriter(scene.ledger()).Accepted(ChargingLoadId(0, 0, 60));
  CHECK_THAT(Audit(scene),
             Contains("1 accepted but not stored") && Contains(ChargingLoadId(0, 0, 60)));
}

TEST_CASE(
    "what a killed process did not write whole in the ledger is no event, nor hides the next") {
  const Sound scene;
  const std::string lost = ChargingLoadId(0, 0, 60);
  for (const std::size_t length : {0U, 1U, 2U, 20U, 38U}) {  // of "\n+id;"
    std::ofstream(scene.ledger(), std::ios::app) << ("\n+" + lost).substr(0, length);
    CHECK(Audit(scene) == "");
  }
  LedgerWriter(scene.ledger()).Accepted(lost);
  CHECK_THAT(Audit(scene), Contains("1 accepted but not stored, e.g. " + lost + "\n"));
}

TEST_CASE("the audit finds an event that was deleted, and that the KPIs still count it") {
  const Sound scene;
  scene.Execute("DELETE FROM TABLE WHERE id = (SELECT min(id) FROM TABLE)");
  CHECK_THAT(Audit(scene), Contains("1 accepted but not stored") && Contains("but by the events"));
}

TEST_CASE("the audit finds an event that is stored twice") {
  const Sound scene;
  // A UUID is stored as a blob; as text it is the same event once more for the view.
  scene.Execute(
      "INSERT INTO TABLE (id, event_id, type, time, region, version, created_at) "
      "SELECT 1000, (SELECT event_id FROM analytics_events e WHERE e.id = TABLE.id), type, time, "
      "region, version, created_at FROM TABLE LIMIT 1");
  CHECK_THAT(Audit(scene), Contains("1 stored twice"));
}

TEST_CASE("the audit finds an event that was refused and yet stored") {
  const Sound scene;
  LedgerWriter(scene.ledger()).Refused(ChargingLoadId(0, 0, 59));
  CHECK_THAT(Audit(scene), Contains("1 refused and yet stored"));
}

TEST_CASE("the audit finds an event that was never published") {
  const Sound scene;
  const Sound other;
  std::filesystem::copy(other.ledger(), scene.ledger(),
                        std::filesystem::copy_options::overwrite_existing);
  REQUIRE(scene.PublishAll({"run=1", "events=1"}) == 0);
  std::filesystem::copy(other.ledger(), scene.ledger(),
                        std::filesystem::copy_options::overwrite_existing);
  CHECK_THAT(Audit(scene), Contains("1 stored but never published"));
}

TEST_CASE("the audit finds an aggregate that is off by one") {
  const Sound scene;
  scene.Execute("UPDATE aggregates SET sessions_started = sessions_started + 1 WHERE grain = 2");
  CHECK_THAT(Audit(scene), Contains("but by the events"));
}

TEST_CASE("the audit finds a damaged file") {
  const Sound scene;
  scene.Execute(
      "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 2 "
      "WHERE name = 'TABLE_session'; PRAGMA writable_schema = 0");
  CHECK_THAT(Audit(scene), Contains("integrity_check"));
}

}  // namespace
}  // namespace nerava::analytics
