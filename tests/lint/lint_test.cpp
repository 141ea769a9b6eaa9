#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/lint/rules.h"
#include "tests/lint/source_text.h"

#include <stdlib.h>

#include <CppUTest/TestHarness.h>

namespace spillway::lint {
namespace {

namespace fs = std::filesystem;

std::string with_lines(std::size_t n, const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += line + "\n";
  return text;
}

// Includes as they would stand in a file; spelt apart so that no rule reads them as this file's
// own.
std::string include(const std::string& what) {
  return "#inc"
         "lude " +
         what + "\n";
}

}  // namespace

// A tree on disk that keeps every rule until a test adds a file that does not.
TEST_GROUP(Rules) {
  fs::path root;

  void setup() override {
    std::string name = (fs::temp_directory_path() / "spillway-lint-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    root = name;
    put("CMakeLists.txt", "project(spillway)\n");
    put("common/base/CMakeLists.txt", "spillway_library(base SOURCES ids.cpp)\n");
    put("common/base/ids.cpp", include("<string>") + include("\"spillway/ids.h\""));
  }
  void teardown() override { fs::remove_all(root); }

  void put(const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  // The message about `path`; empty: there is none.
  std::string complaint(const std::string& path) {
    for (const Finding& finding : check_tree(root).findings) {
      if (finding.file == path) return finding.message;
    }
    return {};
  }
  bool refuses_include(const std::string& path, const std::string& what) {
    put(path, include(what));
    const std::string message = complaint(path);
    fs::remove(root / path);
    return !message.empty();
  }
};

TEST(Rules, a_tree_that_keeps_them_is_clean) {
  const Report report = check_tree(root);
  CHECK(report.clean());
  CHECK_EQUAL(0U, report.findings.size());
  CHECK_EQUAL(3U, report.files);
}

TEST(Rules, a_class_of_many_methods_or_members_is_more_than_one_thing) {
  const std::string methods = with_lines(60, "  void a(int);");
  const std::string members =
      with_lines(12, "  int a = f(1, 2), b{3, 4};") + "  Map<int, int> c;\n";
  put("common/base/a.h", "class A {\n public:\n" + methods + members + "};\n");
  STRCMP_EQUAL("", complaint("common/base/a.h").c_str());
  put("common/base/a.h", "struct A : B {\n" + methods + "  int b() { return 1; }\n};\n");
  STRCMP_CONTAINS("A has 61 methods and 0 members", complaint("common/base/a.h").c_str());
  put("common/base/a.h", "class A {\n  A();\n" + members + "  function<void(int)> d = {};\n};\n");
  STRCMP_CONTAINS("A has 1 methods and 26 members", complaint("common/base/a.h").c_str());
  put("common/base/a.h", "struct Record {\n" + members + members + "};\n");
  STRCMP_EQUAL("", complaint("common/base/a.h").c_str());
}

TEST(Rules, a_class_is_seen_whatever_its_bases_and_its_name_are_made_of) {
  for (const char* head :
       {"class A : public std::enable_shared_from_this<A>", "struct A final : B<C<int>>, D",
        "class [[nodiscard]] A", "template <class T>\nclass A : public B<void(T)>",
        "template <>\nstruct A<B<int>>", "struct alignas(64) A"}) {
    put("common/base/a.h", std::string(head) + " {\n" + with_lines(61, "  void a(int);") + "};\n");
    STRCMP_CONTAINS("A has 61 methods and 0 members", complaint("common/base/a.h").c_str());
  }
  put("common/base/a.h", "struct A {\n" + with_lines(61, "  static A a(int);") + "};\n");
  STRCMP_CONTAINS("A has 61 methods", complaint("common/base/a.h").c_str());
}

TEST(Rules, operators_and_templates_are_methods_like_others) {
  const std::vector<ClassSize> found = classes_of(
      "struct A {\n  bool operator<(const A&) const;\n  B* operator->();\n  void operator()();\n"
      "  template <class T, class = B<T>>\n  static void f(T, T);\n};\n");
  CHECK_EQUAL(1U, found.size());
  CHECK_EQUAL(4U, found[0].methods);
  CHECK_EQUAL(0U, found[0].members);
}

TEST(Rules, static_members_and_types_of_its_own_are_not_counted_of_a_class) {
  const std::vector<ClassSize> found = classes_of(
      "class A final : public B {\n public:\n  using T = int;\n  struct C { int d; };\n"
      "  static constexpr int kE = f(1), kG = 2;\n  A() : f_(1), g_{2} {}\n private:\n  int f_, "
      "g_;\n};\n");
  CHECK_EQUAL(2U, found.size());
  STRCMP_EQUAL("A", found[0].name.c_str());
  CHECK_EQUAL(1U, found[0].methods);
  CHECK_EQUAL(2U, found[0].members);
  STRCMP_EQUAL("C", found[1].name.c_str());
  CHECK_EQUAL(1U, found[1].members);
}

TEST(Rules, agent_and_cloud_never_include_each_other_and_common_neither) {
  CHECK(refuses_include("agent/node/node.h", "\"cloud/dispatch/dispatch.h\""));
  CHECK(refuses_include("cloud/node/node.h", "\"agent/placement/placement.h\""));
  CHECK(refuses_include("cloud/node/node.h", "\"spillway/agent/agent.h\""));
  CHECK(refuses_include("common/wire/codec.h", "\"agent/node/node.h\""));
  CHECK(refuses_include("common/store/store.h", "\"cloud/dispatch/dispatch.h\""));
  CHECK(refuses_include("agent/app/compose.h", "\"cloud/dispatch/dispatch.h\""));
}

TEST(Rules, production_never_includes_tests) {
  CHECK(refuses_include("agent/app/compose.h", "\"tests/support/broker.h\""));
  CHECK(refuses_include("common/base/ids.h", "\"tests/support/broker.h\""));
}

TEST(Rules, siblings_do_not_include_each_other) {
  CHECK(refuses_include("agent/session/session.h", "\"agent/placement/placement.h\""));
  CHECK(refuses_include("agent/placement/placement.h", "\"agent/node/node.h\""));
  CHECK(refuses_include("cloud/session/session.h", "\"cloud/dispatch/dispatch.h\""));
  CHECK(refuses_include("agent/cli/main.h", "\"agent/node/node.h\""));
  CHECK(refuses_include("common/lifecycle/owner.h", "\"common/sqlite/database.h\""));
  CHECK(refuses_include("common/base/ids.h", "\"common/wire/codec.h\""));
}

TEST(Rules, only_who_composes_names_adapters) {
  CHECK(refuses_include("agent/node/node.h", "\"common/mqtt/paho_transport.h\""));
  CHECK(refuses_include("cloud/node/node.h", "\"common/ledger/sqlite_ledger.h\""));
  CHECK_FALSE(refuses_include("agent/app/compose.h", "\"common/mqtt/paho_transport.h\""));
}

TEST(Rules, each_third_party_library_stays_in_its_folder) {
  CHECK(refuses_include("agent/node/node.h", "<sqlite3.h>"));
  CHECK(refuses_include("agent/node/node.h", "<asio/post.hpp>"));
  CHECK(refuses_include("common/executor/pool.h", "<asio.hpp>"));
  CHECK(refuses_include("common/store/store.h", "<openssl/evp.h>"));
  CHECK(refuses_include("agent/session/session.h", "<MQTTAsync.h>"));
  CHECK(refuses_include("agent/node/node.h", "<flatbuffers/flatbuffers.h>"));
  CHECK(refuses_include("agent/config/config.h", "<toml++/toml.h>"));
  CHECK(refuses_include("agent/node/node.h", "<Eigen/Core>"));
  CHECK(refuses_include("agent/node/node.h", "<CLI/CLI.hpp>"));
  CHECK(refuses_include("common/base/ids.h", "<CppUTest/TestHarness.h>"));
  CHECK(refuses_include("common/base/ids.h", "<fmt/format.h>"));
}

TEST(Rules, pure_folders_take_no_thread_socket_or_file) {
  CHECK(refuses_include("common/lifecycle/owner.h", "<thread>"));
  CHECK(refuses_include("agent/placement/placement.h", "<fstream>"));
  CHECK(refuses_include("common/base/ids.h", "<sys/socket.h>"));
}

TEST(Rules, what_the_table_allows_passes) {
  CHECK_FALSE(refuses_include("agent/node/node.h", "\"agent/placement/placement.h\""));
  CHECK_FALSE(refuses_include("agent/node/node.h", "\"common/wire/codec.h\""));
  CHECK_FALSE(refuses_include("agent/node/node.h", "\"agent/node/journal.h\""));
  CHECK_FALSE(refuses_include("common/sqlite/database.h", "<sqlite3.h>"));
  CHECK_FALSE(refuses_include("common/executor/asio_bridge.h", "<asio.hpp>"));
  CHECK_FALSE(refuses_include("common/wire/reader.h", "\"task_generated.h\""));
  CHECK_FALSE(refuses_include("common/process/loop.h", "<thread>"));
  CHECK_FALSE(refuses_include("tests/unit/base/ids_test.h", "<CppUTest/TestHarness.h>"));
}

TEST(Rules, includes_are_root_relative) {
  CHECK(refuses_include("agent/node/node.h", "\"journal.h\""));
}

TEST(Rules, a_folder_nobody_listed_is_refused) {
  put("common/tools/x.h", "");
  CHECK(complaint("common/tools/x.h").find("does not list") != std::string::npos);
}

TEST(Rules, a_function_of_81_lines_is_refused_and_one_of_80_is_not) {
  put("common/base/ids.cpp", "void f() {\n" + with_lines(79, "  ++g;") + "}\n");
  STRCMP_EQUAL("f has 81 lines, more than 80", complaint("common/base/ids.cpp").c_str());
  put("common/base/ids.cpp", "void f() {\n" + with_lines(78, "  ++g;") + "}\n");
  STRCMP_EQUAL("", complaint("common/base/ids.cpp").c_str());
}

TEST(Rules, a_file_over_600_lines_is_a_warning_only) {
  put("common/base/ids.cpp", with_lines(601, "int a;"));
  const Report report = check_tree(root);
  CHECK_EQUAL(1U, report.findings.size());
  CHECK(report.findings[0].warning);
  CHECK(report.clean());
}

TEST(Rules, names_that_say_nothing_are_refused) {
  put("common/base/string_util.h", "");
  CHECK(!complaint("common/base/string_util.h").empty());
  put("common/base/pool.h", "class ThreadManager {};\n");
  CHECK(!complaint("common/base/pool.h").empty());
  put("common/base/pool.h", "struct SocketWrapper;\n");
  CHECK(!complaint("common/base/pool.h").empty());
  put("common/base/pool.h", "class Utilisation {};\nstruct Miscount {};\n");
  STRCMP_EQUAL("", complaint("common/base/pool.h").c_str());
}

TEST(Rules, what_is_left_open_is_refused) {
  for (const char* word : {"TO"
                           "DO",
                           "FIX"
                           "ME",
                           "XX"
                           "X",
                           "IGNORE"
                           "_TEST"}) {
    put("common/base/pool.h", std::string("// ") + word + "(G, x): later\n");
    CHECK_TEXT(!complaint("common/base/pool.h").empty(), word);
  }
  put("common/base/pool.h", "// mkstemp wants XXXXXX\n");
  STRCMP_EQUAL("", complaint("common/base/pool.h").c_str());
}

TEST(Rules, a_path_of_one_machine_is_refused) {
  for (const char* path : {"/ho"
                           "me/ann/data",
                           "/wo"
                           "rk/main",
                           "/ro"
                           "ot/.cache"}) {
    put("common/base/pool.h", std::string("const char* p = \"") + path + "\";\n");
    CHECK_TEXT(!complaint("common/base/pool.h").empty(), path);
  }
  put("common/base/pool.h",
      "// GET https://example.org/wo"
      "rk/x, spw/ho"
      "me/y, ${dir}/wo"
      "rk/z\n");
  STRCMP_EQUAL("", complaint("common/base/pool.h").c_str());
}

TEST(Rules, a_unit_test_that_sleeps_is_refused) {
  put("tests/unit/base/CMakeLists.txt", "spillway_test(unit_base SOURCES a_test.cpp)\n");
  put("tests/unit/base/a_test.cpp",
      "std::this_thread::slee"
      "p_for(1s);\n");
  STRCMP_EQUAL("a unit test never sleeps", complaint("tests/unit/base/a_test.cpp").c_str());
}

TEST(Rules, a_lock_that_clang_cannot_check_is_refused_in_the_product_only) {
  for (const char* lock : {"std::mutex", "std::shared_mutex", "std::recursive_timed_mutex",
                           "std::unique_lock<M>", "std::condition_variable"}) {
    put("common/store/queue.h", std::string("class Queue {\n  ") + lock + " lock_;\n};\n");
    STRCMP_CONTAINS("guards what no compiler knows of", complaint("common/store/queue.h").c_str());
  }
  put("common/store/queue.h", "// like std::mutex\nthreads::Mutex mutex_;\n");
  STRCMP_EQUAL("", complaint("common/store/queue.h").c_str());
  put("common/threads/mutex.h", "std::mutex mutex_;\n");
  STRCMP_EQUAL("", complaint("common/threads/mutex.h").c_str());
  put("tests/support/queue.h", "std::mutex mutex;\n");
  STRCMP_EQUAL("", complaint("tests/support/queue.h").c_str());
}

TEST(Rules, six_lines_of_logic_in_both_sides_are_shared) {
  const auto told = [this](const std::string& one, const std::string& other) {
    put("agent/node/a.h", one);
    put("cloud/dispatch/a.h", other);
    return complaint("cloud/dispatch/a.h");
  };
  const std::string five = "f();\nif (a) {\n  g(\"b\");\n}\nh();\ni();\n", six = five + "j();\n";
  STRCMP_EQUAL("6 lines stand in agent/node/a.h:2, too: what both sides do is shared",
               told("// why\n" + six, six).c_str());
  STRCMP_EQUAL("", told(five + "k();\n", six).c_str());
  STRCMP_EQUAL("", told(six, "f();\nif (a) {\n  g(\"c\");\n}\nh();\ni();\nj();\n").c_str());
  // Where it is how and with which words does not matter.
  STRCMP_CONTAINS("agent/node/a.h:1",
                  told(six, include("<map>") + "  f();  // x\n\n  if (a) {\n  using B = C;\n"
                                               "  g(\"b\");\n // y\n}\nh();\n  }\ni();\nj();\n")
                      .c_str());
  STRCMP_EQUAL("", told("", six).c_str());
  put("cloud/node/a.h", six);
  put("agent/node/b.cpp", six);
  STRCMP_CONTAINS("agent/node/b.cpp:1", complaint("cloud/node/a.h").c_str());
}

TEST(Rules, six_lines_of_the_tests_of_both_sides_are_shared) {
  const std::string lines = with_lines(6, "f();");
  put("tests/unit/agent_node/a.h", lines);
  put("tests/unit/cloud_node/a.h", lines + lines);
  STRCMP_CONTAINS("tests/unit/agent_node/a.h:1", complaint("tests/unit/cloud_node/a.h").c_str());
  put("tests/support/fakes/agent_side.h", lines);
  put("tests/support/fakes/cloud_side.h", lines);
  STRCMP_CONTAINS("agent_side.h:1", complaint("tests/support/fakes/cloud_side.h").c_str());
}

TEST(Rules, what_is_said_of_locks_is_no_part_of_a_class) {
  const std::vector<ClassSize> found = classes_of(
      "class CAPABILITY(\"mutex\") A {\n  void f() REQUIRES(a_);\n  int b_ GUARDED_BY(a_) = 0;\n"
      "  Map<int,\n      int> c_ GUARDED_BY(a_);\n};\nclass SCOPED_CAPABILITY B {};\n");
  CHECK_EQUAL(2U, found.size());
  STRCMP_EQUAL("A", found[0].name.c_str());
  CHECK_EQUAL(1U, found[0].methods);
  CHECK_EQUAL(2U, found[0].members);
  STRCMP_EQUAL("B", found[1].name.c_str());
}

TEST(Rules, a_source_that_nobody_builds_is_refused) {
  put("tests/unit/base/CMakeLists.txt", "spillway_test(unit_base SOURCES my_ids_test.cpp)\n");
  put("tests/unit/base/ids_test.cpp", "");
  CHECK(complaint("tests/unit/base/ids_test.cpp").find("never built") != std::string::npos);
  put("tests/unit/base/CMakeLists.txt", "spillway_test(unit_base SOURCES a.cpp\n  ids_test.cpp)\n");
  STRCMP_EQUAL("", complaint("tests/unit/base/ids_test.cpp").c_str());
}

TEST(Rules, the_root_holds_only_what_the_design_says) {
  put("notes.md", "");
  CHECK(!complaint("notes.md").empty());
  put("scripts/x.sh", "");
  CHECK(!complaint("scripts").empty());
  fs::create_directories(root / "build");
  put(".clang-format", "");
  STRCMP_EQUAL("", complaint("build").c_str());
  STRCMP_EQUAL("", complaint(".clang-format").c_str());
}

TEST_GROUP(SourceText){std::string names(const std::string& text){std::string all;
for (const Function& f : functions_of(text)) {
  all += f.name + ":" + std::to_string(f.line) + "+" + std::to_string(f.lines) + " ";
}
return all;
}  // namespace spillway::lint
}
;

TEST(SourceText, functions_are_found_with_their_lines) {
  STRCMP_EQUAL("f:1+1 A::g:2+3 ",
               names("int f() { return 1; }\nvoid A::g() const {\n  x();\n}\n").c_str());
  STRCMP_EQUAL(
      "get:3+1 ",
      names("namespace n {\nclass A {\n  int get() const { return a_; }\n  int a_{1};\n};\n}\n")
          .c_str());
  STRCMP_EQUAL("A::A:1+4 ", names("A::A(int a)\n    : a_{a}, b_(2) {\n  start();\n}\n").c_str());
  STRCMP_EQUAL("TEST(G, works):1+3 ", names("TEST(G, works) {\n  if (a) { b(); }\n}\n").c_str());
  STRCMP_EQUAL("setup:2+1 ",
               names("TEST_GROUP(G) {\n  void setup() override { x(); }\n};\n").c_str());
}

TEST(SourceText, braces_that_are_no_function_are_not_taken_for_one) {
  STRCMP_EQUAL(
      "",
      names("const int a[] = {1, 2};\nstruct B { int x = f(); };\nenum class C { d };\n").c_str());
  STRCMP_EQUAL("f:1+3 ", names("void f() {\n  auto l = [&](int) { return 1; };\n}\n").c_str());
}

TEST(SourceText, comments_strings_and_macros_do_not_confuse_it) {
  STRCMP_EQUAL("f:4+3 ", names("// void a() {\n#define X() { \\\n  {\nvoid f() {\n  s = \"}{\" "
                               "R\"(}})\" '{' 1'000;\n}\n")
                             .c_str());
  STRCMP_EQUAL("", names("/* int f() {\n} */\n").c_str());
}

TEST(SourceText, includes_and_types_are_found) {
  const auto includes =
      includes_of(include("<a/b.h>") + "int x;\n#  " + include("\"c.h\"").substr(1));
  CHECK_EQUAL(2U, includes.size());
  CHECK_FALSE(includes[0].quoted);
  STRCMP_EQUAL("c.h", includes[1].path.c_str());
  CHECK_EQUAL(3U, includes[1].line);
  const auto types = types_of("// class No\nenum class Yes { a };\nstruct [[nodiscard]] Too;\n");
  CHECK_EQUAL(2U, types.size());
  STRCMP_EQUAL("Too", types[1].name.c_str());
}

// What ./dev test adds up, from what CTest prints and logs.
TEST_GROUP(Counting) {
  std::string printed = "Test project\n", log;

  void ran(const std::string& name, const std::string& status, const std::string& output) {
    printed += " 1/9 Test  #1: " + name + " ......" + status + "   0.02 sec\n";
    log += "1/9 Testing: " + name + "\n1/9 Test: " + name + "\nOutput:\n-----\n" + output +
           "<end of output>\nTest time =   0.02 sec\nTest Passed.\n\n";
  }
  std::string counts() {
    std::string name = (fs::temp_directory_path() / "spillway-count-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    const fs::path folder = name;
    std::ofstream(folder / "printed") << printed;
    std::ofstream(folder / "log") << log;
    const std::string command = "cd " + name +
                                " && awk -f " SPILLWAY_COUNT_TESTS
                                " -v counts=counts printed log >/dev/null";
    CHECK_EQUAL(0, system(command.c_str()));
    std::ifstream in(folder / "counts");
    std::string line;
    std::getline(in, line);
    fs::remove_all(folder);
    return line;
  }
};

TEST(Counting, adds_up_what_the_executables_say) {
  ran("a", "   Passed", "OK (12 tests, 11 ran, 40 checks, 1 ignored, 0 filtered out, 5 ms)\n");
  ran("b", "***Failed",
      "x: error: Failure in TEST(G, t)\nErrors (2 failures, 10 tests, 10 ran, 4 checks, 0 ignored, "
      "0 filtered out, 1 ms)\n");
  ran("plain", "   Passed", "built\n");
  STRCMP_EQUAL("20 2 1", counts().c_str());
}

TEST(Counting, a_crash_a_timeout_and_a_program_that_is_not_there_are_failures) {
  ran("crashed", "Subprocess aborted***Exception:", "TEST(G, a)\n");
  ran("slow", "***Timeout", "TEST(G, a)\n");
  ran("absent", "***Not Run", "");
  STRCMP_EQUAL("0 3 0", counts().c_str());
}

TEST(Counting, a_leak_found_after_the_last_test_is_a_failure) {
  ran("leaky", "***Failed",
      "OK (4 tests, 4 ran, 4 checks, 0 ignored, 0 filtered out, 5 ms)\nERROR: LeakSanitizer\n");
  STRCMP_EQUAL("4 1 0", counts().c_str());
}

TEST(Counting, a_test_that_says_that_it_skipped_has_not_passed) {
  ran("a", "   Passed",
      "f.cpp:3 skipped: no data\nf.cpp:3 skipped: no data\nOK (5 tests, 5 ran, 9 checks, 0 "
      "ignored, 0 "
      "filtered out, 5 ms)\n");
  ran("plain", "   Passed", "skipped: no root\n");
  STRCMP_EQUAL("3 0 3", counts().c_str());
}

TEST(Counting, nothing_ran_is_nothing_passed) { STRCMP_EQUAL("0 0 0", counts().c_str()); }

TEST(Rules, a_key_of_the_configuration_that_nothing_asks_for) {
  put("agent/include/spillway/agent/options.h",
      "struct Link {\n  bool metered = false;\n  std::uint64_t bandwidth = 0, floor = 0;\n"
      "  template <class Keys>\n  static void list(Keys& keys) {\n"
      "    keys.flag(\"metered\", &Link::metered);\n"
      "    keys.bytes(\"bandwidth\", &Link::bandwidth, 0, 9);\n  }\n};\n");
  put("agent/node/node.cpp", "options.metered = true; use(options.link.bandwidth);\n");
  const std::string told = complaint("agent/include/spillway/agent/options.h");
  STRCMP_EQUAL("Link::metered is a key that nothing asks for", told.c_str());
  put("agent/node/node.cpp", "on = options.link.metered || a.bandwidth == b.floor;\n");
  STRCMP_EQUAL("", complaint("agent/include/spillway/agent/options.h").c_str());
}

TEST(Rules, a_link_that_leads_nowhere_is_refused) {
  const auto told = [&](const std::string& link) {
    put("common/doc/page.md", "# One page\n\nSee [there](" + link + ").\n");
    return complaint("common/doc/page.md");
  };
  put("README.md", "## What it does, and why\n```\n## no heading\n```\n");
  STRCMP_EQUAL("a link to gone.md leads nowhere", told("gone.md").c_str());
  STRCMP_EQUAL("a link to ../bas leads nowhere", told("../bas").c_str());
  STRCMP_EQUAL("a link to #two leads nowhere", told("#two").c_str());
  STRCMP_EQUAL("a link to ../../README.md#no-heading leads nowhere",
               told("../../README.md#no-heading").c_str());
  for (const char* good : {"../base/ids.cpp", "../base", "../base/", "page.md", "#one-page",
                           "../../README.md#what-it-does-and-why", "https://example.org/gone.md"}) {
    STRCMP_EQUAL("", told(good).c_str());
  }
}

TEST(Rules, links_in_code_are_none) {
  put("README.md", "`list[0](x)` and\n```\n[there](gone.md)\n```\n");
  STRCMP_EQUAL("", complaint("README.md").c_str());
}

TEST(Rules, a_value_with_a_text_that_nothing_gives) {
  put("common/base/ids.h",
      "enum class Why : int { none = 0, held };\nstd::string_view to_string(Why why);\n"
      "enum class Plain { one };\n");
  put("agent/node/node.cpp",
      "Why why = Why::none;\nswitch (why) { case Why::held: break; }\nbool b = why == Why::held;\n"
      "b = Why::held != why; x = f.get(Why::held); // why = Why::held\n");
  STRCMP_EQUAL("Why::held has a text, and nothing gives it",
               complaint("common/base/ids.h").c_str());
  put("agent/node/other.cpp", "task.why = b ? Why::held : Why::none;\n");
  STRCMP_EQUAL("", complaint("common/base/ids.h").c_str());
}

}  // namespace spillway::lint
