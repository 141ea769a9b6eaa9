#include "common/config/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/config/nearest.h"
#include "common/config/quantity.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::config;
using namespace std::chrono_literals;

namespace {

// Reads [a] with every kind of getter and answers the problem, or "".
std::string problem(const std::string& text) {
  Result<File> file = File::parse(text, "x.toml");
  if (!file) return file.error().message;
  Section a = file->section("a");
  a.text("text");
  a.path("path");
  a.list("list", 2, 5);
  a.flag("flag", false);
  a.integer("count", 5, 1, 10);
  a.number("ratio", 0.5, 0, 1);
  a.duration("wait", 5s, 1s, 1min);
  a.bytes("size", 1024, 1024, 1 << 20);
  a.choice("colour", 1, {{"red", 1}, {"green", 2}});
  for (Section& each : file->sections("many")) each.text("name");
  Status status = file->finish();
  return status ? "" : status.error().message;
}

void check_problem(const char* expected, const std::string& text) {
  STRCMP_EQUAL(expected, problem(text).c_str());
}

}  // namespace

TEST_GROUP(ConfigFile){};

TEST(ConfigFile, an_empty_file_is_all_defaults) {
  Result<File> file = File::parse("", "x.toml");
  Section a = file->section("a");
  STRCMP_EQUAL("here", a.text("text", "here").c_str());
  CHECK(a.flag("flag", true));
  CHECK(a.list("list", 2, 5).empty());
  LONGS_EQUAL(5, a.integer("count", 5, 1, 10));
  CHECK(a.duration("wait", 5s, 1s, 1min) == 5s);
  UNSIGNED_LONGS_EQUAL(7, a.bytes("size", 7, 0, 9));
  CHECK(file->finish().ok());
}

TEST(ConfigFile, every_getter_reads_its_value) {
  Result<File> file = File::parse(
      "[a]\ntext = \"t\"\npath = \"/p\"\nlist = [\"x\", \"y\"]\nflag = true\ncount = 10\n"
      "ratio = 0.25\nwhole = 1\nwait = \"250ms\"\nsize = \"64KiB\"\nplain = 2048\n"
      "colour = \"green\"\n[[many]]\nname = \"one\"\n[[many]]\nname = \"two\"\n",
      "x.toml");
  Section a = file->section("a");
  STRCMP_EQUAL("t", a.text("text").c_str());
  STRCMP_EQUAL("/p", a.path("path").c_str());
  CHECK((a.list("list", 2, 5) == std::vector<std::string>{"x", "y"}));
  CHECK(a.flag("flag", false));
  LONGS_EQUAL(10, a.integer("count", 5, 1, 10));
  DOUBLES_EQUAL(0.25, a.number("ratio", 0, 0, 1), 0);
  DOUBLES_EQUAL(1, a.number("whole", 0, 0, 1), 0);
  CHECK(a.duration("wait", 5s, 1ms, 1min) == 250ms);
  UNSIGNED_LONGS_EQUAL(65536, a.bytes("size", 0, 0, 1 << 20));
  UNSIGNED_LONGS_EQUAL(2048, a.bytes("plain", 0, 0, 1 << 20));
  LONGS_EQUAL(2, a.choice("colour", 1, {{"red", 1}, {"green", 2}}));
  std::vector<Section> many = file->sections("many");
  UNSIGNED_LONGS_EQUAL(2, many.size());
  STRCMP_EQUAL("two", many[1].text("name").c_str());
  CHECK(file->finish().ok());
}

TEST(ConfigFile, unknown_keys_are_refused_with_the_nearest_name) {
  check_problem("x.toml:2: a.cuont: no such key; did you mean 'count'?", "[a]\ncuont = 5\n");
  check_problem("x.toml:2: many.nam: no such key; did you mean 'name'?", "[[many]]\nnam = 'x'\n");
  check_problem(
      "x.toml:2: a.zzzzzzzz: no such key; known are colour, count, flag, list, path, ratio, size, "
      "text, wait",
      "[a]\nzzzzzzzz = 5\n");
}

