#include "common/base/kind_ref.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(KindRef) {
  static constexpr const char* kHex =
      "00ff102030405060708090a0b0c0d0e0f00102030405060708090a0b0c0d0e0f";

  static Digest digest() {
    Digest made{};
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = std::uint8_t(i + 1);
    return made;
  }
  static std::string again(const std::string& text) {
    const Result<KindRef> kind = parse_kind_ref(text);
    return kind ? to_string(*kind) : kind.error().message;
  }
};

TEST(KindRef, a_name_alone_asks_for_any_version) {
  const KindRef asked{"echo", 0, {}};
  CHECK_TRUE((KindRef{"echo", 1, {}}).satisfies(asked));
  CHECK_TRUE((KindRef{"echo", 2, digest()}).satisfies(asked));
  CHECK_FALSE((KindRef{"echo.more", 1, {}}).satisfies(asked));
}

TEST(KindRef, a_version_or_a_digest_asks_for_exactly_that_one) {
  const KindRef second{"echo", 2, {}};
  CHECK_TRUE((KindRef{"echo", 2, digest()}).satisfies(second));
  CHECK_FALSE((KindRef{"echo", 1, digest()}).satisfies(second));
  CHECK_FALSE((KindRef{"echo", 3, digest()}).satisfies(second));
  const KindRef exact{"echo", 0, digest()};
  CHECK_TRUE((KindRef{"echo", 7, digest()}).satisfies(exact));
  CHECK_FALSE((KindRef{"echo", 7, {}}).satisfies(exact));  // not known to be that one
}

TEST(KindRef, its_text_says_what_is_asked_for_and_is_read_again) {
  const std::string mark = "@sha256:";
  for (const std::string& text : {std::string("echo"), std::string("signal.spectrum@2"),
                                  "echo" + mark + kHex, "echo@3" + mark + kHex}) {
    STRCMP_EQUAL(text.c_str(), again(text).c_str());
  }
}

TEST(KindRef, a_text_that_is_none_is_refused_with_what_it_lacks) {
  for (const char* text :
       {"echo@", "echo@0", "echo@two", "echo@-1", "echo@1x", "echo@4294967296"}) {
    STRCMP_CONTAINS("is not a version: a whole number from 1", again(text).c_str());
  }
  for (const char* text : {"echo@sha256:", "echo@sha256:12", "echo@1@sha256:zz"}) {
    STRCMP_CONTAINS("64 hexadecimal digits", again(text).c_str());
  }
}

TEST(KindRef, one_is_found_among_those_of_a_node_by_what_it_is) {
  const std::vector<KindRef> here{{"echo", 1, {}}, {"echo", 2, {}}, {"spin", 1, {}}};
  CHECK_TRUE(has_kind(here, {"echo", 0, {}}));
  CHECK_TRUE(has_kind(here, {"echo", 2, {}}));
  CHECK_FALSE(has_kind(here, {"echo", 3, {}}));
  CHECK_FALSE(has_kind(here, {"hash", 0, {}}));
}
