#include "agent/ota/download.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "agent/ota/program.h"
#include "agent/ota/rauc_slots.h"
#include "tests/support/broker.h"
#include "tests/support/eventually.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"
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

// The files of a directory over TLS, without saying how long they are.
TEST_GROUP(DownloadByTls) {
  test::TempDir dir{"spillway-ota"};
  std::string ca, url;
  std::optional<test::Process> server;
  Download::Options options{
      .directory = dir.path(), .tries = 1, .sleep = [](std::chrono::seconds) {}};
  void serve() {
    Result<test::Pki> pki = test::Pki::create(dir.path());
    CHECK(pki.ok());
    const test::Credentials own = *pki->server();
    const std::string port = std::to_string(test::free_port());
    url = "https://127.0.0.1:" + port + "/served";
    ca = pki->ca();
    test::write_text(dir.file("served"), std::string(50'000, 'x'));
    Result<test::Process> started = test::Process::start(
        {{"sh", "-c",
          "cd \"$1\" && exec openssl s_server -accept 127.0.0.1:$2 -cert $3 -key $4 -WWW", "sh",
          dir.path(), port, own.certificate, own.key},
         {},
         "/dev/null",
         dir.file("said")});
    CHECK(started.ok());
    server.emplace(*std::move(started));
    options.ca = ca;
    // The server says ACCEPT once it listens.
    CHECK(test::eventually(std::chrono::seconds(20),
                           [&] { return server->output().find("ACCEPT") != std::string::npos; }));
  }
  Result<std::string> fetch() {
    return Download(options).fetch({Request::Action::install, url, std::string(64, 'a')});
  }
};

TEST(DownloadByTls, brings_a_file_from_whom_the_named_authority_vouches_for) {
  serve();
  const Result<std::string> came = fetch();
  if (!came) FAIL(came.error().message.c_str());
  UNSIGNED_LONGS_EQUAL(50'000, std::filesystem::file_size(*came));
}

TEST(DownloadByTls, takes_nothing_from_whom_another_authority_vouches_for) {
  serve();
  std::filesystem::create_directory(dir.file("other"));
  options.ca = test::Pki::create(dir.file("other"))->ca();
  const Result<std::string> came = fetch();
  CHECK(!came.ok());
  STRCMP_CONTAINS("curl ended with 60", came.error().message.c_str());
}

TEST(DownloadByTls, ends_at_the_most_bytes_though_the_server_does_not_say_how_many_come) {
  serve();
  options.most_bytes = 10'000;
  const Result<std::string> came = fetch();
  CHECK(!came.ok());
  STRCMP_CONTAINS("larger than", came.error().message.c_str());
  CHECK(std::filesystem::file_size(dir.file("bundle")) <= 10'000);
}

TEST(DownloadByTls, ends_in_time_though_the_server_says_nothing) {
  serve();
  std::filesystem::remove(dir.file("served"));
  CHECK_EQUAL(0, ::mkfifo(dir.file("served").c_str(), 0600));  // whose other end nobody opens
  options.most_time = std::chrono::seconds(1);
  options.tries = 20;
  const auto began = std::chrono::steady_clock::now();
  CHECK(!fetch().ok());
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(15));
}

TEST(DownloadByTls, takes_nothing_that_comes_in_the_open) {
  url = "http://127.0.0.1:9/served";
  const Result<std::string> came = fetch();
  CHECK(!came.ok());
  STRCMP_CONTAINS("curl ended with 1:", came.error().message.c_str());
}

TEST(Download, reads_the_version_of_a_bundle) {
  STRCMP_EQUAL("2.0",
               version_in("rauc-Message: x\nRAUC_FORMAT=verity\nRAUC_MF_VERSION='2.0'\n")->c_str());
  CHECK(version_in("RAUC_MF_VERSION=''\n").error().code == Code::corrupt);
  CHECK(version_in("").error().code == Code::corrupt);
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