// The parser itself would end the program.
TEST(ConfigFile, a_header_without_a_name_is_refused_with_its_line) {
  for (const char* header : {"[", "[\n", "[[", "[ =", "[[[a]]]", "[[\n]]"}) {
    const Result<File> file = File::parse("[a]\nb = 1\n" + std::string(header), "a.toml");
    CHECK_TEXT(!file.ok(), header);
    STRCMP_CONTAINS("a.toml:3: ", file.error().message.c_str());
  }
}

TEST(ConfigFile, letters_beyond_ascii_are_refused_outside_of_quotes_and_comments) {
  for (const char* text :
       {"\xc3\xa4 = 1", "[\xc3\xa4]", "[a]\xc3\xa4", "b = \xc3\xa4", "b = \"\"\xc3\xa4",
        "b = \"\\\"\" \xc3\xa4", "b = 2tts:/'x.\xd0\x81 e", "b = [[1[[q\"\xce\xa8 t]"}) {
    STRCMP_CONTAINS("x.toml:1: ", problem(text).c_str());
  }
  for (const char* text :
       {"# \xc3\xa4", "\xef\xbb\xbf[a]", "[a]\ntext = '\xc3\xa4'", "[a]\ntext = \"\\\"\xc3\xa4\"",
        "[a]\ntext = \"\"\"\n\"\xc3\xa4\"\"\"", "[a]\ntext = '''\n'\xc3\xa4'''\ncount = 1",
        "[a]\ntext = \"\"\"x \\\n \xc3\xa4\"\"\""}) {
    check_problem("", text);
  }
}

TEST(ConfigFile, unknown_sections_are_refused_with_the_nearest_name) {
  check_problem("x.toml:3: amny: no such section; did you mean 'many'?", "[a]\n\n[amny]\nx = 1\n");
  check_problem("x.toml:2: many.b: no such key; known are name", "[[many]]\n[many.b]\n");
  check_problem("x.toml:1: xyzzy: no such section; known are a, many", "xyzzy = 5\n");
}

TEST(ConfigFile, values_of_the_wrong_type_are_refused) {
  check_problem("x.toml:2: a.text: must be text in quotes", "[a]\ntext = 5\n");
  check_problem("x.toml:2: a.text: must be text in quotes", "[a]\ntext = 1979-05-27\n");
  check_problem("x.toml:2: a.text: must be text in quotes", "[a]\ntext = ['x']\n");
  check_problem("x.toml:2: a.flag: must be true or false", "[a]\nflag = 'yes'\n");
  check_problem("x.toml:2: a.count: must be a whole number from 1 to 10", "[a]\ncount = '5'\n");
  check_problem("x.toml:2: a.count: must be a whole number from 1 to 10", "[a]\ncount = 5.0\n");
  check_problem("x.toml:2: a.ratio: must be a number from 0 to 1", "[a]\nratio = '0.5'\n");
  check_problem("x.toml:2: a.wait: must be a duration in ms, s, min, h or d, as in \"30s\"",
                "[a]\nwait = 30\n");
  check_problem("x.toml:2: a.size: must be a size in B, KiB, MiB, GiB or TiB, as in \"64MiB\"",
                "[a]\nsize = true\n");
}

