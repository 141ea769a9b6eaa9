#include "common/config/node_settings.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::config;
using namespace std::chrono_literals;

namespace {

enum class Colour { red, blue };

Settings settings(const std::string& text) {
  Result<File> file = File::parse(text, "x.toml");
  CHECK_TEXT(file.ok(), file.ok() ? "" : file.error().message.c_str());
  Section section = file->section("s");
  (void)section.text("text", "a");
  (void)section.path("path", "/a");
  (void)section.list("list", 3, 8);
  (void)section.flag("flag", true);
  (void)section.number("number", 0.5, 0, 1);
  (void)section.duration("duration", 60s, 1s, 1h);
  (void)section.bytes("bytes", 1024, 1, 1 << 20);
  (void)section.integer("integer", 7, 1, 9);
  (void)section.choice("choice", Colour::red, {{"red", Colour::red}, {"blue", Colour::blue}});
  for (Section& each : file->sections("each")) (void)each.text("name");
  const Status read = file->finish();
  CHECK_TEXT(read.ok(), read.ok() ? "" : read.error().message.c_str());
  return file->settings();
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_GROUP(Settings){};

TEST(Settings, what_is_set_to_what_it_is_anyway_is_no_change) {
  CHECK(changed(settings(""),
                settings("[s]\ntext = 'a'\npath = '/a'\nlist = []\nflag = true\nnumber = 0.5\n"
                         "duration = '1min'\nbytes = '1KiB'\ninteger = 7\nchoice = 'red'\n"))
            .empty());
}

TEST(Settings, each_change_is_named) {
  CHECK((Keys{"s.bytes", "s.choice", "s.duration", "s.flag", "s.integer", "s.list", "s.number",
              "s.path", "s.text"} ==
         changed(settings(""),
                 settings("[s]\ntext = 'b'\npath = '/b'\nlist = ['a']\nflag = false\nnumber = "
                          "0.5000000001\nduration = '2min'\nbytes = 1025\ninteger = 8\nchoice = "
                          "'blue'\n"))));
}

TEST(Settings, texts_of_a_list_are_told_apart) {
  CHECK((Keys{"s.list"} ==
         changed(settings("[s]\nlist = ['ab', 'c']"), settings("[s]\nlist = ['a', 'bc']"))));
}

TEST(Settings, sections_that_come_and_go_are_changes) {
  const std::string one = "[[each]]\nname = 'a'\n", two = one + "[[each]]\nname = 'b'\n";
  CHECK(changed(settings(two), settings(two)).empty());
  for (const auto& [old, now] :
       {std::pair(std::string(), one), {one, two}, {two, one}, {one, ""}}) {
    CHECK((Keys{"each.name"} == changed(settings(old), settings(now))));
  }
}

TEST(Settings, only_what_a_running_node_does_not_take_up_needs_a_restart) {
  const std::vector<std::string> reloadable = {"s.text"};
  CHECK((Keys{"s.flag"} ==
         need_restart(settings(""), settings("[s]\ntext = 'b'\nflag = false\n"), reloadable)));
}
