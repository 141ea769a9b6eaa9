#include "common/config/nearest.h"

#include <CppUTest/TestHarness.h>

using namespace spillway::config;

TEST_GROUP(WrongLine){
    std::string said(const std::vector<std::string>& unexpected, const char* what = ""){
        return wrong_line("spwctl device list", unexpected, {"--health", "--sort"}, what);
}
}
;

TEST(WrongLine, names_the_option_and_the_one_that_was_meant) {
  const char* expected =
      "there is no option '--helth'; did you mean '--health'? see: spwctl device list --help";
  STRCMP_EQUAL(expected, said({"--helth", "degraded"}).c_str());
  STRCMP_EQUAL(expected, said({"pump-1", "--helth=degraded"}).c_str());
  STRCMP_EQUAL("there is no option '--verbose'; see: spwctl device list --help",
               said({"--verbose"}).c_str());
}

TEST(WrongLine, names_the_only_option_that_begins_as_the_given_one) {
  const auto meant = [](const char* given) {
    return nearest(given, {"--token-file", "--state", "--state-dir-of-devices", "--url"});
  };
  STRCMP_EQUAL("--token-file", meant("--token").c_str());
  STRCMP_EQUAL("", meant("--to").c_str());
  STRCMP_EQUAL("", nearest("--token", {"--token-file-here", "--token-of-another"}).c_str());
}

TEST(WrongLine, names_a_word_too_many_and_else_says_what_is_wrong) {
  STRCMP_EQUAL("'pump-1' is one word too many; see: spwctl device list --help",
               said({"pump-1", "pump-2"}).c_str());
  STRCMP_EQUAL("--sort: 1 required; see: spwctl device list --help",
               said({}, "--sort: 1 required").c_str());
}
