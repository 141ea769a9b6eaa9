#include "common/kinds/args.h"

#include <cmath>
#include <limits>
#include <string>

#include "common/kinds/format.h"
#include "common/kinds/nearest.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(ArgReader) {
  Labels args;
  std::string count_error(const std::string& value) {
    args["n"] = value;
    kinds::ArgReader reader(args);
    UNSIGNED_LONGS_EQUAL(5, reader.count("n", 5, 2, 9));
    Status status = reader.finish();
    return status ? "" : status.error().message;
  }
};

TEST(ArgReader, gives_defaults_when_nothing_is_asked_for) {
  kinds::ArgReader reader(args);
  UNSIGNED_LONGS_EQUAL(5, reader.count("n", 5, 2, 9));
  DOUBLES_EQUAL(0.5, reader.number("x", 0.5, 0, 1), 0);
  STRCMP_EQUAL("", reader.text("t").c_str());
  CHECK(reader.choice("c", {"one", "two"}) == "one");
  CHECK(reader.texts("l").empty());
  CHECK(!reader.optional_count("o", 1, 2).has_value());
  CHECK(reader.finish().ok());
}

TEST(ArgReader, reads_what_is_given) {
  args = {{"n", "9"}, {"x", "1e-3"}, {"t", "a,b"}, {"c", "two"}, {"l", "a,b"}, {"v", "1,0.5"}};
  kinds::ArgReader reader(args);
  UNSIGNED_LONGS_EQUAL(9, reader.count("n", 5, 2, 9));
  DOUBLES_EQUAL(0.001, reader.number("x", 0.5, 0, 1), 0);
  STRCMP_EQUAL("a,b", reader.text("t").c_str());
  CHECK(reader.choice("c", {"one", "two"}) == "two");
  CHECK(reader.texts("l") == std::vector<std::string>({"a", "b"}));
  CHECK(reader.numbers("v", {}, 0, 1) == std::vector<double>({1, 0.5}));
  CHECK(reader.finish().ok());
}

TEST(ArgReader, refuses_whole_numbers_that_are_not_or_lie_outside) {
  for (const char* bad : {"", "1", "10", "-3", "3.0", "3 ", " 3", "0x3", "99999999999999999999"}) {
    STRCMP_CONTAINS("a whole number from 2 to 9", count_error(bad).c_str());
  }
}

TEST(ArgReader, refuses_numbers_that_are_not_finite) {
  for (const char* bad : {"nan", "inf", "-inf", "1e999", "x", "", "2"}) {
    args["x"] = bad;
    kinds::ArgReader reader(args);
    DOUBLES_EQUAL(0.5, reader.number("x", 0.5, 0, 1), 0);
    CHECK(reader.finish().error().code == Code::invalid_argument);
  }
}

TEST(ArgReader, refuses_lists_with_a_bad_or_one_too_many_member) {
  for (const std::string& bad :
       {std::string("0.1,,0.2"), std::string("0.1,2"), std::string("a"), std::string(40, ','),
        std::string("0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0")}) {
    args["v"] = bad;
    kinds::ArgReader reader(args);
    reader.numbers("v", {}, 0, 1);
    CHECK_TEXT(!reader.finish().ok(), bad.c_str());
  }
}

TEST(ArgReader, names_the_arg_nobody_knows_and_the_one_that_is_near) {
  args["windw"] = "3";
  kinds::ArgReader reader(args);
  reader.count("window", 5, 2, 9);
  STRCMP_EQUAL("unknown arg 'windw'; did you mean 'window'?",
               reader.finish().error().message.c_str());
}

TEST(ArgReader, tells_the_first_of_several_mistakes) {
  args = {{"a", "bad"}, {"b", "bad"}, {"zzz", "1"}};
  kinds::ArgReader reader(args);
  reader.count("b", 1, 0, 9);
  reader.count("a", 1, 0, 9);
  STRCMP_CONTAINS("arg b:", reader.finish().error().message.c_str());
}

TEST_GROUP(Nearest){};

TEST(Nearest, suggests_a_near_name_lists_far_ones_and_survives_huge_ones) {
  std::vector<std::string_view> known = {"window", "step"};
  STRCMP_EQUAL("; did you mean 'step'?", did_you_mean("stpe", known).c_str());
  STRCMP_EQUAL("; known: window, step", did_you_mean("q", known).c_str());
  STRCMP_EQUAL("", did_you_mean("q", {}).c_str());
  CHECK(!did_you_mean(std::string(1'000'000, 'w'), known).empty());
}

TEST_GROUP(Format){};

TEST(Format, gives_nine_significant_digits_in_the_shortest_form) {
  STRCMP_EQUAL("0.333333333", format_number(1.0 / 3).c_str());
  STRCMP_EQUAL("1e+20", format_number(1e20).c_str());
  STRCMP_EQUAL("123456789", format_number(123456789.4).c_str());
  STRCMP_EQUAL("0", format_number(-0.0).c_str());
  STRCMP_EQUAL("-2.5", format_number(-2.5).c_str());
}

TEST(Format, knows_that_json_has_neither_nan_nor_infinity) {
  STRCMP_EQUAL("null", format_number(std::nan("")).c_str());
  STRCMP_EQUAL("null", format_number(-std::numeric_limits<double>::infinity()).c_str());
}

TEST(Format, writes_nested_json_with_commas_where_they_belong) {
  JsonWriter json;
  std::vector<double> numbers = {1, 2.5};
  json.begin_object().name("a").count(1).name("b").begin_array().text("x").null().end_array();
  json.name("c").numbers(numbers).name("d").begin_object().end_object().end_object();
  STRCMP_EQUAL(R"({"a":1,"b":["x",null],"c":[1,2.5],"d":{}})", json.done().c_str());
  CHECK(is_json(json.done()));
}

TEST(Format, escapes_what_json_cannot_hold_and_replaces_what_is_not_utf_8) {
  auto quoted = [](std::string_view text) { return JsonWriter().text(text).done(); };
  STRCMP_EQUAL(R"("a\"b\\c\u000a\u0000")", quoted(std::string_view("a\"b\\c\n\0", 7)).c_str());
  STRCMP_EQUAL("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
               quoted("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80").c_str());
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    STRCMP_CONTAINS("\xef\xbf\xbd", quoted(bad).c_str());
  }
}

TEST(Format, shows_text_of_any_language_and_nothing_that_steers_the_line_it_stands_in) {
  STRCMP_EQUAL(
      "Temp, \xc2\xb0"
      "C \xe6\xb8\xa9",
      printable("Temp, \xc2\xb0"
                "C \xe6\xb8\xa9")
          .c_str());
  // A control of C1, an end of a line, marks of direction.
  for (const char* mark :
       {"\xc2\x9b", "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8f"}) {
    STRCMP_EQUAL("a?b", printable(std::string("a") + mark + "b").c_str());
  }
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += "\xc2\xb5";
  const std::string shown = printable(long_text);
  STRCMP_CONTAINS("...", shown.c_str());
  UNSIGNED_LONGS_EQUAL(2 * 48 + 3, shown.size());
}

TEST(Format, shows_hostile_text_short_and_printable) {
  STRCMP_EQUAL("a?b?", printable("a\x1b"
                                 "b\xff")
                           .c_str());
  UNSIGNED_LONGS_EQUAL(51, printable(std::string(1000, 'x')).size());
}
