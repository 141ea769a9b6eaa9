#include "spillway/ids.h"

#include <limits>
#include <string>
#include <unordered_set>

#include "spillway/bytes.h"
#include "spillway/status.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(TaskId){};

TEST(TaskId, prints_as_sixteen_hexadecimal_digits_and_a_decimal) {
  STRCMP_EQUAL("00000000000000ff-142", to_string({Origin{255}, 142}).c_str());
}

TEST(TaskId, survives_printing_and_parsing) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  for (spillway::TaskId id : {spillway::TaskId{Origin{0}, 1},
                              {Origin{kMost}, kMost},
                              {Origin{0x7f3a9c21d04b55e6}, 142}}) {
    CHECK(*parse_task_id(to_string(id)) == id);
  }
}

TEST(TaskId, is_not_read_from_anything_else) {
  for (const char* text :
       {"", "-", "7f3a9c21d04b55e6", "7f3a9c21d04b55e6-", "7f3a9c21d04b55e6-0",
        "7f3a9c21d04b55e6--1", "7f3a9c21d04b55e6-1x", "7f3a9c21d04b55e6-18446744073709551616",
        "7f3a9c21d04b55e-142", "g f3a9c21d04b55e-142", "0x3a9c21d04b55e6-142",
        "7f3a9c21d04b55e6-142 ", " 7f3a9c21d04b55e6-142"}) {
    Result<spillway::TaskId> id = parse_task_id(text);
    CHECK_TEXT(!id.ok(), text);
    CHECK(id.error().code == Code::invalid_argument);
  }
}

TEST(TaskId, quotes_no_more_than_a_line_of_what_it_refuses) {
  CHECK(parse_task_id(std::string(100'000, 'x')).error().message.size() < 200);
}

TEST(TaskId, orders_by_origin_and_then_by_row_and_hashes_both) {
  CHECK((spillway::TaskId{Origin{1}, 9}) < (spillway::TaskId{Origin{2}, 1}));
  CHECK((spillway::TaskId{Origin{1}, 8}) < (spillway::TaskId{Origin{1}, 9}));
  std::unordered_set<spillway::TaskId> ids;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    ids.insert({Origin{1}, seq});
    ids.insert({Origin{2}, seq});
  }
  UNSIGNED_LONGS_EQUAL(200, ids.size());
}

TEST_GROUP(DeviceId){};

TEST(DeviceId, has_three_to_sixty_three_lower_case_letters_digits_and_dashes) {
  for (const std::string& good : {std::string("abc"), std::string("0-1"), std::string("pump-17"),
                                  std::string("a--"), std::string(63, 'z')}) {
    CHECK(*check_device_id(good) == good);
  }
}

TEST(DeviceId, is_nothing_else) {
  for (const std::string& bad :
       {std::string(), std::string("ab"), std::string("-ab"), std::string("Abc"),
        std::string("a.b"), std::string("a/b"), std::string("a b"), std::string("a+b"),
        std::string("a#b"), std::string("abc\n"), std::string("\xc3\xa4\xc3\xa4"),
        std::string("ab\0c", 4), std::string(64, 'z')}) {
    CHECK_TEXT(check_device_id(bad).error().code == Code::invalid_argument, bad.c_str());
  }
}

TEST_GROUP(Bytes){};

TEST(Bytes, print_as_lower_case_hexadecimal) {
  STRCMP_EQUAL("", to_hex({}).c_str());
  STRCMP_EQUAL("00ff10ab", to_hex(spillway::Bytes{0x00, 0xff, 0x10, 0xab}).c_str());
}

TEST(Bytes, turn_into_text_and_back) {
  std::string text("a\0\xff", 3);
  CHECK(as_text(as_bytes(text)) == text);
  CHECK(as_text(to_bytes(text)) == text);
}
