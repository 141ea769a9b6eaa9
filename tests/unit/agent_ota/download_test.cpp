#include "agent/ota/download.h"

#include "agent/ota/program.h"
#include "agent/ota/rauc_slots.h"
#include "tests/support/temp_dir.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::ota;

TEST_GROUP(Download) {
  test::TempDir dir{"spillway-ota"};
  Download source{{.directory = dir.path(), .tries = 1, .sleep = [](std::chrono::seconds) {}}};
  std::string file = dir.file("given");
  void setup() override { test::write_text(file, "abc"); }
  Request from(const std::string& sha256) { return {Request::Action::install, file, sha256}; }
};

TEST(Download, takes_a_file_where_it_is) {
  STRCMP_EQUAL(file.c_str(), source.fetch(from(""))->c_str());
  const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  STRCMP_EQUAL(file.c_str(), source.fetch(from(abc))->c_str());
}

TEST(Download, refuses_a_file_that_is_not_the_one_that_was_named) {
  CHECK(source.fetch(from(std::string(64, '0'))).error().code == Code::corrupt);
  file = dir.file("missing");
  CHECK(source.fetch(from(std::string(64, '0'))).error().code == Code::not_found);
}

TEST(Download, runs_a_program_and_keeps_the_end_of_what_it_says) {
  Result<Ended> ended = run_program({"sh", "-c", "echo out; echo err >&2; exit 3"});
  LONGS_EQUAL(3, ended->code);
  STRCMP_EQUAL("out\nerr\n", ended->said.c_str());
  LONGS_EQUAL(128 + 9, run_program({"sh", "-c", "kill -9 $$"})->code);
  UNSIGNED_LONGS_EQUAL(4096, run_program({"sh", "-c", "yes | head -c 100000"})->said.size());
  CHECK(!run_program({"no-such-program-anywhere"}).ok());
}

TEST(Download, reads_the_slot_from_the_kernel_command_line) {
  STRCMP_EQUAL("B", slot_in("quiet rauc.slot=B panic=1")->c_str());
  CHECK(slot_in("quiet").error().code == Code::not_found);
  CHECK(slot_in("rauc.slot=C xrauc.slot=A").error().code == Code::not_found);
}
