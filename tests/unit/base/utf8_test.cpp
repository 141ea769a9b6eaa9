#include "common/base/utf8.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(PlainText){
    static void becomes(const char* shown, std::string_view text, Lines lines = Lines::join){
        STRCMP_EQUAL(shown, plain_text(text, lines).c_str());
}
}
;

TEST(PlainText, what_people_write_stays) {
  becomes("", "");
  becomes("Grüße, 温度 \xf0\x9f\x8c\xa1 = 3 °C", "Grüße, 温度 \xf0\x9f\x8c\xa1 = 3 °C");
}

TEST(PlainText, what_is_not_utf_8_is_replaced_byte_by_byte) {
  becomes("a??z", "a\xff\xfez");
  becomes("?", "\xe2");            // cut off
  becomes("??", "\xc0\xaf");       // overlong
  becomes("???", "\xed\xa0\x80");  // half of a pair
}

TEST(PlainText, what_a_terminal_would_obey_is_replaced) {
  becomes("?[2J", "\x1b[2J");
  becomes("?[2J", "\xc2\x9b[2J");
  becomes("a?b?", std::string_view("a\0b\x7f", 4));
  becomes("gpj?exe",
          "gpj\xe2\x80\xae"
          "exe");
  becomes("one?two", "one\xe2\x80\xa8two");
}

TEST(PlainText, lines_are_joined_unless_they_may_stay) {
  becomes("one two three", "one\ntwo\tthree");
  becomes("one\ntwo\tthree", "one\ntwo\tthree", Lines::keep);
}

TEST(PlainText, lets_no_text_steer_a_terminal) {
  STRCMP_EQUAL("plain \xC3\xA9\xE2\x82\xAC", printable("plain \xC3\xA9\xE2\x82\xAC").c_str());
  STRCMP_EQUAL("\\x1b[2J\\x0a\\x7f", printable("\x1b[2J\n\x7f").c_str());
  STRCMP_EQUAL("\\xc2\\x9b31m", printable("\xC2\x9B"
                                          "31m")
                                    .c_str());
  STRCMP_EQUAL("\\xff\\xc3", printable("\xFF\xC3").c_str());
}

TEST(PlainText, knows_broken_utf8) {
  for (const char* text : {"\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8",
                           "\x80", "\xE2\x82"}) {
    CHECK_FALSE(is_utf8(text));
  }
  CHECK(is_utf8("\xF0\x9F\x98\x80"));
}
