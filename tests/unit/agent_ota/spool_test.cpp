#include "agent/ota/spool.h"

#include <array>
#include <filesystem>
#include <string_view>

#include "tests/support/temp_dir.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::ota;
using spillway::test::write_text;

TEST_GROUP(Spool) {
  test::TempDir dir{"spillway-ota"};
  Spool spool{dir.path()};
};

TEST(Spool, gives_back_the_request_that_was_left_until_it_is_dropped) {
  CHECK(!spool.request()->has_value());
  CHECK(spool.leave({Request::Action::install, "https://host/a.raucb", std::string(64, 'a')}).ok());
  const Request request = spool.request()->value();
  CHECK(request.action == Request::Action::install);
  STRCMP_EQUAL("https://host/a.raucb", request.source.c_str());
  STRCMP_EQUAL(std::string(64, 'a').c_str(), request.sha256.c_str());
  CHECK(spool.drop_request().ok());
  CHECK(!spool.request()->has_value());
}

TEST(Spool, gives_back_the_progress_that_was_kept_on_one_line_each) {
  CHECK(spool.progress()->phase == UpdatePhase::idle);
  Progress progress{
      UpdatePhase::installing, {Request::Action::install, "/data/a", ""}, "B", "two\nlines"};
  CHECK(spool.keep(progress).ok());
  const Progress kept = *spool.progress();
  CHECK(kept.phase == UpdatePhase::installing);
  STRCMP_EQUAL("B", kept.target.c_str());
  STRCMP_EQUAL("two lines", kept.detail.c_str());
  STRCMP_EQUAL("/data/a", kept.request.source.c_str());
}

// A version that a device goes back to reads what the newer one wrote, and the other way round.
TEST(Spool, phases_have_these_names_on_disk_for_good) {
  const std::array<std::string_view, 10> names = {
      "idle",      "downloading", "verifying", "draining", "installing",
      "rebooting", "checking",    "good",      "failed",   "rolled_back"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto phase = static_cast<UpdatePhase>(i);
    CHECK(spool.keep({phase, {}, "B", ""}).ok());
    STRCMP_CONTAINS(("phase=" + std::string(names[i]) + "\n").c_str(),
                    test::read_text(dir.path() + "/progress").c_str());
    CHECK(spool.progress()->phase == phase);
  }
}

TEST(Spool, leaves_nothing_beside_its_files) {
  CHECK(spool.keep({}).ok());
  CHECK(spool.keep({}).ok());
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir.path()))
    ++files;
  UNSIGNED_LONGS_EQUAL(1, files);
}

TEST(Spool, refuses_what_no_bundle_can_be) {
  for (const char* source :
       {"", "a.raucb", "ftp://host/a", "http://host/a", "https://host/a\nb", "file:///etc"}) {
    CHECK(spool.leave({Request::Action::install, source, ""}).error().code ==
          Code::invalid_argument);
  }
  CHECK(spool.leave({Request::Action::install, "/a", "12"}).error().code == Code::invalid_argument);
  CHECK(spool.leave({Request::Action::install, "/a", std::string(64, 'g')}).error().code ==
        Code::invalid_argument);
}

TEST(Spool, says_that_its_files_are_damaged) {
  for (const char* text : {"nonsense", "action=dance\n", "action=install\nsource=relative\n"}) {
    write_text(dir.file("request"), text);
    CHECK(!spool.request().ok());
  }
  write_text(dir.file("request"), std::string(5000, 'x'));
  CHECK(spool.request().error().code == Code::corrupt);
  write_text(dir.file("progress"), "phase=flying\naction=install\n");
  CHECK(spool.progress().error().code == Code::corrupt);
}

TEST(Spool, fails_where_nothing_can_be_written) {
  CHECK(Spool("/proc/none").leave({Request::Action::rollback, "", ""}).error().code == Code::io);
}