TEST(ConfigFile, values_out_of_range_are_refused_with_the_range) {
  check_problem("x.toml:2: a.count: 0 is not a whole number from 1 to 10", "[a]\ncount = 0\n");
  check_problem("x.toml:2: a.count: 11 is not a whole number from 1 to 10", "[a]\ncount = 11\n");
  check_problem("x.toml:2: a.ratio: must be a number from 0 to 1", "[a]\nratio = 1.01\n");
  check_problem("x.toml:2: a.ratio: must be a number from 0 to 1", "[a]\nratio = nan\n");
  check_problem("x.toml:2: a.ratio: must be a number from 0 to 1", "[a]\nratio = inf\n");
  check_problem("x.toml:2: a.wait: '2h' is not from 1s to 1min", "[a]\nwait = '2h'\n");
  check_problem("x.toml:2: a.size: 1B is not from 1KiB to 1MiB", "[a]\nsize = 1\n");
  check_problem("x.toml:2: a.size: 2MiB is not from 1KiB to 1MiB", "[a]\nsize = '2MiB'\n");
  check_problem("x.toml:2: a.colour: 'blue' is none of red, green", "[a]\ncolour = 'blue'\n");
}

TEST(ConfigFile, quantities_with_bad_units_or_numbers_are_refused) {
  for (const char* text : {"30", "s", "30 sec", "30S", "-1s", "1.5s", "", "30s ", "1e3s",
                           "99999999999999999999s", "9223372036854775807d"}) {
    CHECK(!parse_duration(text));
  }
  for (const char* text : {"64", "64kB", "64MB", "64mib", "-1B", "1.5GiB", "", "MiB",
                           "99999999999TiB", "18446744073709551616B"}) {
    CHECK(!parse_size(text));
  }
  STRCMP_EQUAL("x.toml:2: a.wait: '30 sec' is not a duration in ms, s, min, h or d, as in \"30s\"",
               problem("[a]\nwait = '30 sec'\n").c_str());
}

