#include "common/mqtt/password.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_dir.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::mqtt;

TEST_GROUP(Password) {
  test::TempDir folder{"spillway-password"};
  std::string file = folder.file("password");

  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(file) << text;
    CHECK_EQUAL(0, ::chmod(file.c_str(), mode));
  }
};

TEST(Password, a_file_that_is_missing_or_empty_is_named) {
  STRCMP_CONTAINS(file.c_str(), check_secrets(file, "").error().message.c_str());
  write("");
  STRCMP_CONTAINS("is empty", check_secrets(file, "").error().message.c_str());
  write("geheim\r\n");
  CHECK(check_secrets(file, "").ok());
  STRCMP_EQUAL("geheim", read_password(file)->c_str());
}

TEST(Password, a_pipe_or_a_large_file_is_none_and_holds_nothing_up) {
  LONGS_EQUAL(0, ::mkfifo(file.c_str(), 0600));
  STRCMP_CONTAINS("no file with a password", check_secrets(file, "").error().message.c_str());
  CHECK(!read_password(file).ok());
  ::unlink(file.c_str());
  write(std::string(70'000, 'x'));
  STRCMP_CONTAINS("no file with a password", check_secrets(file, "").error().message.c_str());
}

TEST(Password, the_same_modes_are_complained_of_for_it_as_for_a_private_key) {
  for (mode_t mode : {0604U, 0602U, 0620U, 0660U, 0666U}) {
    write("geheim\n", mode);
    const Status as_password = check_secrets(file, "");
    CHECK(!as_password.ok());
    STRCMP_CONTAINS("password", as_password.error().message.c_str());
    const Status as_key = check_secrets("", file);
    CHECK(!as_key.ok());
    STRCMP_CONTAINS("private key", as_key.error().message.c_str());
  }
  for (mode_t mode : {0600U, 0640U, 0400U}) {
    write("geheim\n", mode);
    CHECK(check_secrets(file, file).ok());
  }
  CHECK(check_secrets("", folder.file("a-key-that-comes-later")).ok());
}

TEST(Password, a_device_stays_in_reach_although_others_may_change_it) {
  write("geheim\n", 0660);
  CHECK(read_password(file).ok());
  ::chmod(file.c_str(), 0644);
  CHECK(!read_password(file).ok());
}
