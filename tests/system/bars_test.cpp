#include <csignal>
#include <filesystem>

#include <boost/json.hpp>

#include "cloud/http/client.h"
#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

TestbedOptions watched() {
  TestbedOptions options;
  options.http_port = free_port();  // the same after a restart
  return options;
}

}  // namespace

// Whom operators keep out, when the cloud's files are put back, lost, damaged or cannot be written.
TEST_GROUP(Bars) {
  Rig rig{watched()};

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK(rig.bed().wait_for_link(kSoon));
    CHECK(eventually(kSoon, [&] {
      return rig.spwctl({"device", "show", Testbed::kDevice}).code == 0;
    }));
  }
  void stop_cloud() {
    rig.bed().cloud().signal(SIGTERM);
    const auto exit = rig.bed().cloud().wait(kSoon);
    CHECK(exit && exit->ok());
  }
  void start_cloud() {
    CHECK(rig.bed().start_cloud().ok());
    CHECK(eventually(kSoon, [&] { return rig.spwctl({"fleet", "status"}).code == 0; }));
  }
  void copy_store(const std::string& from, const std::string& to) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      fs::remove(rig.file(to + suffix));
      if (fs::exists(rig.file(from + suffix))) {
        fs::copy_file(rig.file(from + suffix), rig.file(to + suffix));
      }
    }
  }
  std::string health() {
    const Ran shown = rig.spwctl({"device", "show", Testbed::kDevice});
    return shown.code == 0 ? std::string(json::parse(shown.out).at("health").as_string())
                           : shown.err;
  }
  std::string doctor() { return rig.spwctl({"doctor"}).out; }
  std::string ready() {
    auto client = cloud::http::Client::make({rig.cloud_url()});
    auto answer = client->send(cloud::http::Method::get, "/readyz");
    return answer ? answer->body : answer.error().message;
  }
  void check(const Ran& ran) { CHECK_TEXT(ran.code == 0, ran.err.c_str()); }
};

TEST(Bars, of_a_device_that_was_forgotten_hold_though_an_earlier_copy_knows_of_more_changes) {
  for (const char* group : {"a", "b", "c"}) {
    check(rig.spwctl({"device", "set-group", "--to", group, Testbed::kDevice}));
  }
  stop_cloud();
  copy_store("cloud/fleet.db", "copy");
  start_cloud();
  const std::string path = std::string("/api/v1/devices/") + Testbed::kDevice;
  auto client = cloud::http::Client::make({rig.cloud_url()});
  const auto gone = client->send(cloud::http::Method::del, path,
                                 {{"authorization", "Bearer " + rig.admin_token()}});
  CHECK_EQUAL(204u, gone->status);
  CHECK(eventually(kSoon, [&] {
    return rig.spwctl({"device", "show", Testbed::kDevice}).code == 0;
  }));
  check(rig.spwctl({"device", "revoke", Testbed::kDevice}));
  stop_cloud();
  copy_store("copy", "cloud/fleet.db");
  start_cloud();
  STRCMP_EQUAL("revoked", health().c_str());
  STRCMP_CONTAINS("says, though fleet.db does not: demo-device", doctor().c_str());
  STRCMP_CONTAINS("fleet.db is an earlier copy", doctor().c_str());
  CHECK(file_says(rig.cloud_log(), "kept out as the file bars says"));
  CHECK(file_says(rig.cloud_log(), "fleet.db is an earlier copy"));
}

TEST(Bars, that_cannot_be_written_hold_and_operator_audit_log_and_doctor_are_told) {
  CHECK(doctor().find("WRONG what is done to the fleet") == std::string::npos);
  STRCMP_CONTAINS("\"fleet_store\":\"ok\"", ready().c_str());
  fs::create_directory(rig.file("cloud/bars.new"));
  const Ran told = rig.spwctl({"device", "quarantine", Testbed::kDevice});
  CHECK_EQUAL(6, told.code);
  STRCMP_CONTAINS("holds from now on, but cannot be stored", (told.out + told.err).c_str());
  STRCMP_EQUAL("quarantined", health().c_str());
  STRCMP_CONTAINS("WRONG what is done to the fleet is stored", doctor().c_str());
  STRCMP_CONTAINS("\"fleet_store\":\"cannot write\"", ready().c_str());
  CHECK(file_says(rig.cloud_log(), "the fleet's store cannot write"));
  STRCMP_CONTAINS("503", rig.spwctl({"audit", "list"}).out.c_str());
  fs::remove(rig.file("cloud/bars.new"));
  CHECK(file_says(rig.cloud_log(), "the fleet's store writes again"));
  STRCMP_CONTAINS("ok    what is done to the fleet is stored", doctor().c_str());
  check(rig.spwctl({"device", "set-group", "--to", "a", Testbed::kDevice}));
  stop_cloud();
  start_cloud();
  STRCMP_EQUAL("quarantined", health().c_str());
}

TEST(Bars, and_the_fleets_store_being_gone_or_cut_is_said_and_what_was_cut_is_kept) {
  check(rig.spwctl({"device", "revoke", Testbed::kDevice}));
  stop_cloud();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::remove(rig.file(std::string("cloud/fleet.db") + suffix));
  }
  const std::string bars = read_text(rig.file("cloud/bars"));
  write_text(rig.file("cloud/bars"), bars.substr(0, bars.find("demo-device")));
  start_cloud();
  STRCMP_CONTAINS("fleet.db was missing", doctor().c_str());
  STRCMP_CONTAINS("the file bars was not whole", doctor().c_str());
  STRCMP_CONTAINS("a new one began: bars.damaged-", doctor().c_str());
  CHECK(file_says(rig.cloud_log(), "may be let in again"));
  stop_cloud();
  fs::remove(rig.file("cloud/bars"));
  start_cloud();
  STRCMP_CONTAINS("the file bars was missing", doctor().c_str());
  stop_cloud();
  start_cloud();
  CHECK(doctor().find("WRONG the cloud's files") == std::string::npos);
}
