#include "cloud/ctl/contexts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cloud/ctl/program.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::ctl;

TEST_GROUP(CtlContexts) {
  std::string folder =
      std::filesystem::temp_directory_path() / ("spwctl_" + std::to_string(::getpid()));
  std::map<std::string, std::string> variables;
  std::function<const char*(const char*)> environment = [this](const char* name) {
    auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  Contexts contexts{"lab",
                    {{"lab", "http://lab:1", folder + "/lab.token", "/lab.pem"},
                     {"field", "https://field:2", "", ""}}};

  void setup() override {
    std::filesystem::create_directories(folder);
    write("lab.token", "secret-of-lab\n", 0600);
  }
  void teardown() override { std::filesystem::remove_all(folder); }
  void write(const std::string& name, const std::string& text, mode_t mode) const {
    std::ofstream(folder + "/" + name) << text;
    ::chmod((folder + "/" + name).c_str(), mode);
  }
  Target resolved(const Choice& flags) {
    auto target = resolve(flags, contexts, environment);
    if (!target) FAIL(target.error().message.c_str());
    return *target;
  }
};

TEST(CtlContexts, the_current_context_counts_when_nothing_else_is_said) {
  Target target = resolved({});
  STRCMP_EQUAL("http://lab:1", target.url.c_str());
  STRCMP_EQUAL("secret-of-lab", target.token.c_str());
  STRCMP_EQUAL("/lab.pem", target.ca.c_str());
}

TEST(CtlContexts, flags_win_over_the_environment_which_wins_over_the_file) {
  variables = {{"SPWCTL_URL", "http://env:3"}, {"SPWCTL_TOKEN", "secret-of-env"}};
  STRCMP_EQUAL("http://env:3", resolved({}).url.c_str());
  STRCMP_EQUAL("secret-of-env", resolved({}).token.c_str());
  write("flag.token", "secret-of-flag\n", 0600);
  Target target = resolved({"", "http://flag:4", folder + "/flag.token", ""});
  STRCMP_EQUAL("http://flag:4", target.url.c_str());
  STRCMP_EQUAL("secret-of-flag", target.token.c_str());
  variables["SPWCTL_CONTEXT"] = "field";
  STRCMP_EQUAL("", resolved({}).ca.c_str());
}

TEST(CtlContexts, without_anything_it_is_this_machine) {
  contexts = {};
  STRCMP_EQUAL("http://127.0.0.1:8480", resolved({}).url.c_str());
}

TEST(CtlContexts, a_token_that_others_can_read_is_refused) {
  write("lab.token", "secret\n", 0644);
  auto target = resolve({}, contexts, environment);
  CHECK(!target.ok());
  CHECK(target.error().message.find("chmod 600") != std::string::npos);
}

TEST(CtlContexts, an_unknown_context_names_the_known_ones) {
  auto target = resolve({"nowhere", "", "", ""}, contexts, environment);
  CHECK(!target.ok());
  CHECK(target.error().message.find("lab, field") != std::string::npos);
}

TEST(CtlContexts, are_read_from_their_file) {
  write("spwctl.toml", "[spwctl]\ncurrent = 'a'\n[[context]]\nname = 'a'\nurl = 'http://a:1'\n",
        0644);
  auto read = load_contexts(folder + "/spwctl.toml");
  CHECK(read.ok());
  STRCMP_EQUAL("a", read->current.c_str());
  STRCMP_EQUAL("http://a:1", read->all.at(0).url.c_str());
  CHECK(load_contexts(folder + "/none.toml")->all.empty());
  write("spwctl.toml", "[[context]]\nname = 'a'\n", 0644);
  CHECK(!load_contexts(folder + "/spwctl.toml").ok());
}

TEST_GROUP(CtlProgram) {
  std::ostringstream out, err;
  int run(std::vector<std::string> arguments) {
    return ctl::run(std::move(arguments), {out, err, [](const char* name) -> const char* {
                                             return std::string(name) == "SPWCTL_CONFIG"
                                                        ? "/nowhere/spwctl.toml"
                                                        : nullptr;
                                           }});
  }
};

TEST(CtlProgram, says_how_it_is_used) {
  CHECK_EQUAL(0, run({"device", "list", "--help"}));
  CHECK(out.str().find("spwctl device list --health degraded") != std::string::npos);
  CHECK_EQUAL(2, run({}));
  CHECK_EQUAL(2, run({"device", "explode"}));
  CHECK_EQUAL(2, run({"fleet", "status", "-o", "xml"}));
}

TEST(CtlProgram, an_unreachable_cloud_is_6) {
  CHECK_EQUAL(6, run({"fleet", "status", "--url", "http://127.0.0.1:1"}));
  CHECK(err.str().find("cannot reach http://127.0.0.1:1") != std::string::npos);
  CHECK_EQUAL(2, run({"fleet", "status", "--url", "nonsense"}));
}

TEST(CtlProgram, completes_nouns_verbs_and_options) {
  CHECK_EQUAL(0, run({"completion", "bash"}));
  CHECK(out.str().find("'device list'*) words='") != std::string::npos);
  CHECK(out.str().find("--health") != std::string::npos);
}
