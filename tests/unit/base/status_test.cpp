#include "spillway/status.h"

#include <memory>
#include <set>
#include <string>

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;

namespace {

Result<int> half(int number) {
  if (number % 2 == 0) return number / 2;
  return fail(Code::invalid_argument, "odd");
}

}  // namespace

TEST_GROUP(Status){};

TEST(Status, holds_a_value_or_an_error) {
  CHECK(half(4).ok());
  LONGS_EQUAL(2, *half(4));
  CHECK(!half(3));
  CHECK(half(3).error().code == Code::invalid_argument);
  STRCMP_EQUAL("odd", half(3).error().message.c_str());
}

TEST(Status, of_nothing_is_success_unless_told_otherwise) {
  spillway::Status good;
  CHECK(good.ok());
  spillway::Status bad = fail(Code::busy, "full");
  CHECK(!bad);
  CHECK(bad.error().code == Code::busy);
}

TEST(Status, remembers_the_line_that_raised_the_error) {
  Error error = fail(Code::io, "x");
  auto line = static_cast<unsigned>(__LINE__ - 1);
  UNSIGNED_LONGS_EQUAL(line, error.where.line);
  STRCMP_CONTAINS("status_test.cpp", error.where.file);
}

TEST(Status, moves_values_that_cannot_be_copied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  std::unique_ptr<int> taken = std::move(result).value();
  LONGS_EQUAL(7, *taken);
}

TEST(Status, can_hold_an_error_as_a_value_of_its_own_kind) {
  Result<std::string> text = std::string("not an error");
  CHECK(text.ok());
  LONGS_EQUAL(12, text->size());
}

TEST(Status, has_a_name_for_every_code) {
  std::set<std::string_view> names;
  for (int code = 1; code <= static_cast<int>(Code::internal); ++code) {
    std::string_view name = to_string(static_cast<Code>(code));
    CHECK(name != "unknown");
    names.insert(name);
  }
  UNSIGNED_LONGS_EQUAL(static_cast<int>(Code::internal), names.size());
  CHECK(to_string(static_cast<Code>(0)) == "unknown");
  CHECK(to_string(static_cast<Code>(255)) == "unknown");
}
