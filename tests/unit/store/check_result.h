#pragma once

#include <string>

#include "spillway/status.h"

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

#define CHECK_OK(result)                                                           \
  do {                                                                             \
    const auto& checked = (result);                                                \
    CHECK_TEXT(checked.ok(), checked.ok() ? "" : checked.error().message.c_str()); \
  } while (false)

#define CHECK_FAILS(expected_code, result)                              \
  do {                                                                  \
    const auto& checked = (result);                                     \
    CHECK_FALSE(checked.ok());                                          \
    STRCMP_EQUAL(std::string(to_string(expected_code)).c_str(),         \
                 std::string(to_string(checked.error().code)).c_str()); \
  } while (false)
