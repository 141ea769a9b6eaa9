#include "common/kinds/plugin.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/crypto/sha256.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

// The well-behaved plugin is tested in tests/package.
TEST_GROUP(Plugin) {
  KindRegistry registry;

  void teardown() override { ::unsetenv("HOSTILE"); }

  Error load_error(const char* how) {
    ::setenv("HOSTILE", how, 1);
    Status added = add_plugin(registry, SPILLWAY_HOSTILE_PLUGIN);
    CHECK_TEXT(!added.ok(), how);
    STRCMP_CONTAINS(SPILLWAY_HOSTILE_PLUGIN, added.error().message.c_str());
    return added.error();
  }
  std::string run(const char* how) {
    if (!registry.find("hostile")) CHECK(add_plugin(registry, SPILLWAY_HOSTILE_PLUGIN).ok());
    return run_text(*registry.find("hostile"), "", {{"how", how}});
  }
};

TEST(Plugin, that_describes_itself_wrongly_is_refused) {
  for (const char* how : {"no module", "tiny module", "short module", "no list", "no kinds",
                          "countless kinds", "null kind", "short kind", "no run", "no name"}) {
    CHECK_TEXT(load_error(how).code == Code::corrupt, how);
  }
  CHECK(load_error("bad name").code == Code::invalid_argument);
  CHECK(registry.list().empty());
}

TEST(Plugin, of_another_abi_is_refused_with_both_numbers) {
  Error error = load_error("future abi");
  CHECK(error.code == Code::unsupported);
  STRCMP_CONTAINS("kind ABI 99, this program has 1", error.message.c_str());
}

TEST(Plugin, that_is_missing_a_text_or_an_ordinary_library_is_refused) {
  CHECK(load_plugin("/nonexistent/x.so").error().code == Code::not_found);
  CHECK(load_plugin("/").error().code == Code::denied);
  STRCMP_CONTAINS("does not export", load_plugin(SPILLWAY_EMPTY_PLUGIN).error().message.c_str());
  std::string text = std::filesystem::temp_directory_path() / "spillway_no_library.so";
  std::ofstream(text) << "not a library";
  Result<std::vector<Kind>> loaded = load_plugin(text);
  std::filesystem::remove(text);
  CHECK(loaded.error().code == Code::corrupt);
  STRCMP_CONTAINS("cannot load plugin", loaded.error().message.c_str());
}

TEST(Plugin, its_kinds_are_known_by_the_digest_of_its_file) {
  CHECK(add_plugin(registry, SPILLWAY_HOSTILE_PLUGIN).ok());
  const Digest digest = crypto::sha256_file(SPILLWAY_HOSTILE_PLUGIN)->sha256;
  CHECK(registry.find("hostile")->digest == digest);
  CHECK(registry.find(KindRef{"hostile", 0, digest}) != nullptr);
  CHECK(registry.find(KindRef{"hostile", 0, Digest{1}}) == nullptr);
}

TEST(Plugin, gives_the_last_value_it_set) { STRCMP_EQUAL("last", run("").c_str()); }

TEST(Plugin, may_return_nonsense_without_harm) {
  STRCMP_EQUAL("internal: the plugin returned 777, which is no status", run("status").c_str());
  STRCMP_EQUAL("internal: gave no reason", run("silent").c_str());
  STRCMP_CONTAINS("busy: ran out of memory", run("memory").c_str());
  STRCMP_CONTAINS("busy: ran out of memory", run("huge").c_str());
  STRCMP_EQUAL("internal: gave no reason", run("null value").c_str());
  STRCMP_EQUAL("internal: gave no reason", run("null range").c_str());
  STRCMP_EQUAL("invalid_argument: gave no reason", run("null error").c_str());
}

TEST(Plugin, has_its_messages_made_fit_for_one_line) {
  STRCMP_EQUAL("invalid_argument: line break [31m", run("noise").c_str());
  STRCMP_EQUAL("does as asked", registry.find("hostile")->help.c_str());
}

TEST(Plugin, is_not_believed_about_impossible_work) {
  run("");
  DOUBLES_EQUAL(11, work_of(*registry.find("hostile"), 10, {}), 0);
}

TEST(Plugin, that_declares_its_args_has_them_checked) {
  auto load = [](const char* how) {
    ::setenv("HOSTILE", how, 1);
    return load_plugin(SPILLWAY_HOSTILE_PLUGIN);
  };
  Result<std::vector<Kind>> loaded = load("arg");
  CHECK(loaded.ok());
  const Kind& kind = loaded->front();
  CHECK(check_args(kind, {{"how", "b"}}).ok());
  STRCMP_EQUAL("hostile: arg how: 'c' is not a or b",
               check_args(kind, {{"how", "c"}}).error().message.c_str());
  STRCMP_EQUAL("hostile: unknown arg 'hw'; did you mean 'how'?",
               check_args(kind, {{"hw", "a"}}).error().message.c_str());
  CHECK(!load("old arg")->front().args.has_value());
  for (const char* how : {"null arg", "short arg", "nameless arg", "typeless arg", "wordy arg"}) {
    CHECK_TEXT(load(how).error().code == Code::corrupt, how);
  }
  CHECK(load_error("wordless arg").code == Code::invalid_argument);
}
