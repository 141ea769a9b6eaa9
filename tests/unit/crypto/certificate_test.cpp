#include "common/crypto/certificate.h"

#include <CppUTest/TestHarness.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/crypto/random.h"

using namespace spillway;
using namespace spillway::crypto;

// Certificates are made by the openssl program, so that what reads them is not what wrote them.
TEST_GROUP(Certificate) {
  std::string dir = std::filesystem::temp_directory_path() /
                    ("spillway_certificate_" + std::to_string(random_u64()));
  CertificateFiles files{dir + "/dev.pem", dir + "/dev.key", dir + "/ca.pem"};

  void setup() override {
    std::filesystem::create_directories(dir);
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca" +
            out("ca"));
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pump-17 -keyout " +
            files.key + " -out " + dir + "/dev.csr");
    openssl("x509 -req -days 1 -CAcreateserial -CA " + files.authority + " -CAkey " + dir +
            "/ca.key -in " + dir + "/dev.csr -out " + files.certificate);
  }
  void teardown() override { std::filesystem::remove_all(dir); }

  std::string out(const std::string& name) const {
    return " -keyout " + dir + "/" + name + ".key -out " + dir + "/" + name + ".pem";
  }
  void openssl(const std::string& arguments) {
    CHECK_EQUAL(0, std::system(("openssl " + arguments + " 2>>" + dir + "/log").c_str()));
  }
  void make_stranger() {
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other" +
            out("other"));
  }
  // What openssl itself reads there: it looks at the clock once for each end, so that a certificate
  // of a day may be valid for a second more.
  std::chrono::sys_seconds shown(const std::string& end) {
    const std::string date = dir + "/" + end;
    CHECK_EQUAL(0, std::system(("date -u +%s -d \"$(openssl x509 -noout -" + end + " -in " +
                                files.certificate + " | cut -d= -f2)\" >" + date)
                                   .c_str()));
    long seconds = 0;
    std::ifstream(date) >> seconds;
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
  }
  Code code_of(const CertificateFiles& asked) { return read_certificate(asked).error().code; }
};

TEST(Certificate, tells_name_validity_key_and_authority) {
  Result<CertificateInfo> info = read_certificate(files);
  CHECK(info.ok());
  STRCMP_EQUAL("pump-17", info->common_name.c_str());
  CHECK(info->not_before == shown("startdate"));
  CHECK(info->not_after == shown("enddate"));
  CHECK(std::chrono::abs(std::chrono::system_clock::now() - info->not_before) <
        std::chrono::minutes(10));
  CHECK(info->key_matches == true);
  CHECK(info->authority_signed == true);
}

TEST(Certificate, checks_neither_key_nor_authority_when_none_is_named) {
  Result<CertificateInfo> info = read_certificate({files.certificate, "", ""});
  CHECK(info.ok());
  CHECK(!info->key_matches.has_value());
  CHECK(!info->authority_signed.has_value());
}

TEST(Certificate, tells_that_others_may_read_or_change_its_key) {
  for (int mode : {0604, 0602, 0620, 0666}) {
    CHECK_EQUAL(0, ::chmod(files.key.c_str(), mode_t(mode)));
    CHECK(read_certificate(files)->key_exposed);
  }
  for (int mode : {0600, 0640, 0400}) {
    CHECK_EQUAL(0, ::chmod(files.key.c_str(), mode_t(mode)));
    CHECK(!read_certificate(files)->key_exposed);
  }
}

TEST(Certificate, tells_that_a_key_belongs_to_another_certificate) {
  make_stranger();
  files.key = dir + "/other.key";
  CHECK(read_certificate(files)->key_matches == false);
}

TEST(Certificate, a_pair_that_is_there_must_belong_together) {
  CHECK(check_pair(files.certificate, files.key).ok());
  CHECK(check_pair("", "").ok());
  CHECK(check_pair(dir + "/nowhere.pem", files.key).ok());
  make_stranger();
  const Status wrong = check_pair(files.certificate, dir + "/other.key");
  CHECK_FALSE(wrong.ok());
  STRCMP_CONTAINS("other.key is not the key of", wrong.error().message.c_str());
}

TEST(Certificate, tells_that_another_authority_signed_it_and_why) {
  make_stranger();
  files.authority = dir + "/other.pem";
  Result<CertificateInfo> info = read_certificate(files);
  CHECK(info->authority_signed == false);
  CHECK(!info->why_not_signed.empty());
}

TEST(Certificate, is_judged_as_signed_even_when_it_has_expired) {
  openssl("x509 -req -days -1 -CAcreateserial -CA " + files.authority + " -CAkey " + dir +
          "/ca.key -in " + dir + "/dev.csr -out " + files.certificate);
  Result<CertificateInfo> info = read_certificate(files);
  CHECK(info->not_after < std::chrono::system_clock::now());
  CHECK(info->authority_signed == true);
}

TEST(Certificate, that_is_missing_is_not_found_and_names_the_file) {
  for (std::string CertificateFiles::*which :
       {&CertificateFiles::certificate, &CertificateFiles::key, &CertificateFiles::authority}) {
    CertificateFiles asked = files;
    asked.*which = dir + "/absent.pem";
    Result<CertificateInfo> info = read_certificate(asked);
    CHECK(info.error().code == Code::not_found);
    STRCMP_CONTAINS("absent.pem", info.error().message.c_str());
  }
}

TEST(Certificate, that_is_garbage_empty_or_the_wrong_thing_is_corrupt) {
  std::string junk = dir + "/junk.pem";
  for (const char* text : {"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n", "\xff\xfe"}) {
    std::ofstream(junk) << text;
    CHECK(code_of({junk, "", ""}) == Code::corrupt);
    CHECK(code_of({files.certificate, junk, ""}) == Code::corrupt);
    CHECK(code_of({files.certificate, "", junk}) == Code::corrupt);
  }
  CHECK(code_of({files.key, "", ""}) == Code::corrupt);
}

TEST(Certificate, with_an_encrypted_key_is_refused_without_asking_for_the_passphrase) {
  openssl("ec -aes128 -passout pass:x -in " + files.key + " -out " + dir + "/locked.key");
  CHECK(code_of({files.certificate, dir + "/locked.key", ""}) == Code::corrupt);
}

TEST(Certificate, without_a_common_name_is_refused) {
  openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=x" + out("anon"));
  CHECK(code_of({dir + "/anon.pem", "", ""}) == Code::corrupt);
}
