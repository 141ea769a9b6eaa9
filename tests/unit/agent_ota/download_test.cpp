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
}

TEST(Download, verifies_that_a_file_is_the_one_that_was_named) {
  const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(source.verify(from(abc), file).ok());
  CHECK(source.verify(from(""), file).ok());
  CHECK(source.verify(from(std::string(64, '0')), file).error().code == Code::corrupt);
  const std::string missing = dir.file("missing");
  CHECK(source.verify(from(abc), missing).error().code == Code::not_found);
}

TEST(Download, runs_a_program_and_keeps_the_end_of_what_it_says) {
  Result<Ended> ended = run_program({"sh", "-c", "echo out; echo err >&2; exit 3"});
  LONGS_EQUAL(3, ended->code);
  STRCMP_EQUAL("out\nerr\n", ended->said.c_str());
  LONGS_EQUAL(128 + 9, run_program({"sh", "-c", "kill -9 $$"})->code);
  UNSIGNED_LONGS_EQUAL(4096, run_program({"sh", "-c", "yes | head -c 100000"})->said.size());
  // POSIX lets posix_spawn notice it only in the child, as it does on an emulated CPU.
  ended = run_program({"no-such-program-anywhere"});
  CHECK(!ended.ok() || ended->code == 127);
}

TEST(Download, reads_the_slot_from_the_kernel_command_line) {
  STRCMP_EQUAL("B", slot_in("quiet rauc.slot=B panic=1")->c_str());
  CHECK(slot_in("quiet").error().code == Code::not_found);
  CHECK(slot_in("rauc.slot=C xrauc.slot=A").error().code == Code::not_found);
}

TEST(Download, takes_raucs_last_error_for_its_reason_or_else_its_last_line) {
  STRCMP_EQUAL("signature verification failed",
               reason_in("installing\nLastError: signature verification failed\r\n"
                         "Installing `x` failed\n")
                   .c_str());
  STRCMP_EQUAL("b", reason_in("a\nb\n\n").c_str());
  STRCMP_EQUAL("it does not say why", reason_in("\n").c_str());
}