TEST(ConfigFile, quantities_survive_printing_and_parsing) {
  for (auto duration : {0ms, 1ms, 999ms, 1000ms, 1500ms, 60'000ms, 5'400'000ms, 86'400'000ms}) {
    CHECK(parse_duration(to_text(duration)) == duration);
  }
  for (std::uint64_t size : {0ULL, 1ULL, 1023ULL, 1024ULL, 3ULL << 20, 5ULL << 40, ~0ULL}) {
    CHECK(parse_size(size_text(size)) == size);
  }
  CHECK(parse_duration("2 h") == 2h);
  STRCMP_EQUAL("90min", to_text(90min).c_str());
}

TEST(ConfigFile, paths_are_absolute) {
  check_problem("x.toml:2: a.path: 'etc/x' must be an absolute path, beginning with /",
                "[a]\npath = 'etc/x'\n");
  CHECK(problem("[a]\npath = ''\n").empty());
  CHECK(!problem("[a]\npath = '/" + std::string(5000, 'x') + "'\n").empty());
}

TEST(ConfigFile, lists_are_short_and_of_texts) {
  const char* expected =
      "x.toml:2: a.list: must be a list of at most 2 texts of 1 to 5 bytes, as in [\"one\", "
      "\"two\"]";
  for (const char* list :
       {"'x'", "['1', '2', '3']", "['']", "['toolong']", "[1]", "[['x']]", "[\"\\u0000\"]"}) {
    check_problem(expected, std::string("[a]\nlist = ") + list + "\n");
  }
}

TEST(ConfigFile, text_with_nul_is_refused) {
  check_problem("x.toml:2: a.text: must not contain NUL", "[a]\ntext = \"a\\u0000b\"\n");
}

TEST(ConfigFile, single_and_repeated_sections_are_not_confused) {
  check_problem("x.toml:1: a: must be a section, [a], and there is only one", "[[a]]\n");
  check_problem("x.toml:1: a: must be a section, [a], and there is only one", "a = 5\n");
  check_problem("x.toml:1: many: each begins with [[many]], in two brackets", "[many]\n");
  check_problem("x.toml:1: many: each begins with [[many]], in two brackets", "many = [1]\n");
}

TEST(ConfigFile, the_first_problem_by_line_is_told) {
  check_problem("x.toml:2: a.colour: 'blue' is none of red, green",
                "[a]\ncolour = 'blue'\ncount = 0\nunknown = 1\n");
}

TEST(ConfigFile, broken_syntax_names_file_and_line_in_one_line) {
  for (const std::string& text :
       {std::string("[a]\ncount = 5\ncount = 6\n"), std::string("[a]\n\n[a\n"),
        std::string("[a]\n\ntext = \"no end\n"), std::string("[a]\n\ntext = 'x' 'y'\n"),
        std::string("[a]\n\ntext = '\xFF\xFE'\n"), std::string("[a]\n\nx\xC3("),
        std::string("[a]\n\nx\0y = 1\n", 13), std::string("[a]\n\n[a]\n")}) {
    std::string what = problem(text);
    CHECK_TEXT(what.starts_with("x.toml:3: "), what.c_str());
    CHECK(what.find('\n') == what.npos);
    CHECK(what.size() < 400);
  }
}

TEST(ConfigFile, nesting_without_end_is_refused) {
  CHECK(!problem("x = " + std::string(100'000, '[')).empty());
  CHECK(!problem("x = " + std::string(400, '[') + std::string(400, ']')).empty());
}

TEST(ConfigFile, what_was_asked_for_is_known) {
  Result<File> file = File::parse("", "x.toml");
  file->section("b").text("two");
  file->section("a").flag("one", false);
  CHECK((file->known_keys() == std::vector<std::string>{"a.one", "b.two"}));
}

TEST_GROUP(Nearest){};

TEST(Nearest, finds_what_was_meant_and_nothing_far_off) {
  std::vector<std::string> names = {"workers", "tags", "memory", "state_dir"};
  STRCMP_EQUAL("workers", nearest("worker", names).c_str());
  STRCMP_EQUAL("workers", nearest("wrokers", names).c_str());
  STRCMP_EQUAL("state_dir", nearest("statedir", names).c_str());
  STRCMP_EQUAL("tags", nearest("tag", names).c_str());
  STRCMP_EQUAL("", nearest("broker_uri", names).c_str());
  STRCMP_EQUAL("", nearest(std::string(100'000, 'x'), names).c_str());
}

TEST_GROUP(ConfigRead) {
  std::string dir;
  void setup() override {
    char name[] = "/tmp/spillway_config_XXXXXX";
    CHECK(::mkdtemp(name) != nullptr);
    dir = name;
  }
  void teardown() override { std::filesystem::remove_all(dir); }
  std::string written(const std::string& text) const {
    std::ofstream(dir + "/x.toml", std::ios::binary) << text;
    return dir + "/x.toml";
  }
};

TEST(ConfigRead, reads_a_file) {
  Result<File> file = File::read(written("[a]\ntext = 'x'\n"));
  CHECK(file.ok());
  STRCMP_EQUAL("x", file->section("a").text("text").c_str());
}

TEST(ConfigRead, a_missing_file_is_not_found_and_named) {
  Result<File> file = File::read(dir + "/none.toml");
  CHECK(file.error().code == Code::not_found);
  STRCMP_CONTAINS((dir + "/none.toml").c_str(), file.error().message.c_str());
}

TEST(ConfigRead, a_directory_and_a_pipe_are_refused) {
  CHECK(File::read(dir).error().code == Code::invalid_argument);
  std::string pipe = dir + "/pipe";
  CHECK_EQUAL(0, ::mkfifo(pipe.c_str(), 0600));
  CHECK(File::read(pipe).error().code == Code::invalid_argument);
}

TEST(ConfigRead, a_huge_file_is_refused) {
  std::string line = "# 16 bytes long\n";
  std::string text;
  while (text.size() < 1024 * 1024) text += line;
  CHECK(File::read(written(text)).ok());
  CHECK(File::read(written(text + "#")).error().code == Code::invalid_argument);
}

TEST(ConfigRead, problems_name_the_path) {
  Result<File> file = File::read(written("[a]\nx = 1\n"));
  file->section("a");
  STRCMP_EQUAL((dir + "/x.toml:2: a.x: no such key").c_str(),
               file->finish().error().message.c_str());
}
